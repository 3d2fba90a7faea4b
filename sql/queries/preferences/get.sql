-- Somebody's preferences.
-- $1 user text
-- One row, or none: never set.
select channels, quiet_hours, coalesce(digest, '{}') as digest, updated_at from neurolink_user_preferences where user_id = $1
