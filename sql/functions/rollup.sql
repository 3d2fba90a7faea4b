-- Minute roll-ups. An event counts in the minute in which it was evaluated, a notification in that in which it was made, a delivery
-- in that in which it ended: they are written by transactions of our own (but for what somebody is told by hand, in psql) and bear
-- the time of their start, so a minute that is over for a minute can't change any more once those that are open have begun after it,
-- however late the ERP commits. Each minute is read once, by the BRIN indexes of V0002.

-- A bucket's label, its upper bound in seconds. Buckets are a quarter of a doubling wide, the first ends at a millisecond: a
-- percentile read from them is wrong by a tenth at most.
create or replace function neurolink_metrics_bucket(number integer) returns text
language sql immutable set search_path = @schema@, pg_temp as $$
    select round((power(2, number / 4.0::float8) / 1000)::numeric, 6)::text
$$;
revoke execute on function neurolink_metrics_bucket(integer) from public;

-- One minute's rows.
create or replace function neurolink_roll_minute(m timestamptz) returns void
language plpgsql security definer set search_path = @schema@, pg_temp as $$
#variable_conflict use_column
begin
    with evaluated as materialized (
        select o.event_id, e.source_module, e.event_type, e.severity,
               case when e.id is not null then greatest(extract(epoch from o.evaluated_at - e.received_at)::float8, 0.001) end as seconds,
               case when o.error is not null then 'failed' when o.warnings is not null then 'warned'
                    when o.rules_matched > 0 then 'matched' else 'unmatched' end as outcome
          from neurolink_event_outcomes o
          left join neurolink_events e on e.id = o.event_id
         where o.evaluated_at >= m and o.evaluated_at < m + interval '1 minute'
           -- What came in muted wasn't evaluated, and its outcome is written by the ERP's transaction, whenever that commits.
           and o.suppressed is distinct from '[{"rule": "", "reason": "muted", "count": 0}]'
    ), made as materialized (
        -- By their deliveries, which are found by time: what was put off, escalated, gathered or told by hand counts when it is told.
        select n.rule_id
          from (select user_id, notification_id from neurolink_delivery_log
                 where created_at >= m and created_at < m + interval '1 minute' group by user_id, notification_id) d
          join neurolink_notifications n on n.user_id = d.user_id and n.id = d.notification_id
         where n.created_at >= m and n.created_at < m + interval '1 minute'
    ), named as (
        select 'events.module' as metric, source_module as label, count(*) as value from evaluated group by source_module
        union all
        select 'events.type', event_type, count(*) from evaluated group by event_type
        union all
        select 'notifications.rule', rule_id::text, count(*) from made group by rule_id
    ), bounded as (
        -- A producer that makes up types must not fill the table: the 200 most frequent, and the rest as one.
        select metric, case when row_number() over (partition by metric order by value desc, label) <= 200
                            then label else 'other' end as label, value
          from named where label is not null
    )
    insert into neurolink_metrics (minute, metric, label, value)
    select m, metric, label, sum(value) from bounded group by metric, label
    union all
    select m, 'events', '', count(*) from evaluated having count(*) > 0
    union all
    select m, 'events.severity', severity, count(*) from evaluated where severity is not null group by severity
    union all
    select m, 'events.outcome', outcome, count(*) from evaluated group by outcome
    union all
    select m, 'notifications', '', count(*) from made having count(*) > 0
    union all
    select m, 'notified_seconds.bucket', neurolink_metrics_bucket(b.number), b.count
      from (select ceil(4 * ln(seconds * 1000) / ln(2::float8))::integer as number, count(*) as count
              from evaluated where seconds is not null group by 1) b
    union all
    select m, 'notified_seconds', p.label, p.value
      from (select percentile_cont('{0.5,0.95,0.99}'::float8[]) within group (order by seconds) as q
              from evaluated) s
     cross join lateral (values ('p50', q[1]), ('p95', q[2]), ('p99', q[3])) as p (label, value)
     where p.value is not null
        on conflict (minute, metric, label) do update set value = excluded.value;

    with tried as materialized (
        -- What waited for quiet hours says nothing about our pace.
        select d.channel, a.outcome, case when e.id is not null and d.deferred_by is null then greatest(extract(epoch from a.finished_at - e.received_at)::float8, 0.001) end as seconds
          from neurolink_delivery_attempts a
          join neurolink_delivery_log d on d.id = a.delivery_id
          left join neurolink_notifications n on n.user_id = d.user_id and n.id = d.notification_id and a.outcome = 'accepted'
          left join neurolink_events e on e.id = n.event_id
         where a.finished_at >= m and a.finished_at < m + interval '1 minute'
    )
    insert into neurolink_metrics (minute, metric, label, value)
    select m, 'attempts', channel || '/' || outcome, count(*) from tried group by channel, outcome
    union all
    select m, 'deliveries', channel || '/sent', count(*) from tried where outcome = 'accepted' group by channel
    union all
    -- In-app, and what is withheld, ends with the row's own making.
    select m, 'deliveries', channel || '/' || status, count(*)
      from neurolink_delivery_log
     where created_at >= m and created_at < m + interval '1 minute' and ended_at = created_at and status in ('delivered', 'suppressed')
     group by channel, status
    union all
    select m, 'deliveries', channel || '/' || status, count(*)
      from neurolink_delivery_log
     where status in ('dead', 'cancelled') and ended_at >= m and ended_at < m + interval '1 minute'
     group by channel, status
    union all
    select m, 'delivered_seconds.bucket', neurolink_metrics_bucket(b.number), b.count
      from (select ceil(4 * ln(seconds * 1000) / ln(2::float8))::integer as number, count(*) as count
              from tried where seconds is not null group by 1) b
    union all
    select m, 'delivered_seconds', p.label, p.value
      from (select percentile_cont('{0.5,0.95,0.99}'::float8[]) within group (order by seconds) as q
              from tried) s
     cross join lateral (values ('p50', q[1]), ('p95', q[2]), ('p99', q[3])) as p (label, value)
     where p.value is not null
        on conflict (minute, metric, label) do update set value = excluded.value;

    -- The hour is over with its last minute.
    if date_trunc('hour', m, 'UTC') <> date_trunc('hour', m + interval '1 minute', 'UTC') then
        with summed as (
            select metric, label,
                   case when metric like 'queue.%' or metric like '%\_seconds' then max(value) else sum(value) end as value
              from neurolink_metrics
             where minute >= date_trunc('hour', m, 'UTC') and minute <= m
             group by metric, label
        ), bounded as (
            select metric, value,
                   case when metric not in ('events.module', 'events.type', 'notifications.rule')
                          or row_number() over (partition by metric order by label = 'other' desc, value desc, label) <= 200
                        then label else 'other' end as label
              from summed
        )
        insert into neurolink_metrics_hours (hour, metric, label, value)
        select date_trunc('hour', m, 'UTC'), metric, label, sum(value) from bounded group by metric, label
            on conflict (hour, metric, label) do update set value = excluded.value;
    end if;
