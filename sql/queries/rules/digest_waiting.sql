-- What waits for these digests, whose states are locked, and is of use yet: of each the first hundred, with how many there are, fifty thousand at most.
-- $1 digest_rule_id bigint[], $2 digest_key text[]
-- One row an item: nth (the digest's place in the arrays from 0), total, and the item
select (d.nth - 1)::int as nth, i.*
  from unnest($1::bigint[], $2::text[]) with ordinality as d (rule_id, key, nth)
 cross join lateral (
       select (select count(*) from (select from neurolink_digest_items c
                                      where c.digest_rule_id = d.rule_id and c.digest_key = d.key and c.notification_id is null
                                        and c.withdrawn is null and (c.expires_at is null or c.expires_at > now()) limit 50000) w) as total, i.event_id, i.rule_id, i.rule_version, i.user_id, i.category, i.severity,
              i.channels, i.locale, i.title, i.body, i.action_url, i.action_label, i.occurred_at,
              i.expires_at, i.mail
         from neurolink_digest_items i
        where i.digest_rule_id = d.rule_id and i.digest_key = d.key and i.notification_id is null and i.withdrawn is null
          and (i.expires_at is null or i.expires_at > now())
        order by i.occurred_at, i.event_id, i.rule_id limit 100) i
 order by d.nth, i.occurred_at, i.event_id, i.rule_id
