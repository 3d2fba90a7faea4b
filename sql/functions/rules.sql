-- Trigger functions of neurolink_notification_rules: versions, and the revision that makes every node reload.

create or replace function neurolink_rules_version() returns trigger
language plpgsql security definer set search_path = @schema@, pg_temp as $$
begin
    if (new.name, new.source_module, new.event_type_pattern, new.conditions, new.notification_template, new.priority, new.enabled)
       is distinct from
       (old.name, old.source_module, old.event_type_pattern, old.conditions, old.notification_template, old.priority, old.enabled)
    then
        new.version := old.version + 1;
        new.updated_at := now();
    else
        new.version := old.version;
    end if;
    return new;
end $$;
revoke execute on function neurolink_rules_version() from public;

create or replace function neurolink_rules_keep_version() returns trigger
language plpgsql security definer set search_path = @schema@, pg_temp as $$
begin
    if tg_op = 'INSERT' or new.version is distinct from old.version then
        insert into neurolink_rule_versions (rule_id, version, name, source_module, event_type_pattern, conditions,
                                             notification_template, priority, enabled, changed_by)
        values (new.id, new.version, new.name, new.source_module, new.event_type_pattern, new.conditions,
                new.notification_template, new.priority, new.enabled, neurolink_actor());
    end if;
    return null;
end $$;
revoke execute on function neurolink_rules_keep_version() from public;

-- The claim reads rules_rev in its own statement, so an event committed after a rule is always judged by that rule; the
-- NOTIFY only lets idle nodes compile (and mark faults) at once.
create or replace function neurolink_rules_changed() returns trigger
language plpgsql security definer set search_path = @schema@, pg_temp as $$
begin
    update neurolink_meta set value = (value::bigint + 1)::text where key = 'rules_rev';
    perform pg_notify('neurolink_rules', '');
    return null;
end $$;
revoke execute on function neurolink_rules_changed() from public;

-- A rule that is gone has no faults and remembers nothing; its versions stay, for whoever asks what it once said.
create or replace function neurolink_rules_forget() returns trigger
language plpgsql security definer set search_path = @schema@, pg_temp as $$
begin
    delete from neurolink_rule_faults f using old_rows o where f.rule_id = o.id;
    -- In the order in which workers lock them: states by key, holds, what was gathered.
    delete from neurolink_rule_states s
     where s.ctid = any (array (select t.ctid from neurolink_rule_states t join old_rows o on t.rule_id = o.id
                                 order by t.rule_id, t.key collate "C" for update of t));
    delete from neurolink_rule_holds h using old_rows o where h.rule_id = o.id;
    delete from neurolink_shadow_matches m using old_rows o where m.rule_id = o.id;
    with waiting as materialized (
        select i.event_id, i.rule_id, i.user_id from neurolink_digest_items i join old_rows o on i.digest_rule_id = o.id
         where i.notification_id is null and i.withdrawn is null
         order by i.event_id, i.rule_id, i.user_id for update of i
    )
    update neurolink_digest_items i set withdrawn = 'rule_off'
      from waiting w where (i.event_id, i.rule_id, i.user_id) = (w.event_id, w.rule_id, w.user_id);
    return null;
end $$;
revoke execute on function neurolink_rules_forget() from public;
