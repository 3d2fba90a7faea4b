-- Puts the demo's people where they aren't yet; somebody you have changed stays as you left them.
-- $1 text: a JSON array of people with the columns below; a missing is_active means true
-- rows: none; the count of affected rows is how many were new
insert into neurolink_users (id, display_name, email, phone, roles, branch_ids, manager_id, locale, timezone, is_active)
select p.id, p.display_name, p.email, p.phone, p.roles, p.branch_ids, p.manager_id, p.locale, 'Asia/Baghdad',
       coalesce(p.is_active, true)
  from jsonb_to_recordset($1::text::jsonb)
       as p (id text, display_name text, email text, phone text, roles text[], branch_ids text[], manager_id text,
             locale text, is_active boolean)
    on conflict (id) do nothing
