-- Whether the directory shows this person, active or not.
-- $1 id text
-- One row: known bool
select exists (select from neurolink_directory where id::text collate "C" = $1::text) as known
