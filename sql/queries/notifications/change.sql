-- Changes a person's notifications, under their inbox's lock (lock_inboxes.sql, in the same transaction): each changed one
-- gets a revision of its own, and the counts move with them. What is so already doesn't change. What is archived or snoozed
-- counts nowhere; nothing is both.
-- $1 user text, $2 notification bigint[], $3 change text: read, mark (read, unless snoozed), unread, seen, acknowledge (read, too),
-- archive, unarchive (what had expired is kept from then on), snooze, unsnooze, delete, $4 until when (of snooze; else null) timestamptz
-- One row a changed notification: its id and revision.
with target as (
    select id, row_number() over (order by id) as nth,
           (read_at is null and archived_at is null and snoozed_until is null)::int as was_unread,
           (seen_at is null and archived_at is null and snoozed_until is null)::int as was_unseen,
           case $3::text
               when 'unread' then archived_at is null and snoozed_until is null
               when 'seen' then read_at is null and archived_at is null and snoozed_until is null
               when 'unarchive' then read_at is null and snoozed_until is null
               when 'unsnooze' then read_at is null and archived_at is null
               else false end::int as is_unread,
           case $3::text
               when 'unread' then seen_at is null and archived_at is null and snoozed_until is null
               when 'unarchive' then seen_at is null and snoozed_until is null
               when 'unsnooze' then seen_at is null and archived_at is null
               else false end::int as is_unseen
      from neurolink_notifications
     where user_id = $1 and id = any ($2) and in_app and deleted_at is null
       and case $3::text
               when 'read' then read_at is null or snoozed_until is not null
               when 'mark' then read_at is null and snoozed_until is null
               when 'unread' then read_at is not null
               when 'seen' then seen_at is null
               when 'acknowledge' then acknowledged_at is null
               when 'archive' then archived_at is null
               when 'unarchive' then archived_at is not null
               when 'snooze' then snoozed_until is distinct from $4::timestamptz
               when 'unsnooze' then snoozed_until is not null
               else true end
), moved as (
    update neurolink_inboxes i
       set rev = i.rev + t.n,
           -- Counts that somebody has pushed too low by hand must not stand in their owner's way (neurolink_recount_inbox mends them).
           unread_count = greatest(i.unread_count + t.unread, 0), unseen_count = greatest(i.unseen_count + t.unseen, 0)
      from (select count(*) as n, coalesce(sum(is_unread - was_unread), 0) as unread,
                   coalesce(sum(is_unseen - was_unseen), 0) as unseen from target) t
     where i.user_id = $1 and t.n > 0
    returning i.rev - t.n as base
)
update neurolink_notifications n
   set rev = m.base + t.nth,
       seen_at = case when $3 in ('seen', 'read', 'mark', 'acknowledge') then coalesce(n.seen_at, now()) else n.seen_at end,
       read_at = case when $3 in ('read', 'mark', 'acknowledge') then coalesce(n.read_at, now()) when $3 = 'unread' then null else n.read_at end,
       acknowledged_at = case $3 when 'acknowledge' then now() else n.acknowledged_at end,
       expires_at = case when $3 = 'unarchive' and n.expires_at <= now() then null else n.expires_at end,
       archived_at = case when $3 = 'archive' then now() when $3 in ('unarchive', 'snooze') then null else n.archived_at end,
       snoozed_until = case when $3 = 'snooze' then $4 when $3 in ('read', 'acknowledge', 'archive', 'unsnooze', 'delete') then null
                            else n.snoozed_until end,
       deleted_at = case $3 when 'delete' then now() end,
       title = case $3 when 'delete' then '' else n.title end,
       body = case $3 when 'delete' then '' else n.body end,
       action_url = case $3 when 'delete' then null else n.action_url end,
       action_label = case $3 when 'delete' then null else n.action_label end
  from target t cross join moved m
 where n.user_id = $1 and n.id = t.id
returning n.id, n.rev
