-- Purpose: what is known of the re-applied objects and of the binaries that fit.
-- Parameters: none; search_path is our schema alone
-- Rows: key, value
select key, value from neurolink_meta
 where key in ('objects_checksum', 'objects_version', 'objects_roles', 'min_binary')
