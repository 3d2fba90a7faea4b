-- The columns of neurolink_directory, whatever it is by now.
-- Parameters: none
-- Rows: name, kind (its type), collation (of texts)
select a.attname::text as name, format_type(a.atttypid, null) as kind, c.collname::text as collation
  from pg_attribute a left join pg_collation c on c.oid = a.attcollation
 where a.attrelid = to_regclass('neurolink_directory') and a.attnum > 0 and not a.attisdropped
 order by a.attnum
