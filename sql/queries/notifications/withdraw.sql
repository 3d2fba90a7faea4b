-- Cancels what of notifications waits to be sent (sql/functions/withdraw.sql).
-- $1 notification bigint[], $2 why text
-- One row: how many deliveries were cancelled.
select neurolink_withdraw($1, $2) as withdrawn
