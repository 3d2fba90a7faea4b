-- How far the escalations of an event are: whom each rule told at which step, who did what ends one, and when the next step is due.
-- $1 event bigint
-- One row a rule that told somebody of it (each looked at up to 20000 notifications): rule_id, told text[] and told_steps smallint[] (who
-- still has it, at which step), ran_steps smallint[] and ran_at timestamptz[] (which steps told somebody, and when first), read_by, read_at,
-- acknowledged_by, acknowledged_at (null = nobody), resolved_at (null = it wasn't), is_settled (all of it resolved or deleted), step that is next, due_at (null = none),
-- paused (why the next step doesn't come though it is due; '' = it isn't), is_off (the rule was off when a step was due)
with recursive rules as (
    (select n.rule_id from neurolink_notifications n where n.event_id = $1 order by n.rule_id limit 1)
    union all
    select (select n.rule_id from neurolink_notifications n where n.event_id = $1 and n.rule_id > r.rule_id order by n.rule_id limit 1)
      from rules r where r.rule_id is not null
)
select r.rule_id, t.*, (s.state ->> 'step')::smallint as step, s.due_at, neurolink_said_paused('escalation', s.due_at) as paused,
       exists (select from neurolink_event_outcomes o
                cross join (select distinct v.name from neurolink_rule_versions v where v.rule_id = r.rule_id) v
                where o.event_id = $1
                  and o.suppressed @> jsonb_build_array(jsonb_build_object('rule', v.name, 'reason', 'rule_off'))) as is_off
  from rules r
 cross join lateral (
       with told as materialized (
           select * from neurolink_notifications n where n.event_id = $1 and n.rule_id = r.rule_id order by n.user_id, n.step limit 20000
       ), did as (
           -- Resolving reads: only another moment is the person's own.
           select n.user_id, n.read_at from told n where n.read_at is distinct from n.resolved_at
       ), ran as (
           select n.step, min(n.created_at) as at from told n group by n.step
       )
       select array_agg(n.user_id) filter (where n.resolved_at is null and n.deleted_at is null) as told,
              array_agg(n.step) filter (where n.resolved_at is null and n.deleted_at is null) as told_steps,
              (select array_agg(x.step order by x.step) from ran x) as ran_steps,
              (select array_agg(x.at order by x.step) from ran x) as ran_at,
              (select min(d.read_at) from did d) as read_at, min(n.acknowledged_at) as acknowledged_at,
              (select d.user_id from did d where d.read_at is not null order by d.read_at, d.user_id limit 1) as read_by,
              (array_agg(n.user_id order by n.acknowledged_at) filter (where n.acknowledged_at is not null))[1] as acknowledged_by,
              max(n.resolved_at) as resolved_at,
              bool_and(n.resolved_at is not null or n.deleted_at is not null) as is_settled
         from told n) t
  left join neurolink_rule_states s on s.rule_id = r.rule_id and s.key = 'escalate:' || $1 and s.due_at is not null
 where r.rule_id is not null
