-- What came of the events: of ten three matched nothing, one in five hundred was warned of, one in two thousand failed.
-- $1 from which number bigint, $2 to which bigint, $3 how many events there are bigint, $4 when they end text
insert into neurolink_event_outcomes (event_id, evaluated_at, rules_matched, notifications, suppressed, warnings, error)
select n, $4::text::timestamptz - ($3::bigint - n) * (interval '180 days' / $3::bigint) + interval '200 ms',
       case when (n - 1) % 10 < 3 then 0 else 3 end, case when (n - 1) % 10 < 3 then 0 else 3 end,
       case when n % 20 = 0 then '[{"rule": "lists_1", "reason": "preference", "count": 2}]'::jsonb end,
       case when n % 500 = 3 then '[{"rule": "lists_2", "kind": "missing_variable", "detail": "payload.number"}]'::jsonb end,
       case when n % 2000 = 9 then 'it could not be evaluated' end
  from generate_series($1::bigint, $2::bigint) as n
