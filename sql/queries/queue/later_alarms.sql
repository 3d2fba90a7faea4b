-- Alarms that can't be acted on just now ring again in a moment.
-- $1 kind text[], $2 alarm bigint[], $3 lane smallint[], $4 attempts that failed int[], $5 max_attempts int[], $6 created_at timestamptz[]
insert into neurolink_jobs (kind, ref_id, lane, attempt, max_attempts, created_at, run_at)
select kind, alarm, lane, attempt, max_attempts, created_at, now() + interval '500 milliseconds'
  from unnest($1::text[], $2::bigint[], $3::smallint[], $4::int[], $5::int[], $6::timestamptz[])
       as a (kind, alarm, lane, attempt, max_attempts, created_at)
