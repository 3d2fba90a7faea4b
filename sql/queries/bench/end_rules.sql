-- No rules any more.
delete from neurolink_notification_rules
