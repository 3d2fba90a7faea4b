-- Watches of ERP tables that don't do what they say.
-- Parameters: none
-- Rows: name, relation, state, detail, failed_count, definition (what makes it anew), switched_off (what switches its triggers on, or null)
select w.name, w.relation, w.state, w.detail, w.failed_count, w.definition,
       (select 'alter table ' || w.relation || string_agg(format(' enable trigger %I', t.tgname), ',' order by t.tgname)
          from pg_trigger t
         where w.state = 'trigger_off' and t.tgrelid = to_regclass(w.relation) and t.tgname ~ '^neurolink_watch_\d+_' and t.tgenabled not in ('O', 'A')) as switched_off
  from neurolink_watch_health w
 where w.state <> 'ok'
 order by w.name
 limit 100
