-- Digests are told: what waited for them is so no more, the first fifty thousand of each, in the order of the key. What was of no use any
-- more is withdrawn, as many again.
-- $1 digest_rule_id bigint[], $2 digest_key text[], $3 notification bigint[] (null = withdrawn), $4 why withdrawn text[]
with waiting as materialized (
    select i.event_id, i.rule_id, i.user_id, i.is_expired,
           d.notification_id, d.withdrawn
      from unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[]) as d (digest_rule_id, digest_key, notification_id, withdrawn)
     cross join lateral (
           (select event_id, rule_id, user_id, false as is_expired from neurolink_digest_items i
             where i.digest_rule_id = d.digest_rule_id and i.digest_key = d.digest_key and i.notification_id is null and i.withdrawn is null
               and (i.expires_at is null or i.expires_at > now())
             order by i.occurred_at, i.event_id, i.rule_id limit 50000)
           union all
           (select event_id, rule_id, user_id, true from neurolink_digest_items i
             where i.digest_rule_id = d.digest_rule_id and i.digest_key = d.digest_key and i.notification_id is null and i.withdrawn is null
               and i.expires_at <= now()
             order by i.occurred_at, i.event_id, i.rule_id limit 50000)) i
), ordered as materialized (
    select i.event_id, i.rule_id, i.user_id from neurolink_digest_items i join waiting w using (event_id, rule_id, user_id)
     order by i.event_id, i.rule_id, i.user_id for update of i
)
update neurolink_digest_items i
   set notification_id = case when not w.is_expired then w.notification_id end,
       withdrawn = case when w.is_expired then 'expired' when w.notification_id is null then w.withdrawn end
  from waiting w join ordered o using (event_id, rule_id, user_id)
 where (i.event_id, i.rule_id, i.user_id) = (w.event_id, w.rule_id, w.user_id)
