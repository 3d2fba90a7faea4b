-- Jobs for the events that were not evaluated yet and for the pending e-mails, three processes of which one works, a pause, and
-- dead jobs of what failed.
-- $1 the last event that was evaluated bigint, $2 below which delivery none waits bigint
with events as (
    insert into neurolink_jobs (kind, ref_id, lane, run_at, created_at)
    select 'event', id, case severity when 'critical' then 0 else 1 end, received_at, received_at from neurolink_events where id > $1
), deliveries as (
    insert into neurolink_jobs (kind, channel, ref_id, lane, run_at, created_at)
    select 'delivery', channel, id, 1, created_at + (id % 7) * interval '1 hour', created_at
      from neurolink_delivery_log where id >= $2 and status = 'pending'
), dead as (
    insert into neurolink_dead_jobs (id, kind, ref_id, lane, attempt, max_attempts, last_error, created_at, died_at)
    select -event_id, 'event', event_id, 1, 5, 5, error, evaluated_at, evaluated_at from neurolink_event_outcomes where error is not null
), workers as (
    insert into neurolink_workers (incarnation, host, pid, version, works, channels)
    select ('00000000-0000-4000-8000-00000000000' || n)::uuid, 'host' || n, n, '0.1.0', n = 1, case when n = 1 then '{email}'::text[] end
      from generate_series(1, 3) as n
)
insert into neurolink_pauses (kind, channel, reason) values ('delivery', 'sms', 'a measurement')
