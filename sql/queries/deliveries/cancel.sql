-- Cancels a delivery (sql/functions/steering.sql).
-- $1 id bigint, $2 the caller's branches text[] (null = all)
-- One row: what came of it in a word.
select neurolink_cancel_delivery($1, $2) as outcome
