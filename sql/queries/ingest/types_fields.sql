-- Remembers payload fields that were seen: at most 200 a type (give or take what two nodes learn at once). In one order, so that two nodes
-- never wait for each other in a circle. What says nothing new, and isn't an hour old, is left alone.
-- $1 event_type text[], $2 path text[], $3 kinds text[] (words with commas between), $4 when it was seen timestamptz[]; each (type, path) once
with said as (
    select event_type, path, string_to_array(kinds, ',') as kinds, seen_at
      from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) as s (event_type, path, kinds, seen_at)
), full_up as (
    select event_type, count(*) as many from neurolink_event_fields where event_type = any ($1::text[]) group by event_type
), ranked as (
    select s.*, k.path is not null as is_known, coalesce(u.many, 0) as many,
           row_number() over (partition by s.event_type, k.path is not null order by s.path) as nth
      from said s
      left join neurolink_event_fields k on k.event_type = s.event_type and k.path = s.path
      left join full_up u on u.event_type = s.event_type
)
insert into neurolink_event_fields as f (event_type, path, kinds, first_seen_at, last_seen_at)
select event_type, path, kinds, seen_at, seen_at from ranked
 where is_known or many + nth <= 200
 order by event_type, path
on conflict (event_type, path) do update
   set kinds = array(select distinct k from unnest(f.kinds || excluded.kinds) k order by k),
       first_seen_at = least(f.first_seen_at, excluded.first_seen_at),
       last_seen_at = greatest(f.last_seen_at, excluded.last_seen_at)
 where not excluded.kinds <@ f.kinds or excluded.last_seen_at > f.last_seen_at + interval '1 hour'
