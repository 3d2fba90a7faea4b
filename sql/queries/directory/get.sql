-- One person as the directory shows them, active or not. A view may have no groups: see find.sql.
-- $1 id text
-- One row, or none.
select d.id::text as id, coalesce(d.display_name::text, '') as display_name, d.email::text as email, d.phone::text as phone,
       d.telegram_chat_id::text as telegram_chat_id, d.slack_user_id::text as slack_user_id,
       coalesce(d.roles::text[], '{}') as roles, coalesce(d.branch_ids::text[], '{}') as branch_ids,
       coalesce(d.own_groups::text[], '{}') as groups,
       d.manager_id::text as manager_id, coalesce(d.locale::text, 'en') as locale, coalesce(d.timezone::text, 'UTC') as timezone,
       coalesce(d.is_active::text::boolean, true) as is_active
  from (select '{}'::text[] as groups) as absent
 cross join lateral (select v.*, groups as own_groups from neurolink_directory v) as d
 where d.id::text collate "C" = $1::text
