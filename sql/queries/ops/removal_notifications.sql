-- Deletes notifications as their owners would: each gets a revision of its inbox, which is locked (removal_lock.sql, in the same
-- transaction), the counts move with them, and an emptied tombstone tells every reader. Those that aren't in the inbox take none.
-- $1 user text[], $2 notification bigint[], in pairs
-- One row a notification that is now deleted.
with target as (
    select n.user_id, n.id, n.in_app, row_number() over (partition by n.user_id, n.in_app order by n.id) as nth,
           (n.in_app and n.read_at is null and n.archived_at is null and n.snoozed_until is null)::int as unread,
           (n.in_app and n.seen_at is null and n.archived_at is null and n.snoozed_until is null)::int as unseen
      from unnest($1::text[], $2::bigint[]) as g (user_id, id)
      join neurolink_notifications n on n.user_id = g.user_id and n.id = g.id
     where n.deleted_at is null
), moved as (
    update neurolink_inboxes i
       set rev = i.rev + t.n, unread_count = greatest(i.unread_count - t.unread, 0), unseen_count = greatest(i.unseen_count - t.unseen, 0)
      from (select user_id, count(*) as n, sum(unread) as unread, sum(unseen) as unseen from target where in_app group by user_id) t
     where i.user_id = t.user_id
    returning i.user_id, i.rev - t.n as base
)
update neurolink_notifications n
   set rev = case when t.in_app then m.base + t.nth end, deleted_at = now(), snoozed_until = null, title = '', body = '', action_url = null, action_label = null
  from target t left join moved m on m.user_id = t.user_id
 where n.user_id = t.user_id and n.id = t.id
returning n.id
