-- Where the look of a page without enough entries has ended.
-- $1 below this entry: its time, or null, $2 its id, $3 actor, $4 action, $5 subject kind, $6 subject id (each or null), $7 from
-- timestamptz or null, $8 before timestamptz or null, $9 what leads text, $10 entries looked at most bigint
-- One row: how many there were, and the place of the last (nulls = none).
with looked as materialized (
    select at, id from neurolink_audit_log
     where ($1::timestamptz is null or (at, id) < ($1, $2::bigint))
       and ($7::timestamptz is null or at >= $7)
       and ($8::timestamptz is null or at < $8)
       and ($9::text <> 'subject' or subject_kind = $5 and subject_id = $6)
       and ($9 <> 'actor' or actor = $3)
       and ($9 <> 'action' or action = $4)
     order by at desc, id desc
     limit $10
), last as (
    select at, id from looked order by at, id limit 1
)
select (select count(*) from looked) as looked, (select at from last) as at, (select id from last) as id
