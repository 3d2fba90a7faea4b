-- What shadow rules would have told.
-- $1 rule bigint[], $2 event bigint[], $3 version int[], $4 recipients int[], $5 users text[] (JSON lists)
insert into neurolink_shadow_matches (rule_id, event_id, rule_version, recipients, users)
select rule_id, event_id, rule_version, recipients, array(select jsonb_array_elements_text(users::jsonb))
  from unnest($1::bigint[], $2::bigint[], $3::int[], $4::int[], $5::text[]) as s (rule_id, event_id, rule_version, recipients, users)
on conflict (rule_id, event_id) do update
   set rule_version = excluded.rule_version, recipients = excluded.recipients, users = excluded.users, matched_at = now()
