-- A job per pending delivery.
-- $1 delivery bigint[], $2 channel text[], $3 lane smallint[], $4 max_attempts int
insert into neurolink_jobs (kind, channel, ref_id, lane, max_attempts)
select 'delivery', channel, id, lane, $4
  from unnest($1::bigint[], $2::text[], $3::smallint[]) as d (id, channel, lane)
