-- The audit log: who did what, in the same transaction as the deed, whoever did it and from where.

-- Who acts: the token's subject, which the API sets for its transaction, else the role that is connected. Whoever can write
-- SQL can set the first one too, which is why the log keeps the role beside it.
create or replace function neurolink_actor() returns text
language sql stable set search_path = @schema@, pg_temp as $$
    select coalesce(nullif(current_setting('neurolink.actor', true), ''), session_user::text)
$$;
comment on function neurolink_actor() is 'Who acts in this transaction: the token''s subject over HTTP, else session_user';
revoke execute on function neurolink_actor() from public;

create or replace function neurolink_audit(action text, subject_kind text, subject_id text, before jsonb, after jsonb) returns void
language sql security definer set search_path = @schema@, pg_temp as $$
    insert into neurolink_audit_log (actor, db_user, action, subject_kind, subject_id, before, after)
    values (neurolink_actor(), session_user, $1, $2, $3, $4, $5)
$$;
comment on function neurolink_audit(text, text, text, jsonb, jsonb) is
    'Puts a deed into the audit log: action (rule.updated), what kind of thing and which, its state before and after';
revoke execute on function neurolink_audit(text, text, text, jsonb, jsonb) from public;

-- Trigger function of the audited tables, once a statement: a bulk of ten thousand people is one insert here.
-- Arguments: what a row is called in actions, its key column, and for what people may change of their own: others.
-- Rows pair up by key; a changed key is one thing gone and another come. What an update left as it was is no entry.
create or replace function neurolink_audit_changes() returns trigger
language plpgsql security definer set search_path = @schema@, pg_temp as $$
declare
    kind constant text := tg_argv[0];
    key constant text := tg_argv[1];
    -- Only what others did: one's own wishes are one's own affair.
    mine constant text := case when tg_nargs > 2 then neurolink_actor() end;
begin
    if tg_op = 'INSERT' then
        insert into neurolink_audit_log (actor, db_user, action, subject_kind, subject_id, after)
        select neurolink_actor(), session_user, kind || '.created', kind, n.after ->> key, n.after
          from (select to_jsonb(r) - '{created_at,updated_at}'::text[] as after from new_rows r) n
         where n.after ->> key is distinct from mine;
    elsif tg_op = 'DELETE' then
        insert into neurolink_audit_log (actor, db_user, action, subject_kind, subject_id, before)
        select neurolink_actor(), session_user, kind || '.deleted', kind, o.before ->> key, o.before
          from (select to_jsonb(r) - '{created_at,updated_at}'::text[] as before from old_rows r) o
         where o.before ->> key is distinct from mine;
    elsif tg_op = 'UPDATE' then
        insert into neurolink_audit_log (actor, db_user, action, subject_kind, subject_id, before, after)
        select neurolink_actor(), session_user,
               kind || case when n.key is null then '.deleted' when o.key is null then '.created' else '.updated' end,
               kind, coalesce(n.key, o.key), o.before, n.after
          from (select to_jsonb(r) ->> key as key, to_jsonb(r) - '{created_at,updated_at}'::text[] as before from old_rows r) o
          full join (select to_jsonb(r) ->> key as key, to_jsonb(r) - '{created_at,updated_at}'::text[] as after from new_rows r) n
            on n.key = o.key
         where o.before is distinct from n.after and coalesce(n.key, o.key) is distinct from mine;
    elsif tg_op = 'TRUNCATE' then
        perform neurolink_audit(kind || '.truncated', kind, '*', null, null);
    end if;
    return null;
end $$;
revoke execute on function neurolink_audit_changes() from public;

-- What is written stays written. (Taking old entries away is retention's, and the table owner's.)
create or replace function neurolink_audit_refuse_update() returns trigger
language plpgsql security definer set search_path = @schema@, pg_temp as $$
begin
    raise exception 'neurolink_audit_log is only ever added to'
        using errcode = 'object_not_in_prerequisite_state', constraint = 'neurolink_audit_log_immutable';
end $$;
revoke execute on function neurolink_audit_refuse_update() from public;
