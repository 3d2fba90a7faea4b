-- What rules need to remember, wait and be tried: states with a due time, followed entities, groups, watched tables, what was
-- shadowed or held. No index joins the hot tables that isn't partial on something rare (V0001 and V0002 say why).

--------------------------------------------------------------------------------------------------------- recipients

alter table neurolink_users add column groups text[] not null default '{}';
create index neurolink_users_groups_ix on neurolink_users using gin (groups);
comment on column neurolink_users.groups is 'Groups they are in, for rules'' recipient_groups: year_end_team … (not tied to branches, unlike roles)';

-- The directory shows them too, where it is still the view that we made. A DBA's own stays as it is: without the column, nobody
-- is in a group.
do $$
begin
    if exists (select from pg_class c
                where c.oid = to_regclass(format('%I.neurolink_directory', current_schema())) and pg_has_role(c.relowner, 'usage')
                  and regexp_replace(pg_get_viewdef(c.oid), '\s+|neurolink_users\.', '', 'g')
                      = 'SELECTid,display_name,email,phone,telegram_chat_id,slack_user_id,roles,branch_ids,manager_id,locale,timezone,'
                        'is_activeFROMneurolink_users;')
    then
        create or replace view neurolink_directory as
        select id, display_name, email, phone, telegram_chat_id, slack_user_id, roles, branch_ids, manager_id, locale,
               timezone, is_active, groups
          from neurolink_users;
    end if;
end $$;

create table neurolink_followers (
    entity_type text collate "C" not null,
    entity_id text collate "C" not null,
    user_id text collate "C" not null,
    since timestamptz not null default now(),
    constraint neurolink_followers_pk primary key (entity_type, entity_id, user_id),
    constraint neurolink_followers_entity_type_ck check (length(entity_type) between 1 and 64),
    constraint neurolink_followers_entity_id_ck check (length(entity_id) between 1 and 128),
    constraint neurolink_followers_user_id_ck check (length(user_id) between 1 and 128)
);
create index neurolink_followers_user_ix on neurolink_followers (user_id, entity_type, entity_id);
revoke all on neurolink_followers from public;
comment on table neurolink_followers is 'Who follows which entity, for rules'' recipient_followers. Written by neurolink_follow() and neurolink_unfollow().';
