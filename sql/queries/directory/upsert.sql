-- Puts people in, whole, in one statement; who is there already with just that stays untouched. In the order of ids, so that
-- two of these at once never wait for each other in a circle.
-- Arrays of one length: $1 id, $2 display_name, $3 email, $4 phone, $5 telegram_chat_id, $6 slack_user_id, $7 roles (a JSON
-- array each), $8 branch_ids (the same), $9 manager_id, $10 locale, $11 timezone, $12 is_active, $13 groups (a JSON array each)
-- created boolean: one row a person who was new (true) or changed (false)
insert into neurolink_users as u (id, display_name, email, phone, telegram_chat_id, slack_user_id, roles, branch_ids, manager_id,
                                  locale, timezone, is_active, groups)
select n.id, n.display_name, n.email, n.phone, n.telegram_chat_id, n.slack_user_id,
       array (select jsonb_array_elements_text(n.roles::jsonb)), array (select jsonb_array_elements_text(n.branch_ids::jsonb)),
       n.manager_id, n.locale, n.timezone, n.is_active, array (select jsonb_array_elements_text(n.groups::jsonb))
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
              $10::text[], $11::text[], $12::boolean[], $13::text[])
       as n (id, display_name, email, phone, telegram_chat_id, slack_user_id, roles, branch_ids, manager_id, locale, timezone, is_active,
             groups)
 order by n.id collate "C"
on conflict (id) do update
   set display_name = excluded.display_name, email = excluded.email, phone = excluded.phone,
       telegram_chat_id = excluded.telegram_chat_id, slack_user_id = excluded.slack_user_id, roles = excluded.roles,
       branch_ids = excluded.branch_ids, manager_id = excluded.manager_id, locale = excluded.locale,
       timezone = excluded.timezone, is_active = excluded.is_active, groups = excluded.groups, updated_at = now()
 where (u.display_name, u.email, u.phone, u.telegram_chat_id, u.slack_user_id, u.roles, u.branch_ids, u.manager_id, u.locale,
        u.timezone, u.is_active, u.groups)
       is distinct from
       (excluded.display_name, excluded.email, excluded.phone, excluded.telegram_chat_id, excluded.slack_user_id, excluded.roles,
        excluded.branch_ids, excluded.manager_id, excluded.locale, excluded.timezone, excluded.is_active,
        excluded.groups)
returning xmax = 0 as created
