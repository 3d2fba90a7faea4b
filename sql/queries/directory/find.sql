-- Active people who hold one of the roles, are in one of the groups or are named, from the directory view, whatever it shows: casts,
-- so that a DBA's own view may have other types (numbers as ids, varchar, 0 and 1 for active). Where the types are ours they cost
-- nothing, and the indexes serve. A view without groups is read all the same: inside, the bare name is the view's column, or else
-- that of `absent`. With them their wishes, so that a batch needs no second flight: a look by primary key for
-- each. As a join the planner would rather hash all wishes there are (33 thousand: 15 ms instead of 1 for 500 people).
-- $1 role text[], $2 user id text[], $3 group text[]
-- One row a person.
select d.id::text as id, coalesce(d.display_name::text, '') as display_name, d.email::text as email, d.phone::text as phone,
       d.telegram_chat_id::text as telegram_chat_id, d.slack_user_id::text as slack_user_id,
       coalesce(d.roles::text[], '{}') as roles, coalesce(d.branch_ids::text[], '{}') as branch_ids,
       coalesce(d.own_groups::text[], '{}') as groups,
       d.manager_id::text as manager_id, coalesce(d.locale::text, 'en') as locale, coalesce(d.timezone::text, 'UTC') as timezone,
       (select array[p.channels::text, p.quiet_hours::text, p.digest::text] from neurolink_user_preferences p
         where p.user_id = d.id::text collate "C" and (p.channels <> '{}' or p.quiet_hours is not null or p.digest is not null)) as wishes
  from (select '{}'::text[] as groups) as absent
 cross join lateral (select v.*, groups as own_groups from neurolink_directory v) as d
 where coalesce(d.is_active::text::boolean, true) and d.id is not null
   and (d.roles::text[] && $1::text[] or d.id::text = any ($2::text[]) or d.own_groups::text[] && $3::text[])
