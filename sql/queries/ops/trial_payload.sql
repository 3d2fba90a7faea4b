-- A payload as it would be stored: PostgreSQL keeps one of two equal keys, and writes numbers its own way.
-- $1 payload text
-- One row.
select $1::text::jsonb::text as payload