end $$;
revoke execute on function neurolink_roll_minute(timestamptz) from public;

-- Up to where minutes can't change any more. `ended`: the minutes before it have been over for a minute. A transaction of ours that
-- began before a minute's end may still add to it, so it is waited for, half an hour at most.
create or replace function neurolink_roll_until(ended timestamptz) returns timestamptz
language sql volatile security definer set search_path = @schema@, pg_temp as $$
    select greatest(least(ended, date_trunc('minute', min(a.xact_start), 'UTC')), ended - interval '30 minutes')
      from pg_stat_activity a
     where a.datname = current_database() and a.application_name = 'neurolink'
       and a.backend_xid is not null and a.pid <> pg_backend_pid()
$$;
revoke execute on function neurolink_roll_until(timestamptz) from public;

-- Rolls what is due, once whatever the number of nodes: who doesn't get the lock leaves it to who has it. At most 60 minutes
-- or two seconds at a time, so that catching up after a week is many short transactions. Gives how many minutes are left.
create or replace function neurolink_roll_up() returns integer
language plpgsql security definer set search_path = @schema@, pg_temp as $$
#variable_conflict use_column
declare
    began constant timestamptz := clock_timestamp();
    -- Minutes before this one are over for a minute.
    ended constant timestamptz := date_trunc('minute', now(), 'UTC') - interval '1 minute';
    due timestamptz;
    m timestamptz;
    turns integer := 0;
begin
    if not pg_try_advisory_xact_lock(1313625938, neurolink_lock_key()) then
        return 0;
    end if;
    due := neurolink_roll_until(ended);
    select value::timestamptz into m from neurolink_meta where key = 'metrics_rolled_to';
    if m is null then
        -- The first time. Nobody asks for more than a week.
        -- Critical events pass others, so the first event needn't be the first that was evaluated.
        select date_trunc('minute', greatest(min(evaluated_at), now() - interval '8 days'), 'UTC') into m
          from (select evaluated_at from neurolink_event_outcomes order by event_id limit 1000) o having count(*) > 0;
        m := least(coalesce(m, due), due);
    elsif m < now() - interval '32 days' then
        -- After a month without any node there is nothing to roll but this.
        m := date_trunc('hour', now() - interval '8 days', 'UTC');
    end if;
    while m < due and turns < 60 and clock_timestamp() < began + interval '2 seconds' loop
        perform neurolink_roll_minute(m);
        m := m + interval '1 minute';
        turns := turns + 1;
    end loop;

    -- The queue as it stands, for the minute that has just ended. Empty is no row.
    insert into neurolink_metrics (minute, metric, label, value)
    select ended, v.metric, case d.kind when 'delivery' then 'delivery/' || d.channel else d.kind end, max(v.value)
      from (select kind, case kind when 'delivery' then channel else '' end as channel, sum(waiting) as waiting,
                   max(oldest_seconds) as oldest_seconds
              from neurolink_queue_depth() group by 1, 2) d
     cross join lateral (values ('queue.waiting', d.waiting::float8), ('queue.oldest_seconds', d.oldest_seconds)) as v (metric, value)
     where d.waiting > 0
     group by v.metric, d.kind, d.channel
        on conflict do nothing;

    insert into neurolink_meta (key, value) values ('metrics_rolled_to', to_char(m at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
        on conflict (key) do update set value = excluded.value where neurolink_meta.value <> excluded.value;
    return greatest(0, extract(epoch from due - m) / 60)::integer;
end $$;
comment on function neurolink_roll_up() is
    'Rolls up the minutes that are over; nodes call it once a minute, and any number of callers do it once. Gives how many minutes are left to roll';
revoke execute on function neurolink_roll_up() from public;
