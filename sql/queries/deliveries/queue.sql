-- A job per pending delivery.
-- $1 delivery bigint[], $2 channel text[], $3 lane smallint[], $4 max_attempts int, $5 not before timestamptz[] (null = at once)
insert into neurolink_jobs (kind, channel, ref_id, lane, max_attempts, run_at)
select 'delivery', channel, id, lane, $4, coalesce(not_before, now())
  from unnest($1::bigint[], $2::text[], $3::smallint[], $5::timestamptz[]) as d (id, channel, lane, not_before)
