-- Purpose: note what was re-applied, in the transaction that did it.
-- Parameters: $1 checksum, $2 version of the binary, $3 roles that were granted to
-- Rows: none
insert into neurolink_meta (key, value)
values ('objects_checksum', $1), ('objects_version', $2), ('objects_roles', $3)
on conflict (key) do update set value = excluded.value
