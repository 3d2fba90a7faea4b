-- For the DBA's eyes: who works, what is dead, which rules fire, what gets through. Examples are in sql/README.md.

create or replace view neurolink_worker_health as
select w.incarnation, w.host, w.pid, w.version, w.works, w.started_at, w.heartbeat_at,
       extract(epoch from now() - w.heartbeat_at)::numeric(12, 1) as silent_seconds,
       case when w.heartbeat_at > now() - interval '5 seconds' then 'alive'
            when w.heartbeat_at > now() - interval '20 seconds' then 'late'
            else 'silent: dead or cut off; its jobs are taken over' end as state,
       coalesce(j.held, 0) as jobs_held
  from neurolink_workers w
  left join (select claimed_by, count(*) as held from neurolink_jobs where claimed_by is not null group by claimed_by) j
    on j.claimed_by = w.incarnation;
comment on view neurolink_worker_health is 'Every running process: since when, last heard of, and how many jobs it holds under a lease';

create or replace view neurolink_dead_work as
select 'delivery'::text as kind, d.id, d.notification_id as ref_id, d.channel, d.user_id::text as user_id, d.attempts as attempt,
       d.last_error, d.created_at, d.ended_at as died_at
  from neurolink_delivery_log d where d.status = 'dead'
union all
select j.kind, j.id, j.ref_id, '', null, j.attempt, j.last_error, j.created_at, j.died_at
  from neurolink_dead_jobs j;
comment on view neurolink_dead_work is
    'What was given up, with its last error: deliveries (id of neurolink_delivery_log, ref_id its notification) and other jobs (ref_id: the event). Order by died_at';

create or replace view neurolink_rule_statistics as
select r.id, r.name, r.enabled, r.priority, r.version, f.kind as fault, f.detail as fault_detail,
       coalesce(s.last_hour, 0)::bigint as notifications_1h, coalesce(s.last_day, 0)::bigint as notifications_24h,
       coalesce(w.last_week, 0)::bigint as notifications_7d, greatest(s.last_minute, w.last_full_hour) as last_fired
  from neurolink_notification_rules r
  left join neurolink_rule_faults f on f.rule_id = r.id and f.version = r.version
 cross join lateral (
       -- Whole hours from the hours: two hundred rules' minutes of a day took 60 ms.
       select (select sum(m.value) from neurolink_metrics m
                where m.metric = 'notifications.rule' and m.label = r.id::text and m.minute >= now() - interval '1 hour') as last_hour,
              (select sum(d.value)
                 from (select value from neurolink_metrics
                        where metric = 'notifications.rule' and label = r.id::text and minute >= now() - interval '24 hours'
                          and minute < date_trunc('hour', now() - interval '23 hours', 'UTC')
                       union all
                       select value from neurolink_metrics_hours
                        where metric = 'notifications.rule' and label = r.id::text
                          and hour >= date_trunc('hour', now() - interval '23 hours', 'UTC')
                       union all
                       select value from neurolink_metrics
                        where metric = 'notifications.rule' and label = r.id::text
                          and minute >= greatest(date_trunc('hour', now() - interval '23 hours', 'UTC'), date_trunc('hour', (
                              select value::timestamptz from neurolink_meta where key = 'metrics_rolled_to'), 'UTC'))) d) as last_day,
              (select max(m.minute) from neurolink_metrics m
                where m.metric = 'notifications.rule' and m.label = r.id::text and m.minute >= now() - interval '24 hours') as last_minute) s
 cross join lateral (
       select sum(h.value) as last_week, max(h.hour) as last_full_hour
         from (select hour, value from neurolink_metrics_hours
                where metric = 'notifications.rule' and label = r.id::text and hour >= now() - interval '7 days'
               union all
               select minute, value from neurolink_metrics
                where metric = 'notifications.rule' and label = r.id::text and minute >= date_trunc('hour', (
                      select value::timestamptz from neurolink_meta where key = 'metrics_rolled_to'), 'UTC')) h) w;
comment on view neurolink_rule_statistics is
    'Per rule: notifications of the last hour, day and week (from the roll-ups, so up to two minutes behind), when it last fired, and what is wrong with it';

create or replace view neurolink_delivery_success as
select d.day, d.channel, coalesce(sum(d.value) filter (where d.status = 'sent'), 0)::bigint as sent,
       coalesce(sum(d.value) filter (where d.status = 'delivered'), 0)::bigint as delivered,
       coalesce(sum(d.value) filter (where d.status = 'dead'), 0)::bigint as dead,
       coalesce(sum(d.value) filter (where d.status = 'suppressed'), 0)::bigint as suppressed,
       coalesce(sum(d.value) filter (where d.status = 'cancelled'), 0)::bigint as cancelled,
       round((100 * sum(d.value) filter (where d.status in ('sent', 'delivered'))
              / nullif(sum(d.value) filter (where d.status in ('sent', 'delivered', 'dead')), 0))::numeric, 2) as success_percent
  from (select date_trunc('day', hour)::date as day, split_part(label, '/', 1) as channel, split_part(label, '/', 2) as status, value
          from neurolink_metrics_hours where metric = 'deliveries' and hour >= now() - interval '90 days'
        union all
        select date_trunc('day', minute)::date, split_part(label, '/', 1), split_part(label, '/', 2), value
          from neurolink_metrics
         where metric = 'deliveries' and minute >= date_trunc('hour', (
               select value::timestamptz from neurolink_meta where key = 'metrics_rolled_to'), 'UTC')) d
 group by d.day, d.channel;
comment on view neurolink_delivery_success is
    'Per day (of the session''s time zone) and channel, ninety days back: how deliveries ended, and what share of those tried got through; from the roll-ups';
