-- Who keeps vacuum from cleaning up after the queue. A job is deleted for every event; while somebody holds an old snapshot, none
-- of those rows can go, and everything that walks over them slows down.
create or replace view neurolink_vacuum_pins as
select p.kind, p.who, p.since, p.age, p.detail, p.cure
  from (select 'transaction' as kind,
               a.pid::text || coalesce(' (' || nullif(concat_ws(', ', a.usename, nullif(a.application_name, ''), host(a.client_addr)), '') || ')', '') as who,
               a.xact_start as since,
               greatest(age(a.backend_xmin), age(a.backend_xid)) as age,
               concat_ws(': ', a.state, left(a.query, 200)) as detail,
               format('select pg_terminate_backend(%s)', a.pid) as cure
          from pg_stat_activity a
         where a.datname = current_database() and (a.backend_xmin is not null or a.backend_xid is not null) and a.pid <> pg_backend_pid()
        union all
        select 'replication slot', s.slot_name, null, greatest(age(s.xmin), age(s.catalog_xmin)),
               concat_ws(', ', s.slot_type, case when s.active then 'active' else 'nobody is connected' end, s.wal_status),
               format('select pg_drop_replication_slot(%L)', s.slot_name)
          from pg_replication_slots s where s.xmin is not null or s.catalog_xmin is not null
        union all
        select 'prepared transaction', x.gid, x.prepared, age(x.transaction), x.owner::text, format('rollback prepared %L', x.gid)
          from pg_prepared_xacts x where x.database = current_database()
        union all
        select 'standby', coalesce(nullif(r.application_name, ''), host(r.client_addr), 'a local one'), null, age(r.backend_xmin),
               'hot_standby_feedback', 'end the long query on the standby, or switch hot_standby_feedback off there'
          from pg_stat_replication r where r.backend_xmin is not null) p;
comment on view neurolink_vacuum_pins is
    'Who pins vacuum: open transactions, replication slots, prepared transactions, standbys. age counts transactions since; the oldest pins for all. Without pg_monitor other roles'' details are hidden';
