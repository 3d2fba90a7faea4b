-- Of what the functions of watches are written (watch_text.sql): expressions over columns of the ERP's tables.
--
-- They run with our rights over rows of others, so no code of theirs may run in them: values become JSON by to_jsonb() only where their
-- type is PostgreSQL's own, since a type of somebody else's may bring a cast to json along. All others go by their output function,
-- as text. Types are asked while it runs (pg_typeof): a column's may be altered later.

-- A table's key: the primary one, else the first unique index over columns that are never null. Empty = none.
create or replace function neurolink_watch_key(relation regclass) returns text[]
language sql stable set search_path = @schema@, pg_temp as $$
    select coalesce((
        select k.names
          from pg_catalog.pg_index i
         cross join lateral (
               select pg_catalog.array_agg(a.attname::text order by c.nth) as names, pg_catalog.bool_and(a.attnotnull) as never_null
                 from pg_catalog.unnest(i.indkey::int2[]) with ordinality as c (attnum, nth)
                 join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = c.attnum
                where c.nth <= i.indnkeyatts) k
         where i.indrelid = relation::oid and i.indisunique and i.indimmediate and i.indisvalid
           and i.indpred is null and i.indexprs is null and k.never_null
         order by i.indisprimary desc, i.indexrelid limit 1), '{}')
$$;
revoke execute on function neurolink_watch_key(regclass) from public;

-- What a domain is at bottom; any other type is itself.
create or replace function neurolink_watch_base(type oid) returns oid
language sql stable set search_path = @schema@, pg_temp as $$
    with recursive down as (
        select t.oid, t.typtype, t.typbasetype from pg_catalog.pg_type t where t.oid = $1
        union all
        select t.oid, t.typtype, t.typbasetype from down d join pg_catalog.pg_type t on t.oid = d.typbasetype where d.typtype = 'd'
    )
    select d.oid from down d where d.typtype <> 'd'
$$;
revoke execute on function neurolink_watch_base(oid) from public;

-- Whether a type is PostgreSQL's own, or a domain over one, or a list of these. (Which type an id is never changes, so no old
-- snapshot can be made to answer wrongly.)
create or replace function neurolink_watch_is_plain(type oid) returns boolean
language sql stable set search_path = @schema@, pg_temp as $$
    select neurolink_watch_base(coalesce((select t.typelem from pg_catalog.pg_type t
                                           where t.oid = neurolink_watch_base($1) and t.typcategory = 'A' and t.typelem <> 0::oid),
                                         $1)) < 16384::oid
$$;
revoke execute on function neurolink_watch_is_plain(oid) from public;

-- A value as JSON; as text, where its type isn't PostgreSQL's own. These two are inlined, and so have no settings of their own.
create or replace function neurolink_watch_json(value anyelement) returns jsonb
language sql stable as $$
    select case when pg_catalog.pg_typeof($1)::oid < 16384::oid or neurolink_watch_is_plain(pg_catalog.pg_typeof($1)::oid)
                then pg_catalog.to_jsonb($1)
                when $1 is not null then pg_catalog.to_jsonb(pg_catalog.format('%s', $1)) end
$$;
revoke execute on function neurolink_watch_json(anyelement) from public;

create or replace function neurolink_watch_text(value anyelement) returns jsonb
language sql stable as $$
    select case when $1 is not null then pg_catalog.to_jsonb(pg_catalog.format('%s', $1)) end
$$;
revoke execute on function neurolink_watch_text(anyelement) from public;

-- An expression: a row's column as JSON. What is text anyhow needn't ask for its type.
create or replace function neurolink_watch_column(relation regclass, place text, name text) returns text
language sql stable set search_path = @schema@, pg_temp as $$
    select pg_catalog.format('%s(%s.%I)', case when neurolink_watch_is_plain(a.atttypid) then 'neurolink_watch_json' else 'neurolink_watch_text' end,
                             place, name)
      from pg_catalog.pg_attribute a
     where a.attrelid = relation::oid and a.attname::text = name and a.attnum > 0 and not a.attisdropped
$$;
revoke execute on function neurolink_watch_column(regclass, text, text) from public;

-- An expression: some of a row's columns as a JSON object. A value that takes more than 32 kB is null in it.
create or replace function neurolink_watch_object_of(relation regclass, place text, names text[]) returns text
language sql stable set search_path = @schema@, pg_temp as $$
    select coalesce('(select pg_catalog.to_jsonb(row_.*) from (select '
           || pg_catalog.string_agg(case when a.attlen = -1
                  then pg_catalog.format('case when pg_catalog.pg_column_size(%s.%I) <= 32768 then %s end as %2$I', place, n.name,
                                         neurolink_watch_column(relation, place, n.name))
                  else pg_catalog.format('%s as %I', neurolink_watch_column(relation, place, n.name), n.name) end, ', ' order by n.nth) || ') as row_)',
           '''{}''::jsonb')
      from pg_catalog.unnest(names) with ordinality as n (name, nth)
      join pg_catalog.pg_attribute a on a.attrelid = relation::oid and a.attname::text = n.name and a.attnum > 0 and not a.attisdropped
$$;
revoke execute on function neurolink_watch_object_of(regclass, text, text[]) from public;

-- An expression: the payload's columns, and the names of those that were too large for it.
create or replace function neurolink_watch_row(relation regclass, place text, names text[]) returns text
language sql stable set search_path = @schema@, pg_temp as $$
    select neurolink_watch_object_of(relation, place, names)
           || coalesce((
               select ' || coalesce((select pg_catalog.jsonb_build_object(''left_out'', pg_catalog.jsonb_agg(l.name)) from (values '
                      || pg_catalog.string_agg(pg_catalog.format('(%L, pg_catalog.pg_column_size(%s.%I))', a.attname, place, a.attname), ', ' order by a.attnum)
                      || ') as l (name, size) where l.size > 32768 having pg_catalog.count(*) > 0), ''{}'')'
                 from pg_catalog.pg_attribute a
                where a.attrelid = relation::oid and a.attname::text = any (names) and a.attlen = -1
               having pg_catalog.count(*) > 0), '')
$$;
revoke execute on function neurolink_watch_row(regclass, text, text[]) from public;

-- The columns that a payload tells.
create or replace function neurolink_watch_told(watch neurolink_watches) returns text[]
language sql stable set search_path = @schema@, pg_temp as $$
    select coalesce(pg_catalog.array_agg(a.attname::text order by a.attnum), '{}')
      from pg_catalog.pg_attribute a
     where a.attrelid = watch.relation::oid and a.attnum > 0 and not a.attisdropped
       and case when watch.payload_columns is not null then a.attname::text = any (watch.payload_columns)
                else neurolink_watch_base(a.atttypid) <> 'pg_catalog.bytea'::regtype::oid and a.attname::text <> all (watch.without_columns) end
$$;
revoke execute on function neurolink_watch_told(neurolink_watches) from public;
