-- How large our tables are, how much of them is dead, and whether somebody has switched autovacuum off.
-- Parameters: none
-- Rows: name, live, dead (rows, as the statistics have them), bytes (without indexes), vacuumed_seconds_ago (null = never),
-- autovacuum_off
select s.relname::text as name, s.n_live_tup as live, s.n_dead_tup as dead, pg_relation_size(s.relid) as bytes,
       extract(epoch from now() - greatest(s.last_autovacuum, s.last_vacuum))::float8 as vacuumed_seconds_ago,
       coalesce(c.reloptions && array['autovacuum_enabled=false', 'autovacuum_enabled=off', 'autovacuum_enabled=no', 'autovacuum_enabled=0'],
                false) as autovacuum_off
  from pg_stat_user_tables s join pg_class c on c.oid = s.relid
 where c.relnamespace = (select j.relnamespace from pg_class j where j.oid = to_regclass('neurolink_jobs'))
   and s.relname like 'neurolink\_%'
 order by s.n_dead_tup desc
