-- Purpose: where the tables go, and whether this server and this role will do.
-- Parameters: none
-- Rows: one: schema (null when no schema of search_path exists), search_path, version (server_version_num),
--       may_create (whether this role may create objects in the schema)
select current_schema()::text as schema,
       current_setting('search_path') as search_path,
       current_setting('server_version_num')::integer as version,
       coalesce(has_schema_privilege(current_user, current_schema(), 'create'), false) as may_create
