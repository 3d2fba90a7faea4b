-- The storm guard's table side: a version of a rule that tells too much is held, its owner is told, and somebody releases it.
--
-- Locks, in this order: the rules' revision (neurolink_meta), holds, inboxes. A change of a rule takes the revision first, too, so what
-- is decided here about a version stays true. None of this belongs into a batch's transaction, which holds inboxes already.

-- Who is told of a rule: the owner its template names; else who changed it last; else everybody with this role. Only people whom the
-- directory shows as active.
create or replace function neurolink_rule_owners(rule_id bigint, admin_role text) returns text[]
language plpgsql stable security definer set search_path = @schema@, pg_temp as $$
declare
    v_owner text;
    v_last text;
    v_found text[];
begin
    select r.notification_template ->> 'owner', v.changed_by into v_owner, v_last
      from neurolink_notification_rules r
      left join neurolink_rule_versions v on v.rule_id = r.id and v.version = r.version
     where r.id = neurolink_rule_owners.rule_id;
    for v_owner in select o.id from (values (1, v_owner), (2, v_last)) o (nth, id) where o.id is not null order by o.nth loop
        if exists (select from neurolink_directory d where d.id::text = v_owner and coalesce(d.is_active::text::boolean, true)) then
            return array[v_owner];
        end if;
    end loop;
    select array_agg(p.id order by p.id collate "C") into v_found
      from (select distinct d.id::text as id from neurolink_directory d
             where coalesce(d.is_active::text::boolean, true) and array[neurolink_rule_owners.admin_role] && d.roles::text[]
             limit 100) p;
    return coalesce(v_found, '{}');
end $$;
revoke execute on function neurolink_rule_owners(bigint, text) from public;

-- Holds a version of a rule that has told `sent` in a minute where it may tell `limit_per_minute`, and tells its owner. True for the
-- first who says so; false when it is held already, or of another version by now.
create or replace function neurolink_hold_rule(rule_id bigint, version integer, limit_per_minute integer, sent bigint, admin_role text)
    returns boolean
language plpgsql security definer set search_path = @schema@, pg_temp as $$
#variable_conflict use_column
declare
    v_rule neurolink_notification_rules;
    v_told text[];
    v_reason text;
begin
    if exists (select from neurolink_rule_holds h
                where h.rule_id = neurolink_hold_rule.rule_id and h.version = neurolink_hold_rule.version) then
        return false;
    end if;
    perform from neurolink_meta m where m.key = 'rules_rev' for update;
    select r.* into v_rule from neurolink_notification_rules r where r.id = neurolink_hold_rule.rule_id;
    if v_rule.id is null or v_rule.version <> neurolink_hold_rule.version then
        return false;
    end if;
    v_told := neurolink_rule_owners(v_rule.id, neurolink_hold_rule.admin_role);
    v_reason := pg_catalog.format('%s notifications within a minute, where %s are allowed', neurolink_hold_rule.sent,
                                  neurolink_hold_rule.limit_per_minute);
    insert into neurolink_rule_holds as h (rule_id, version, reason, limit_per_minute, told)
    values (v_rule.id, v_rule.version, v_reason, neurolink_hold_rule.limit_per_minute, v_told)
    on conflict (rule_id) do update
       set version = excluded.version, held_at = now(), reason = excluded.reason, limit_per_minute = excluded.limit_per_minute,
           held_count = 0, last_held_at = null, told = excluded.told
     where h.version <> excluded.version;
    if not found then
        return false;
    end if;
    update neurolink_meta m set value = (m.value::bigint + 1)::text where m.key = 'rules_rev';
    perform pg_notify('neurolink_rules', '');
    perform neurolink_audit('rule.held', 'rule', v_rule.id::text, null,
        pg_catalog.jsonb_build_object('name', v_rule.name, 'version', v_rule.version, 'reason', v_reason, 'told', to_jsonb(v_told)));
    perform neurolink_tell_people(v_told, pg_catalog.jsonb_build_object(
        'title', pg_catalog.jsonb_build_object(
            'en', pg_catalog.format('The rule %s is held', v_rule.name),
            'ar', pg_catalog.format('أُوقفت القاعدة %s مؤقتًا', U&'\2068' || v_rule.name || U&'\2069')),
        'body', pg_catalog.jsonb_build_object(
            'en', pg_catalog.format('It wanted to make %s. What it would tell from now on is recorded and not sent, until somebody corrects it or releases it: neurolink rules release %s',
                                    v_reason, v_rule.name),
            'ar', pg_catalog.format('أرادت إنشاء %s من الإشعارات خلال دقيقة واحدة، والحد المسموح به %s. ما ستنشئه من الآن يُسجَّل ولا يُرسَل، إلى أن تُصحَّح أو يُرفع الإيقاف: neurolink rules release %s',
                                    neurolink_hold_rule.sent, neurolink_hold_rule.limit_per_minute, v_rule.name)),
        'severity', 'error', 'category', 'rules', 'channels', '["in_app", "email"]'::jsonb, 'mandatory', true));
    return true;
