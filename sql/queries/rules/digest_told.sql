-- Digests are told: what waited for them is so no more.
-- $1 digest_rule_id bigint[], $2 digest_key text[], $3 notification bigint[] (null = withdrawn), $4 why withdrawn text[]
update neurolink_digest_items i
   set notification_id = d.notification_id, withdrawn = case when d.notification_id is null then d.withdrawn end
  from unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[]) as d (rule_id, key, notification_id, withdrawn)
 where i.digest_rule_id = d.rule_id and i.digest_key = d.key and i.notification_id is null and i.withdrawn is null
