-- Takes rules away. What they have told stays told, and their versions stay.
-- $1 rule bigint[]
delete from neurolink_notification_rules where id = any ($1::bigint[])
