-- Locks events' outcomes, in order: before anything else is, as a replay does it. One that somebody holds isn't waited for: others'
-- alarms would wait with it.
-- $1 event bigint[]
-- One row an outcome that is there: event_id, is_held (by us)
with held as (
    select event_id from neurolink_event_outcomes where event_id = any ($1) order by event_id for update skip locked
)
select o.event_id, h.event_id is not null as is_held
  from neurolink_event_outcomes o left join held h using (event_id)
 where o.event_id = any ($1)
