-- A page of people as the directory shows them, by id. Whatever the directory reads, only a bounded stretch behind the cursor is looked
-- at, and the caller goes on behind its end. A view may have no groups: see find.sql.
-- $1 after this id text, $2 role or null, $3 branch or null (people of all branches belong to it too), $4 active or null,
-- $5 pattern for ilike or null, $6 limit bigint, $7 people walked at most bigint, $8 group or null
-- One row a person.
select id::text as id, coalesce(display_name::text, '') as display_name, email::text as email, phone::text as phone,
       telegram_chat_id::text as telegram_chat_id, slack_user_id::text as slack_user_id,
       coalesce(roles::text[], '{}') as roles, coalesce(branch_ids::text[], '{}') as branch_ids,
       coalesce(own_groups::text[], '{}') as groups,
       manager_id::text as manager_id, coalesce(locale::text, 'en') as locale, coalesce(timezone::text, 'UTC') as timezone,
       coalesce(is_active::text::boolean, true) as is_active
  from (select '{}'::text[] as groups) as absent
 cross join lateral (select v.*, groups as own_groups from neurolink_directory v
         where v.id::text collate "C" > $1::text
         order by v.id::text collate "C" limit $7) d
 where ($2::text is null or $2 = any (roles::text[]))
   and ($3::text is null or branch_ids::text[] && array[$3, '*'])
   and ($4::boolean is null or coalesce(is_active::text::boolean, true) = $4)
   and ($5::text is null or id::text ilike $5 or display_name::text ilike $5 or email::text ilike $5)
   and ($8::text is null or $8 = any (own_groups::text[]))
 order by id::text collate "C"
 limit $6
