-- Every trigger, all statement triggers on hot tables (a row trigger would pay per row of a bulk insert).

create or replace trigger neurolink_events_queue
    after insert on neurolink_events referencing new table as new_events
    for each statement execute function neurolink_events_queue();

create or replace trigger neurolink_events_refuse_update
    before update on neurolink_events
    for each row execute function neurolink_events_refuse_update();

create or replace trigger neurolink_jobs_wake
    after insert on neurolink_jobs referencing new table as new_jobs
    for each statement execute function neurolink_jobs_wake();

create or replace trigger neurolink_rules_version
    before update on neurolink_notification_rules
    for each row execute function neurolink_rules_version();

create or replace trigger neurolink_rules_keep_version
    after insert or update on neurolink_notification_rules
    for each row execute function neurolink_rules_keep_version();

create or replace trigger neurolink_rules_changed
    after insert or update or delete or truncate on neurolink_notification_rules
    for each statement execute function neurolink_rules_changed();

create or replace trigger neurolink_rules_forget
    after delete on neurolink_notification_rules referencing old table as old_rows
    for each statement execute function neurolink_rules_forget();

create or replace trigger neurolink_rules_renewed
    after update on neurolink_notification_rules referencing new table as new_rows
    for each statement execute function neurolink_rules_renewed();
