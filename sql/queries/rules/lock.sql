-- Holds a rule until the transaction ends, so that what is decided about it stays true.
-- $1 rule bigint
-- version int; no row = no such rule
select version from neurolink_notification_rules where id = $1 for update
