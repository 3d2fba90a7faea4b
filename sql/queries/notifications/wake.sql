-- Brings snoozed notifications back, unread and unseen, under their inboxes' locks (lock_free_inboxes.sql, in the same transaction):
-- each gets a revision of its own, and the counts move with them. What somebody has woken or put off meanwhile stays as it is.
-- $1 user text[], $2 notification bigint[], in pairs
-- One row a notification that is back: its user_id
with target as (
    select n.user_id, n.id, row_number() over (partition by n.user_id order by n.snoozed_until, n.id) as nth,
           (n.archived_at is null)::int as counts
      from unnest($1::text[], $2::bigint[]) as g (user_id, id)
      join neurolink_notifications n on n.user_id = g.user_id and n.id = g.id
     where n.snoozed_until <= now() and n.in_app and n.deleted_at is null
), moved as (
    update neurolink_inboxes i
       set rev = i.rev + t.n, unread_count = i.unread_count + t.counted, unseen_count = i.unseen_count + t.counted
      from (select user_id, count(*) as n, sum(counts) as counted from target group by user_id) t
     where i.user_id = t.user_id
    returning i.user_id, i.rev - t.n as base
)
update neurolink_notifications n
   set rev = m.base + t.nth, snoozed_until = null, seen_at = null, read_at = null
  from target t join moved m on m.user_id = t.user_id
 where n.user_id = t.user_id and n.id = t.id
returning n.user_id
