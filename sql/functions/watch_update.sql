-- How the triggers of watches make events of an update: which of the old rows became which of the new ones is told by the table's key.
-- A pair is an event, and so it must be a true one: where the key isn't unique among a statement's rows, a join by it would pair each old
-- row with each new one. That happens where the key has changed since the text was written, where tables inherit from this one, and where
-- foreign keys change one row twice by one statement (two columns that are "on delete set null").

-- Old and new rows pair up by key; where a key has changed, one row is gone and another has come, and these are events if that is
-- watched. A full join is never a nested loop, so a plan made for one row is good for a million.
create or replace function neurolink_watch_pairs(watch neurolink_watches) returns text
language sql stable set search_path = @schema@, pg_temp as $$
    select 'from old_rows o full join new_rows n on '
           || pg_catalog.string_agg(pg_catalog.format('pg_catalog.format(''%%s'', o.%1$I) = pg_catalog.format(''%%s'', n.%1$I)', k.name), ' and ' order by k.nth)
      from pg_catalog.unnest(neurolink_watch_key(watch.relation)) with ordinality as k (name, nth)
$$;
revoke execute on function neurolink_watch_pairs(neurolink_watches) from public;

-- A condition over a pair: it is an event. names: the columns that are watched.
create or replace function neurolink_watch_differs(watch neurolink_watches, names text[]) returns text
language sql stable set search_path = @schema@, pg_temp as $$
    select pg_catalog.format('case when o.%1$I is null then %2$s when n.%1$I is null then %3$s else ', (neurolink_watch_key(watch.relation))[1],
               ('insert' = any (watch.operations))::text, ('delete' = any (watch.operations))::text)
           || pg_catalog.string_agg(pg_catalog.format('%s is distinct from %s', neurolink_watch_column(watch.relation, 'o', w.name),
                                neurolink_watch_column(watch.relation, 'n', w.name)), E'\n               or ' order by w.nth) || ' end'
      from pg_catalog.unnest(names) with ordinality as w (name, nth)
$$;
revoke execute on function neurolink_watch_differs(neurolink_watches, text[]) from public;

create or replace function neurolink_watch_update(watch neurolink_watches, told text[], watched text[], came text, went text) returns text
language sql stable set search_path = @schema@, pg_temp as $$
    with parts as (
        select (select pg_catalog.string_agg(pg_catalog.format('case when %s is distinct from %s then %L end',
                           neurolink_watch_column(watch.relation, 'o', w.name), neurolink_watch_column(watch.relation, 'n', w.name), w.name), ', ' order by w.nth)
                  from pg_catalog.unnest(watched) with ordinality as w (name, nth)) as changed,
               pg_catalog.format('o.%I is null', k.key[1]) as is_come,
               pg_catalog.format('n.%I is null', k.key[1]) as is_gone
          from (select neurolink_watch_key(watch.relation) as key) k
    )
    select neurolink_watch_insert(watch,
               'i.entity_id, i.branch_id, i.actor_id',
               pg_catalog.format(E'case when %s then %s\n               when %s then %s\n               else %s end',
                   p.is_come, case when 'insert' = any (watch.operations) then came else 'null' end,
                   p.is_gone, case when 'delete' = any (watch.operations) then went else 'null' end,
                   neurolink_watch_row(watch.relation, 'n', told)
                   || pg_catalog.format(' || pg_catalog.jsonb_build_object(''operation'', ''update'', ''old'', %s, ''new'', %s, ''changed'', '
                                        || 'pg_catalog.to_jsonb(pg_catalog.array_remove(array[%s], null)))',
                           neurolink_watch_object_of(watch.relation, 'o', watched), neurolink_watch_object_of(watch.relation, 'n', watched), p.changed)),
               pg_catalog.format(E'%s\n         cross join lateral (select %s where not %s union all select %s where %s) as i (entity_id, branch_id, actor_id)\n'
                   || E'         where %s',
                   neurolink_watch_pairs(watch), neurolink_watch_ids(watch, 'n'), p.is_gone, neurolink_watch_ids(watch, 'o'), p.is_gone,
                   neurolink_watch_differs(watch, watched)))
      from parts p
