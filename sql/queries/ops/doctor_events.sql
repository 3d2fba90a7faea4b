-- Of the newest 10 000 events: those a minute old that have neither outcome nor job nor dead job.
-- Parameters: none
-- Rows: one: looked_at, missing, first and last of the missing
with newest as materialized (
    select e.id, e.received_at from neurolink_events e order by e.id desc limit 10000
), unevaluated as materialized (
    select n.id from newest n
     where n.received_at < now() - interval '1 minute'
       and not exists (select from neurolink_event_outcomes o where o.event_id = n.id)
), missing as (
    select u.id from unevaluated u
     where not exists (select from neurolink_jobs j where j.kind = 'event' and j.ref_id = u.id)
       and not exists (select from neurolink_dead_jobs d where d.kind = 'event' and d.ref_id = u.id)
)
select (select count(*) from newest) as looked_at, count(*) as missing, min(id) as first, max(id) as last from missing
