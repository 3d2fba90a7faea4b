-- Notifications that were told of events by rules and aren't resolved, all steps of them, of people in the order their inboxes are locked in.
-- $1 event bigint[], $2 rule bigint[], in pairs, $3 at most bigint
-- One row a notification: user_id, id, in_app
select n.user_id, n.id, n.in_app
  from (select distinct event_id, rule_id from unnest($1::bigint[], $2::bigint[]) as g (event_id, rule_id)) g
 cross join lateral (
       -- By the unique key, a pair at a time.
       select user_id, id, in_app from neurolink_notifications
        where event_id = g.event_id and rule_id = g.rule_id and resolved_at is null and deleted_at is null offset 0) n
 order by n.user_id collate "C", n.id
 limit $3