$$;
revoke execute on function neurolink_watch_update(neurolink_watches, text[], text[], text, text) from public;

-- Whether rows of other tables are updated through this one (those of partitions are its own).
create or replace function neurolink_watch_is_inherited(watch neurolink_watches) returns boolean
language sql stable set search_path = @schema@, pg_temp as $$
    select exists (select from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhparent
                    where i.inhparent = watch.relation::oid and c.relkind = 'r')
$$;
revoke execute on function neurolink_watch_is_inherited(neurolink_watches) from public;

-- Expressions: a row's key as text, and whether it is whole.
create or replace function neurolink_watch_key_text(watch neurolink_watches, place text) returns text
language sql stable set search_path = @schema@, pg_temp as $$
    select 'array[' || pg_catalog.string_agg(pg_catalog.format('pg_catalog.format(''%%s'', %s.%I)', place, k.name), ', ' order by k.nth) || ']'
      from pg_catalog.unnest(neurolink_watch_key(watch.relation)) with ordinality as k (name, nth)
$$;
revoke execute on function neurolink_watch_key_text(neurolink_watches, text) from public;

create or replace function neurolink_watch_key_is_whole(watch neurolink_watches, place text) returns text
language sql stable set search_path = @schema@, pg_temp as $$
    select pg_catalog.string_agg(pg_catalog.format('%s.%I is not null', place, k.name), ' and ' order by k.nth)
      from pg_catalog.unnest(neurolink_watch_key(watch.relation)) with ordinality as k (name, nth)
$$;
revoke execute on function neurolink_watch_key_is_whole(neurolink_watches, text) from public;

-- A statement that gives two truths of an update: something that is watched has changed, and every pair is a true one. Most updates change
-- nothing that is watched, and a small statement says so five times as fast as the insert. Pairs have as many sides as there are rows
-- exactly if no key is there twice, and the first side too many ends it: twenty thousand rows of one key would be 400 million pairs.
create or replace function neurolink_watch_verdict(watch neurolink_watches) returns text
language sql stable set search_path = @schema@, pg_temp as $$
    select pg_catalog.format($text$with rows_ as materialized (
                select (select case when coalesce(pg_catalog.bool_and(%1$s), true) then pg_catalog.count(*) end from old_rows o)
                       + (select case when coalesce(pg_catalog.bool_and(%2$s), true) then pg_catalog.count(*) end from new_rows n) as sides)
            select coalesce(pg_catalog.bool_or(p.differs), false),
                   pg_catalog.sum(p.sides) is not distinct from (select nullif(r.sides, 0) from rows_ r)
              into v_differs, v_is_sound
              from (select %3$s as differs, (o.%4$I is not null)::integer + (n.%4$I is not null)::integer as sides
                      %5$s limit (select coalesce(r.sides, 0) + 1 from rows_ r)) p$text$,
               neurolink_watch_key_is_whole(watch, 'o'), neurolink_watch_key_is_whole(watch, 'n'),
               neurolink_watch_differs(watch, coalesce(watch.columns, neurolink_watch_told(watch))),
               (neurolink_watch_key(watch.relation))[1], neurolink_watch_pairs(watch))
$$;
revoke execute on function neurolink_watch_verdict(neurolink_watches) from public;

-- What a watch's function does about an update. Where it is in doubt, the text is looked at again: the key may be another one by now.
create or replace function neurolink_watch_update_body(watch neurolink_watches) returns text
language plpgsql stable set search_path = @schema@, pg_temp as $$
begin
    if neurolink_watch_key(watch.relation) = '{}' then
        return pg_catalog.format('execute neurolink_watch_mend(%s, tg_op) into v_fault', watch.id);
    end if;
    return pg_catalog.format(E'%s;\n            if not v_is_sound then\n                execute neurolink_watch_mend(%s, tg_op) into v_fault;\n'
                             || E'            elsif v_differs then\n        %s;\n            end if',
                             neurolink_watch_verdict(watch), watch.id, neurolink_watch_statement(watch, 'update'));
