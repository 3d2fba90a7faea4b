-- Fields of payloads that were seen, at most 200 a type.
-- One row a field: event_type, path.
select event_type, path from neurolink_event_fields limit 100000
