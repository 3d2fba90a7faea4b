-- Jobs for events that exist, without waking anybody: the queue's own size is what is measured.
-- $1 how many bigint
insert into neurolink_jobs (kind, ref_id)
select 'event', 1 + n % 1000 from generate_series(1, $1::bigint) as n
