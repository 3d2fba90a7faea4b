-- Retries deliveries (sql/functions/steering.sql).
-- $1 id bigint[], $2 also those that are sent or unwanted boolean, $3 the caller's branches text[] (null = all)
-- One row a delivery: what came of it in a word.
select delivery_id, outcome from neurolink_retry_deliveries($1, $2, $3)