end $$;
comment on function neurolink_hold_rule(bigint, integer, integer, bigint, text) is
    'Holds a rule''s version that tells too much, and tells its owner; the storm guard''s. True for the first who says so';
revoke execute on function neurolink_hold_rule(bigint, integer, integer, bigint, text) from public;

-- Tells those who were told of these holds that they are over, and how much was held back.
create or replace function neurolink_tell_released(holds neurolink_rule_holds[]) returns void
language plpgsql security definer set search_path = @schema@, pg_temp as $$
declare
    v_hold neurolink_rule_holds;
    v_name text;
begin
    -- All inboxes in the one order everybody locks them in, before the first is written to.
    perform from neurolink_inboxes i
      where i.user_id in (select t from unnest(neurolink_tell_released.holds) h cross join unnest(h.told) t)
      order by i.user_id collate "C" for update;
    foreach v_hold in array neurolink_tell_released.holds loop
        select coalesce(r.name, v_hold.rule_id::text) into v_name
          from (select 1) one left join neurolink_notification_rules r on r.id = v_hold.rule_id;
        perform neurolink_audit('rule.released', 'rule', v_hold.rule_id::text,
            pg_catalog.jsonb_build_object('name', v_name, 'version', v_hold.version, 'reason', v_hold.reason, 'held_count', v_hold.held_count),
            null);
        perform neurolink_tell_people(v_hold.told, pg_catalog.jsonb_build_object(
            'title', pg_catalog.jsonb_build_object(
                'en', pg_catalog.format('The rule %s goes on', v_name),
                'ar', pg_catalog.format('عادت القاعدة %s إلى العمل', v_name)),
            'body', pg_catalog.jsonb_build_object(
                'en', pg_catalog.format('It was held on %s. Notifications that were held back, and stay so: %s', neurolink_said(v_hold.held_at), v_hold.held_count),
                'ar', pg_catalog.format('أُوقفت في %s. الإشعارات المحجوزة التي لن تُرسَل: %s', neurolink_said(v_hold.held_at), v_hold.held_count)),
            'category', 'rules', 'channels', '["in_app", "email"]'::jsonb, 'mandatory', true));
    end loop;
end $$;
revoke execute on function neurolink_tell_released(neurolink_rule_holds[]) from public;

-- Lets a held rule go on; true if it was held. What was held back stays so: the outcomes of its events say who wasn't told.
create or replace function neurolink_release_rule(rule_id bigint) returns boolean
language plpgsql security definer set search_path = @schema@, pg_temp as $$
#variable_conflict use_column
declare
    v_hold neurolink_rule_holds;
begin
    perform from neurolink_meta m where m.key = 'rules_rev' for update;
    delete from neurolink_rule_holds h where h.rule_id = neurolink_release_rule.rule_id returning h.* into v_hold;
    if v_hold.rule_id is null then
        return false;
    end if;
    update neurolink_meta m set value = (m.value::bigint + 1)::text where m.key = 'rules_rev';
    perform pg_notify('neurolink_rules', '');
    perform neurolink_tell_released(array[v_hold]);
    return true;
end $$;
comment on function neurolink_release_rule(bigint) is
    'Lets a rule go on that the storm guard holds: select neurolink_release_rule(7). False if it wasn''t held';
revoke execute on function neurolink_release_rule(bigint) from public;

-- Trigger: a new version of a held rule is not held. Named so that it comes after neurolink_rules_changed, which takes the revision.
create or replace function neurolink_rules_renewed() returns trigger
language plpgsql security definer set search_path = @schema@, pg_temp as $$
declare
    v_holds neurolink_rule_holds[];
begin
    with gone as (
        delete from neurolink_rule_holds h using new_rows n where h.rule_id = n.id and h.version <> n.version returning h.*
    )
    select array_agg(g::neurolink_rule_holds order by g.rule_id) into v_holds from gone g;
    if v_holds is not null then
        perform neurolink_tell_released(v_holds);
    end if;
    return null;
end $$;
revoke execute on function neurolink_rules_renewed() from public;
