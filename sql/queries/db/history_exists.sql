-- Purpose: whether refinery has ever run in this schema, and whether our table of facts is there.
-- Parameters: none; search_path is our schema alone
-- Rows: one: history, meta
select to_regclass('neurolink_schema_history') is not null as history,
       to_regclass('neurolink_meta') is not null as meta
