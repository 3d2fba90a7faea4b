-- What came and went in three windows that end where the roll-ups end: whole hours from the hours, the edges from minutes. The day's
-- hours are the week's last, and the hour that isn't over is in all three: each row is read once.
-- $1 where the roll-ups end timestamptz
-- Rows: span (1h, 24h, 7d), metric, label, value
with edges as (
    select date_trunc('hour', $1::timestamptz, 'UTC') as open,
           date_trunc('hour', $1 - interval '24 hours' + interval '1 hour' - interval '1 microsecond', 'UTC') as day,
           date_trunc('hour', $1 - interval '168 hours' + interval '1 hour' - interval '1 microsecond', 'UTC') as week
), wanted as (
    select '{events,events.module,events.type,events.severity,events.outcome,notifications,deliveries,notified_seconds.bucket,delivered_seconds.bucket}'::text[] as metrics
), hours as (
    select metric, label, sum(value) as week, sum(value) filter (where hour >= (select day from edges)) as day
      from neurolink_metrics_hours
     where hour >= date_trunc('hour', $1 - interval '168 hours' + interval '1 hour' - interval '1 microsecond', 'UTC')
       and hour < date_trunc('hour', $1, 'UTC') and metric <> 'notifications.rule'
     group by metric, label
), minutes as (
    select metric, label, sum(value) as hour, sum(value) filter (where minute >= (select open from edges)) as open
      from neurolink_metrics where minute >= $1 - interval '1 hour' and minute < $1 and metric <> 'notifications.rule'
     group by metric, label
), day_edge as (
    select metric, label, sum(value) as value
      from neurolink_metrics where minute >= $1 - interval '24 hours' and minute < (select day from edges)
     group by metric, label
), week_edge as (
    select metric, label, sum(value) as value
      from neurolink_metrics where minute >= $1 - interval '168 hours' and minute < (select week from edges)
     group by metric, label
)
select span, metric, label, sum(value)::float8 as value
  from (select '1h' as span, metric, label, hour as value from minutes
        union all select '24h', metric, label, day from hours
        union all select '24h', metric, label, open from minutes
        union all select '24h', metric, label, value from day_edge
        union all select '7d', metric, label, week from hours
        union all select '7d', metric, label, open from minutes
        union all select '7d', metric, label, value from week_edge) w
 where metric = any ((select metrics from wanted)::text[]) and value is not null
 group by span, metric, label
