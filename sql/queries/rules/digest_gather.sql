-- Gathers what would have been notifications. What is there already (a replay) stays as it is.
-- One array a column.
insert into neurolink_digest_items
       (event_id, rule_id, user_id, rule_version, digest_rule_id, digest_key, category, severity, channels, locale, title, body,
        action_url, action_label, occurred_at, expires_at, mail)
select event_id, rule_id, user_id, rule_version, digest_rule_id, digest_key, category, severity, string_to_array(channels, ','), locale,
       title, body, action_url, action_label, occurred_at, expires_at, mail
  from unnest($1::bigint[], $2::bigint[], $3::text[], $4::int[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[],
              $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamptz[],
              $16::timestamptz[], $17::text[])
       as i (event_id, rule_id, user_id, rule_version, digest_rule_id, digest_key, category, severity, channels, locale, title, body,
             action_url, action_label, occurred_at, expires_at, mail)
on conflict (event_id, rule_id, user_id) do nothing
