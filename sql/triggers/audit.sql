-- What is audited whoever changes it: rules, people, and preferences that somebody else has set. One trigger an operation,
-- since transition tables allow no more.
do $$
declare r record;
begin
    for r in
        select t.name, t.kind, t.arguments, o.operation, o.tables
          from (values ('neurolink_notification_rules', 'rules', '''rule'', ''id'''),
                       ('neurolink_users', 'users', '''person'', ''id'''),
                       ('neurolink_user_preferences', 'preferences', '''preferences'', ''user_id'', ''others''')) as t (name, kind, arguments)
         cross join (values ('insert', 'referencing new table as new_rows'),
                            ('update', 'referencing old table as old_rows new table as new_rows'),
                            ('delete', 'referencing old table as old_rows'),
                            ('truncate', '')) as o (operation, tables)
    loop
        execute format('create or replace trigger %I after %s on %I %s for each statement execute function neurolink_audit_changes(%s)',
                       'neurolink_audit_' || r.kind || '_' || r.operation, r.operation, r.name, r.tables, r.arguments);
    end loop;
end $$;

create or replace trigger neurolink_audit_log_refuse_update
    before update on neurolink_audit_log
    for each statement execute function neurolink_audit_refuse_update();
