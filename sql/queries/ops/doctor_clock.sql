-- The database's clock, to be compared with ours.
-- Parameters: none
-- Rows: one: at
select clock_timestamp() as at
