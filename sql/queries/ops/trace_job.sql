-- The job that evaluates an event alone or again. (One in the crowd has no look-up by event; it waits its turn.)
-- $1 event bigint
-- At most one row.
select id, channel, attempt, max_attempts, run_at, claimed_by is not null as is_claimed, last_error
  from neurolink_jobs
 where kind = 'event' and channel in ('single', 'replay') and ref_id = $1
 order by id
 limit 1
