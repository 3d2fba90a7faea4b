-- What a view can't do quickly: one person's timeline, one event's way. Read along primary keys, whatever the tables' size.

create or replace function neurolink_user_timeline(user_id text, most integer default 50)
returns table (at timestamptz, what text, notification_id bigint, event_id bigint, rule_id bigint, title text, detail text)
language sql stable security definer set search_path = @schema@, pg_temp as $$
    with told as (
        select * from neurolink_notifications n
         where n.user_id = neurolink_user_timeline.user_id order by n.id desc limit most
    )
    select s.at, s.what, t.id, t.event_id, t.rule_id, t.title, s.detail
      from told t
     cross join lateral (
           select t.created_at, 'told', concat_ws(', ', t.event_type, t.severity, case when t.in_app then null else 'not in the inbox' end)
           -- Resolving reads and sees, too: only another moment is the person's own.
           union all select nullif(t.seen_at, t.resolved_at), 'seen', null
           union all select nullif(t.read_at, t.resolved_at), 'read', null
           union all select t.acknowledged_at, 'acknowledged', null
           union all select t.archived_at, case when t.expires_at <= t.archived_at then 'expired' else 'archived' end, null
           union all select t.resolved_at, 'resolved', null
           union all select t.deleted_at, 'deleted', null
           union all
           select coalesce(d.ended_at, d.created_at), d.channel || ' ' || d.status,
                  concat_ws('; ', case when d.attempts > 0 then d.attempts || ' attempts' end, d.last_error, neurolink_said_deferred(d))
             from neurolink_delivery_log d where d.id between t.id * 32 and t.id * 32 + 31) as s (at, what, detail)
     where s.at is not null
     order by s.at desc, t.id desc, s.what
     limit most
$$;
comment on function neurolink_user_timeline(text, integer) is
    'What happened to a person, newest first: told, seen, read, and each delivery''s state. select * from neurolink_user_timeline(''nadia'')';
revoke execute on function neurolink_user_timeline(text, integer) from public;

create or replace function neurolink_event_trace(event_id bigint, most integer default 200)
returns table (at timestamptz, station text, what text, user_id text, channel text, detail text)
language sql stable security definer set search_path = @schema@, pg_temp as $$
    with told as (
        select * from neurolink_notifications n
         -- In the order of the unique key: an event may have told everybody, and sorting them all took 2 s.
         where n.event_id = neurolink_event_trace.event_id order by n.rule_id, n.user_id, n.step limit most
    ), sent as (
        select d.* from told t
         cross join lateral (select * from neurolink_delivery_log d where d.id between t.id * 32 and t.id * 32 + 31 offset 0) d
    )
    select s.at, s.station, s.what, s.user_id, s.channel, s.detail
      from (select e.received_at, 1, 'event', e.event_type, null::text, null::text, concat_ws(', ', e.source_module, e.severity, e.branch_id)
              from neurolink_events e where e.id = neurolink_event_trace.event_id
            union all
            select o.evaluated_at, 2, 'outcome', case when o.error is null then o.rules_matched || ' rules matched' else 'given up' end, null, null,
                   concat_ws('; ', o.notifications || ' notifications', o.error, 'withheld: ' || o.suppressed::text, 'warnings: ' || o.warnings::text)
              from neurolink_event_outcomes o where o.event_id = neurolink_event_trace.event_id
            union all
            select j.died_at, 3, 'dead', 'its job was given up', null, null, j.last_error
              from neurolink_dead_jobs j where j.kind = 'event' and j.ref_id = neurolink_event_trace.event_id
            union all
            select t.created_at, 4, 'notification', t.title, t.user_id, null,
                   concat_ws(', ', 'rule ' || t.rule_id || ' version ' || t.rule_version, case when t.acknowledged_at is not null then 'acknowledged' when t.resolved_at is not null then 'resolved'
                                                                                           when t.read_at is not null then 'read' end)
              from told t
            union all
            select coalesce(d.ended_at, d.created_at), 5, 'delivery', d.status, d.user_id, d.channel,
                   concat_ws('; ', d.last_error, neurolink_said_deferred(d)) from sent d
            union all
            select a.finished_at, 6, 'attempt', a.attempt || ': ' || a.outcome, d.user_id, d.channel, a.error
              from sent d
             -- One by one: a hash of all attempts there are took 400 ms.
             cross join lateral (select * from neurolink_delivery_attempts where delivery_id = d.id offset 0) a) as s (at, place, station, what, user_id, channel, detail)
     order by s.place, s.at, s.user_id, s.channel
$$;
comment on function neurolink_event_trace(bigint, integer) is
    'An event''s way, station by station: what came of it, whom it told, by which channels, and every attempt. select * from neurolink_event_trace(4711)';
revoke execute on function neurolink_event_trace(bigint, integer) from public;
