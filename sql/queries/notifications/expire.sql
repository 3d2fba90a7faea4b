-- Puts expired notifications away, under their inboxes' locks (lock_free_inboxes.sql, in the same transaction): each gets a revision of
-- its own, and the counts move with them. Those that aren't in the inbox take none. What somebody has put away or deleted meanwhile
-- stays as it is.
-- $1 user text[], $2 notification bigint[], in pairs
-- One row a notification that is put away now: user_id, id, in_app
with target as (
    select n.user_id, n.id, n.in_app, row_number() over (partition by n.user_id, n.in_app order by n.expires_at, n.id) as nth,
           (n.in_app and n.read_at is null and n.snoozed_until is null)::int as unread,
           (n.in_app and n.seen_at is null and n.snoozed_until is null)::int as unseen
      from unnest($1::text[], $2::bigint[]) as g (user_id, id)
      join neurolink_notifications n on n.user_id = g.user_id collate "C" and n.id = g.id
     where n.expires_at <= now() and n.archived_at is null and n.deleted_at is null
), moved as (
    update neurolink_inboxes i
       set rev = i.rev + t.n, unread_count = greatest(i.unread_count - t.unread, 0), unseen_count = greatest(i.unseen_count - t.unseen, 0)
      from (select user_id, count(*) as n, sum(unread) as unread, sum(unseen) as unseen from target where in_app group by user_id) t
     where i.user_id = t.user_id
    returning i.user_id, i.rev - t.n as base
)
update neurolink_notifications n
   set rev = case when t.in_app then m.base + t.nth end, archived_at = now(), snoozed_until = null
  from target t left join moved m on m.user_id = t.user_id
 where n.user_id = t.user_id and n.id = t.id
returning n.user_id, n.id, n.in_app
