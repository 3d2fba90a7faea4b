-- Purpose: the migrations that were applied.
-- Parameters: none; search_path is our schema alone
-- Rows: version, name, checksum, oldest first
select version, name::text, checksum::text from neurolink_schema_history order by version
