-- Active people who hold one of the roles or are named, from the directory view, whatever it shows: casts, so that a
-- DBA's own view may have other types (numbers as ids, varchar, 0 and 1 for active). Where the types are ours they cost
-- nothing, and the indexes serve.
-- $1 role text[], $2 user id text[]
-- One row a person.
select id::text as id, coalesce(display_name::text, '') as display_name, email::text as email, phone::text as phone,
       telegram_chat_id::text as telegram_chat_id, slack_user_id::text as slack_user_id,
       coalesce(roles::text[], '{}') as roles, coalesce(branch_ids::text[], '{}') as branch_ids,
       manager_id::text as manager_id, coalesce(locale::text, 'en') as locale, coalesce(timezone::text, 'UTC') as timezone
  from neurolink_directory
 where coalesce(is_active::text::boolean, true) and (roles::text[] && $1::text[] or id::text = any ($2::text[]))
