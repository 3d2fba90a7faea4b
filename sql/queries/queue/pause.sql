-- Pauses a kind of job, or one channel of deliveries (sql/functions/control.sql).
-- $1 kind, $2 channel ('' = all), $3 reason or null
select neurolink_pause($1, $2, $3)
