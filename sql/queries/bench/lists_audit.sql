-- The audit log, over the same half a year: twenty actors, five kinds of things.
-- $1 how many bigint, $2 when they end text
insert into neurolink_audit_log (at, actor, action, subject_kind, subject_id, before, after)
select $2::text::timestamptz - ($1::bigint - n) * (interval '180 days' / $1::bigint), 'u' || 1 + n % 20, k.kind || '.updated', k.kind, (n % 1000)::text,
       null, jsonb_build_object('name', 'lists', 'branch_id', 'B' || 1 + n % 50, 'enabled', n % 2 = 0)
  from generate_series(1, $1::bigint) as n
 cross join lateral (select (array['rule', 'person', 'preferences', 'delivery', 'event'])[1 + n % 5] as kind) k
