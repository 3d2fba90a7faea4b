-- Nothing falls between: queues events that have neither job, nor outcome, nor a dead job (triggers disabled during a
-- load, a partial restore). A page at a time: the first sweep after a start walks over all events there are.
-- $1 only events above this id bigint, $2 at most so many bigint
-- One row: how many were queued; the last id looked at (null = there was none above $1); and the id below which every event
-- is surely accounted for next time, as far as this page tells (null = not farther than $1).
with seen as (
    select e.id, e.severity, e.received_at from neurolink_events e where e.id > $1 order by e.id limit $2
), missing as (
    insert into neurolink_jobs (kind, ref_id, lane)
    select 'event', s.id, case s.severity when 'critical' then 0 else 1 end
      from seen s
     where s.received_at < now() - interval '30 seconds'
       and not exists (select from neurolink_event_outcomes o where o.event_id = s.id)
       and not exists (select from neurolink_jobs j where j.kind = 'event' and j.ref_id = s.id)
       and not exists (select from neurolink_dead_jobs d where d.kind = 'event' and d.ref_id = s.id)
    returning ref_id
)
select (select count(*) from missing) as queued,
       (select max(id) from seen) as last_seen,
       (select max(id) from seen where received_at < now() - interval '1 hour') as settled_below