end $$;
revoke execute on function neurolink_watch_update_body(neurolink_watches) from public;

-- ("not in" is hashed only as long as work_mem holds it: 70 thousand rows took longer than anybody waits.)
-- Rows of an update, without those of others: what a row was and became on its way is both an old and a new row, and so what is left when
-- they cancel out is what it was at first and is at last. Only where the key is the table's own: rows of tables that inherit from it
-- would cancel out with strangers.
create or replace function neurolink_watch_net(watch neurolink_watches, rows_ text, others text) returns text
language sql stable set search_path = @schema@, pg_temp as $$
    select case when neurolink_watch_is_inherited(watch) then 'select r.* from ' || rows_ || ' r'
                else pg_catalog.format($text$select a.* from (select r.*, pg_catalog.format('%%s', r) as neurolink_row,
            pg_catalog.row_number() over (partition by pg_catalog.format('%%s', r)) as neurolink_nth from %s r) a
     where not exists (
           select from (select pg_catalog.format('%%s', r) as text, pg_catalog.row_number() over (partition by pg_catalog.format('%%s', r)) as nth
                          from %s r) b
            where b.text = a.neurolink_row and b.nth = a.neurolink_nth)$text$,
                                       rows_, others) end
$$;
revoke execute on function neurolink_watch_net(neurolink_watches, text, text) from public;

-- A statement that makes the events of those rows alone whose key is there once, and gives why there are none of the others, if there is
-- anything to tell of them. Under the names of all rows it has those that are sure, and so the usual insert serves.
create or replace function neurolink_watch_sure(watch neurolink_watches) returns text
language sql stable set search_path = @schema@, pg_temp as $$
    select pg_catalog.format($text$with net_old as materialized (%9$s),
net_new as materialized (%10$s),
twice as materialized (
    select k.key from (select 1 as side, %1$s as key, %3$s as is_whole from net_old o union all select 2, %2$s, %4$s from net_new n) k
     group by k.side, k.key having pg_catalog.count(*) > 1 or not pg_catalog.bool_and(k.is_whole)),
left_old as materialized (select %1$s, %5$s from net_old o where %1$s in (select t.key from twice t)),
left_new as materialized (select %2$s, %6$s from net_new n where %2$s in (select t.key from twice t)),
old_rows as materialized (select o.* from net_old o where not exists (select from twice t where t.key = %1$s)),
new_rows as materialized (select n.* from net_new n where not exists (select from twice t where t.key = %2$s)),
made as (%7$s)
select %8$L where exists ((table left_old except all table left_new) union all (table left_new except all table left_old))$text$,
               neurolink_watch_key_text(watch, 'o'), neurolink_watch_key_text(watch, 'n'),
               neurolink_watch_key_is_whole(watch, 'o'), neurolink_watch_key_is_whole(watch, 'n'),
               (select pg_catalog.string_agg(neurolink_watch_column(watch.relation, 'o', w), ', ') from pg_catalog.unnest(p.watched) w),
               (select pg_catalog.string_agg(neurolink_watch_column(watch.relation, 'n', w), ', ') from pg_catalog.unnest(p.watched) w),
               neurolink_watch_statement(watch, 'update'),
               pg_catalog.format('the key (%s) of %s does not identify a row, %s: no events of the rows whose key is there twice',
                                 pg_catalog.array_to_string(neurolink_watch_key(watch.relation), ', '), watch.relation,
                                 case when neurolink_watch_is_inherited(watch) then 'since tables that inherit from it have rows of the same key'
                                      else 'watch it again' end),
               neurolink_watch_net(watch, 'old_rows', 'new_rows'), neurolink_watch_net(watch, 'new_rows', 'old_rows'))
      from (select coalesce(watch.columns, neurolink_watch_told(watch)) as watched) p
$$;
revoke execute on function neurolink_watch_sure(neurolink_watches) from public;
