-- People as evaluation reads them from neurolink_directory, casts and all: the first 20 000, so that a large one is read in part.
-- Parameters: none
-- Rows: one: people, active, ids (distinct), nameless (no id), unreachable (active, and neither roles nor an address)
with people as (
    select d.id::text as id, coalesce(d.display_name::text, '') as display_name, d.email::text as email, d.phone::text as phone,
           d.telegram_chat_id::text as telegram_chat_id, d.slack_user_id::text as slack_user_id,
           coalesce(d.roles::text[], '{}') as roles, coalesce(d.branch_ids::text[], '{}') as branch_ids,
           d.manager_id::text as manager_id, coalesce(d.locale::text, 'en') as locale, coalesce(d.timezone::text, 'UTC') as timezone,
           coalesce(d.is_active::text::boolean, true) as is_active
      from neurolink_directory d limit 20000
)
select count(*) as people, count(*) filter (where is_active) as active, count(distinct id) as ids,
       count(*) filter (where coalesce(id, '') = '') as nameless,
       -- Named, so that none of the casts is optimised away.
       count(*) filter (where is_active and roles = '{}') as without_role,
       count(concat_ws('', display_name, email, phone, telegram_chat_id, slack_user_id, branch_ids::text, manager_id, locale, timezone))
           as read
  from people
