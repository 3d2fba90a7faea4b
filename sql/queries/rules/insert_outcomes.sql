-- What came of the events of a batch. The primary key makes an evaluation happen once.
-- $1 event bigint[], $2 rules matched int[], $3 notifications int[], $4 suppressed text[] (JSON), $5 warnings text[] (JSON)
insert into neurolink_event_outcomes (event_id, rules_matched, notifications, suppressed, warnings)
select event_id, matched, notifications, suppressed::jsonb, warnings::jsonb
  from unnest($1::bigint[], $2::int[], $3::int[], $4::text[], $5::text[])
       as o (event_id, matched, notifications, suppressed, warnings)
