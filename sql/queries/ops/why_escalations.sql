-- How far the escalations of an event are: whom each rule told, who did what ends one, and when the next step is due.
-- $1 event bigint
-- One row a rule that told somebody of it (each looked at up to 20000 notifications): rule_id, told text[] (at most 500), read_by, read_at,
-- acknowledged_by, acknowledged_at (null = nobody), is_settled (all of it resolved or deleted), step that is next, due_at (null = none)
with recursive rules as (
    (select n.rule_id from neurolink_notifications n where n.event_id = $1 order by n.rule_id limit 1)
    union all
    select (select n.rule_id from neurolink_notifications n where n.event_id = $1 and n.rule_id > r.rule_id order by n.rule_id limit 1)
      from rules r where r.rule_id is not null
)
select r.rule_id, t.*, (s.state ->> 'step')::smallint as step, s.due_at
  from rules r
 cross join lateral (
       select (array_agg(n.user_id order by n.user_id))[:500] as told, min(n.read_at) as read_at, min(n.acknowledged_at) as acknowledged_at,
              (array_agg(n.user_id order by n.read_at) filter (where n.read_at is not null))[1] as read_by,
              (array_agg(n.user_id order by n.acknowledged_at) filter (where n.acknowledged_at is not null))[1] as acknowledged_by,
              bool_and(n.resolved_at is not null or n.deleted_at is not null) as is_settled
         from (select * from neurolink_notifications n where n.event_id = $1 and n.rule_id = r.rule_id
                order by n.user_id, n.step limit 20000) n) t
  left join neurolink_rule_states s on s.rule_id = r.rule_id and s.key = 'escalate:' || $1 and s.due_at is not null
 where r.rule_id is not null
