-- What /metrics tells of the whole database rather than of its own node, in one look: the queue, what is dead, paused or faulty,
-- who works.
-- Parameters: none
-- Rows: what (queue, rule_faults, workers, pauses, dead_jobs, dead_deliveries), kind and channel (of queue), then its numbers:
-- value, and for queue later and oldest_seconds
select 'queue' as what, kind, case kind when 'delivery' then channel else '' end as channel, sum(waiting)::float8 as value,
       sum(later)::float8 as later, max(oldest_seconds)::float8 as oldest_seconds
  from neurolink_queue_depth() group by 2, 3
union all
select 'rule_faults', '', '', count(*), 0, 0
  from neurolink_rule_faults f
  join neurolink_notification_rules r on r.id = f.rule_id and r.version = f.version and r.enabled
union all
select 'workers', '', '', count(*), 0, 0 from neurolink_workers where heartbeat_at > now() - interval '10 seconds'
union all
select 'pauses', '', '', count(*), 0, 0 from neurolink_pauses
union all
select 'dead_jobs', '', '', count(*), 0, 0 from (select from neurolink_dead_jobs limit 10000) d
union all
select 'dead_deliveries', '', '', count(*), 0, 0 from (select from neurolink_delivery_log where status = 'dead' limit 10000) d
