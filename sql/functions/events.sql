-- Trigger functions of neurolink_events. Security definer: a producer needs no right on any other table.

-- A job per new event. Severity decides the lane: critical events are evaluated before the rest. Not in a transaction that has said
-- `set local neurolink.mute = 'on'` (an import): its events have their outcome at once, so that no sweep queues them, and a replay evaluates one.
create or replace function neurolink_events_queue() returns trigger
language plpgsql security definer set search_path = @schema@, pg_temp as $$
begin
    if lower(current_setting('neurolink.mute', true)) in ('on', 'true', 'yes', '1') then
        insert into neurolink_event_outcomes (event_id, suppressed)
        select id, '[{"rule": "", "reason": "muted", "count": 0}]' from new_events;
    else
        insert into neurolink_jobs (kind, ref_id, lane)
        select 'event', id, case severity when 'critical' then 0 else 1 end from new_events;
    end if;
    return null;
end $$;
revoke execute on function neurolink_events_queue() from public;

-- An event is a fact: corrections are new events.
create or replace function neurolink_events_refuse_update() returns trigger
language plpgsql security definer set search_path = @schema@, pg_temp as $$
begin
    raise exception 'neurolink_events is immutable: insert a new event instead'
        using errcode = 'object_not_in_prerequisite_state', constraint = 'neurolink_events_immutable';
end $$;
revoke execute on function neurolink_events_refuse_update() from public;
