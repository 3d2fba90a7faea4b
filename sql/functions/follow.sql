-- Who follows what. The API, the ERP and psql call the same two functions.

-- True: now they do; false: they did already; null: they follow as much as anybody may, and no more. A full list must not
-- undo the transaction of an ERP that makes people follow what they create, and so it is no error.
create or replace function neurolink_follow(user_id text, entity_type text, entity_id text) returns boolean
language plpgsql security definer set search_path = @schema@, pg_temp as $$
#variable_conflict use_column
declare
    -- Room for a year of one person's invoices, and an end for a program that loops.
    most constant bigint := 10000;
    v_user constant text := neurolink_follow.user_id;
    v_type constant text := neurolink_follow.entity_type;
    v_id constant text := neurolink_follow.entity_id;
begin
    perform from neurolink_followers f where f.user_id = v_user and f.entity_type = v_type and f.entity_id = v_id;
    if found then
        return false;
    end if;
    if (select count(*) from (select from neurolink_followers f where f.user_id = v_user limit most) x) >= most then
        return null;
    end if;
    insert into neurolink_followers (entity_type, entity_id, user_id) values (v_type, v_id, v_user) on conflict do nothing;
    if not found then
        return false;
    end if;
    -- What people do for themselves is their own affair.
    if v_user is distinct from neurolink_actor() then
        perform neurolink_audit('follower.created', 'follower', v_user, null,
            pg_catalog.jsonb_build_object('entity_type', v_type, 'entity_id', v_id, 'user_id', v_user));
    end if;
    return true;
end $$;
comment on function neurolink_follow(text, text, text) is
    'Makes a person follow an entity: select neurolink_follow(''nadia'', ''invoice'', ''88101''). True: now they do; false: they did; null: they follow 10 000 already';
revoke execute on function neurolink_follow(text, text, text) from public;

-- Whether they did follow it.
create or replace function neurolink_unfollow(user_id text, entity_type text, entity_id text) returns boolean
language plpgsql security definer set search_path = @schema@, pg_temp as $$
#variable_conflict use_column
declare
    v_user constant text := neurolink_unfollow.user_id;
    v_type constant text := neurolink_unfollow.entity_type;
    v_id constant text := neurolink_unfollow.entity_id;
begin
    delete from neurolink_followers f where f.user_id = v_user and f.entity_type = v_type and f.entity_id = v_id;
    if not found then
        return false;
    end if;
    if v_user is distinct from neurolink_actor() then
        perform neurolink_audit('follower.deleted', 'follower', v_user,
            pg_catalog.jsonb_build_object('entity_type', v_type, 'entity_id', v_id, 'user_id', v_user), null);
    end if;
    return true;
end $$;
comment on function neurolink_unfollow(text, text, text) is
    'Ends it: select neurolink_unfollow(''nadia'', ''invoice'', ''88101''). Whether they did follow it';
revoke execute on function neurolink_unfollow(text, text, text) from public;
