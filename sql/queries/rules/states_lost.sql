-- Alarms that are overdue and have no job (it was discarded by hand, or a restore lost it) ring again. One that was given up is left
-- to whoever retries it.
-- One row: how many.
with lost as (
    select s.alarm, split_part(s.key, ':', 1) as what
      from neurolink_rule_states s
     where s.due_at < now() - interval '1 minute' and s.alarm is not null
       and not exists (select from neurolink_jobs j
                        where j.kind in ('reminder', 'digest', 'escalation', 'fanout') and j.ref_id = s.alarm)
       and not exists (select from neurolink_dead_jobs d where d.kind <> 'event' and d.ref_id = s.alarm)
     order by s.due_at limit 1000
       for update skip locked
), rung as (
    insert into neurolink_jobs (kind, ref_id)
    select case what when 'digest' then 'digest' when 'escalate' then 'escalation' when 'rest' then 'fanout' when 'settle' then 'fanout'
                     else 'reminder' end, alarm
      from lost
    returning id
)
select count(*) as rung from rung
