-- Who was told of events by rules so far, and what they did with it.
-- $1 event bigint[], $2 rule bigint[], $3 text[]: only people after this one, in the order of ids ('' = all)
-- One row a notification: event_id, rule_id, user_id, step, is_read, is_acknowledged, is_gone (resolved or deleted)
select n.event_id, n.rule_id, n.user_id, n.step, n.read_at is not null as is_read, n.acknowledged_at is not null as is_acknowledged,
       n.resolved_at is not null or n.deleted_at is not null as is_gone
  from unnest($1::bigint[], $2::bigint[], $3::text[]) as e (event_id, rule_id, after)
  join neurolink_notifications n on n.event_id = e.event_id and n.rule_id = e.rule_id and n.user_id > e.after collate "C"
