-- What has changed in inboxes since a revision each, with the counts of the same snapshot: the source of every frame.
-- $1 user text[], $2 since bigint[], $3 most per inbox bigint
-- One row a change in order of (user, revision), or one row of nulls for an inbox without any; an inbox that doesn't exist
-- has rev 0.
select c.user_id as inbox, coalesce(i.rev, 0) as inbox_rev, coalesce(i.floor_rev, 0) as floor_rev,
       coalesce(i.unread_count, 0) as unread_count, coalesce(i.unseen_count, 0) as unseen_count,
       (select neurolink_epoch()) as epoch,
       n.*, v.name as rule
  from unnest($1::text[], $2::bigint[]) as c (user_id, since)
  left join neurolink_inboxes i on i.user_id = c.user_id
  left join lateral (
       select * from neurolink_notifications
        where user_id = c.user_id and rev > c.since
        order by rev limit $3) n on true
  left join neurolink_rule_versions v on v.rule_id = n.rule_id and v.version = n.rule_version
 order by c.user_id, n.rev
