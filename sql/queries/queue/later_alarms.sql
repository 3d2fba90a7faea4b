-- Alarms that can't be acted on just now ring again in a moment.
-- $1 kind text[], $2 alarm bigint[], $3 lane smallint[], $4 attempts that failed int[]
insert into neurolink_jobs (kind, ref_id, lane, attempt, run_at)
select kind, alarm, lane, attempt, now() + interval '500 milliseconds'
  from unnest($1::text[], $2::bigint[], $3::smallint[], $4::int[]) as a (kind, alarm, lane, attempt)
