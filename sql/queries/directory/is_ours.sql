-- Whether neurolink_directory reads neurolink_users, itself or through other views. If not, a DBA has put a view of their own
-- in its place, and people are changed where that one reads them.
-- ours boolean
with recursive reads (oid) as (
    select to_regclass('neurolink_directory')::oid
    union
    select d.refobjid
      from reads v
      join pg_rewrite r on r.ev_class = v.oid
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
)
select exists (select from reads where oid = to_regclass('neurolink_users')) as ours
