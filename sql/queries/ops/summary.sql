-- What came and went in three windows that end where the roll-ups end: whole hours from the hours, the edges from minutes.
-- Parameters: none
-- Rows: span (1h, 24h, 7d), metric, label, value
with rolled as (
    select value::timestamptz as until from neurolink_meta where key = 'metrics_rolled_to'
), edges as (
    select s.name as span, r.until - s.length as since, r.until,
           least(date_trunc('hour', r.until - s.length + interval '1 hour' - interval '1 microsecond', 'UTC'), r.until) as first_hour,
           date_trunc('hour', r.until, 'UTC') as last_hour
      from rolled r
     cross join (values ('1h', interval '1 hour'), ('24h', interval '24 hours'), ('7d', interval '168 hours')) as s (name, length)
)
select span, metric, label, sum(value)::float8 as value
  from (select e.span, m.metric, m.label, m.value
          from edges e join neurolink_metrics m on m.minute >= e.since and m.minute < e.first_hour
        union all
        select e.span, h.metric, h.label, h.value
          from edges e join neurolink_metrics_hours h on h.hour >= e.first_hour and h.hour < e.last_hour
        union all
        select e.span, m.metric, m.label, m.value
          from edges e join neurolink_metrics m on m.minute >= greatest(e.first_hour, e.last_hour) and m.minute < e.until) w
 where metric = any ('{events,events.module,events.type,events.severity,events.outcome,notifications,deliveries,notified_seconds.bucket,delivered_seconds.bucket}')
 group by span, metric, label
