-- Whether any rule is switched on.
-- Parameters: none
-- Rows: one: any_enabled
select exists (select from neurolink_notification_rules where enabled) as any_enabled
