-- What the server is and how it is set, as far as we depend on it.
-- Parameters: none
-- Rows: one
select current_setting('server_version') as version, current_setting('server_version_num')::integer as version_number,
       current_user::text as role, pg_is_in_recovery() as is_standby,
       current_setting('fsync')::boolean as fsync, current_setting('full_page_writes')::boolean as full_page_writes,
       current_setting('synchronous_commit') as synchronous_commit,
       current_setting('autovacuum')::boolean and current_setting('track_counts')::boolean as autovacuum,
       current_setting('server_encoding') as encoding,
       current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer as connections_most,
       (select count(*) from pg_stat_activity where backend_type = 'client backend') as connections_used,
       (select age(datfrozenxid) from pg_database where datname = current_database())::bigint as frozen_age
