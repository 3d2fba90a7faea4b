-- Counts that differ from the rows, of the twenty people told last (by the newest thousand deliveries): a sample, since checking
-- every inbox reads every notification.
-- Parameters: none
-- Rows: user_id, unread_count and unread (as kept, as counted), unseen_count and unseen
with told as materialized (
    select d.user_id, max(d.id) as last
      from (select id, user_id from neurolink_delivery_log order by id desc limit 1000) d
     group by d.user_id order by 2 desc limit 20
)
select i.user_id, i.unread_count::bigint as unread_count, n.unread, i.unseen_count::bigint as unseen_count, n.unseen
  from told t
  join neurolink_inboxes i on i.user_id = t.user_id
 cross join lateral (
       select count(*) filter (where read_at is null) as unread, count(*) filter (where seen_at is null) as unseen
         from neurolink_notifications n
        where n.user_id = t.user_id and n.in_app and n.deleted_at is null and n.archived_at is null
          and n.snoozed_until is null) n
 where (i.unread_count, i.unseen_count) is distinct from (n.unread, n.unseen)
 order by i.user_id
