-- An event that rings: for one person, or for all.
-- $1 ring.one or ring.all text, $2 when it is sent, in µs of the wall clock bigint, $3 to whom text
insert into neurolink_events (source_module, event_type, payload)
values ('bench', $1::text, jsonb_build_object('sent', $2::bigint::text, 'to', $3::text))
