-- Tells people something directly; what it does is in sql/functions/tell.sql.
-- $1 user text[], $2 message text (JSON)
-- One row a person and channel: user_id, notification_id, channel, status, reason.
select user_id, notification_id, channel, status, reason from neurolink_tell_people($1::text[], $2::text::jsonb)
