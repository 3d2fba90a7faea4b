-- Roll-ups of 374 labels: minutes, and the hours before them, that end in the last minute of an hour, where a look at the last week has
-- most of them to read.
-- $1 minutes bigint, $2 hours bigint, $3 now text
with labels as (
    select metric, case when count > 1 then replace(pattern, '#', n::text) else pattern end as label
      from (values ('events', '', 1), ('events.module', 'module_#', 20), ('events.type', 'module.type_#', 150), ('events.severity', 'severity_#', 4),
                   ('events.outcome', 'outcome_#', 4), ('notifications', '', 1), ('notifications.rule', '#', 100), ('deliveries', 'email/status_#', 12),
                   ('attempts', 'email/outcome_#', 10), ('notified_seconds', 'p#', 3), ('delivered_seconds', 'p#', 3),
                   ('queue.waiting', 'delivery/#', 3), ('queue.oldest_seconds', 'delivery/#', 3), ('notified_seconds.bucket', '0.0#', 30),
                   ('delivered_seconds.bucket', '0.0#', 30)) as m (metric, pattern, count)
     cross join lateral generate_series(10, 9 + count) as n
), ends as (
    select date_trunc('hour', $3::text::timestamptz, 'UTC') - interval '1 minute' as until
), minutes as (
    insert into neurolink_metrics (minute, metric, label, value)
    select until - n * interval '1 minute', metric, label, 5
      from ends cross join generate_series(1, $1::bigint) as n cross join labels
), hours as (
    insert into neurolink_metrics_hours (hour, metric, label, value)
    select date_trunc('hour', until, 'UTC') - n * interval '1 hour', metric, label, 300
      from ends cross join generate_series(1, $2::bigint) as n cross join labels
)
insert into neurolink_meta (key, value)
select 'metrics_rolled_to', to_char(until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') from ends
    on conflict (key) do update set value = excluded.value
