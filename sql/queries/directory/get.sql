-- One person as the directory shows them, active or not.
-- $1 id text
-- One row, or none.
select id::text as id, coalesce(display_name::text, '') as display_name, email::text as email, phone::text as phone,
       telegram_chat_id::text as telegram_chat_id, slack_user_id::text as slack_user_id,
       coalesce(roles::text[], '{}') as roles, coalesce(branch_ids::text[], '{}') as branch_ids,
       manager_id::text as manager_id, coalesce(locale::text, 'en') as locale, coalesce(timezone::text, 'UTC') as timezone,
       coalesce(is_active::text::boolean, true) as is_active
  from neurolink_directory
 where id::text collate "C" = $1::text
