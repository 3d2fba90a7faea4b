-- Resumes what was paused, and wakes the nodes (sql/functions/control.sql).
-- $1 kind, $2 channel ('' = all)
-- One row: whether it was paused.
select neurolink_resume($1, $2) as resumed
