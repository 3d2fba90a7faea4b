-- Purpose: a hint to every listening node, in a transaction of its own.
-- Parameters: $1 payload text, below 8 000 bytes
-- Rows: one, empty
select pg_notify('neurolink_inbox', $1)
