-- Event types that were ever seen here, or that a watch makes, with the modules they come from: for whether a rule is about any.
-- One row a type and module, the latest first.
(select event_type, source_module from neurolink_event_types order by last_seen_at desc limit 5000)
union
(select event_type, source_module from neurolink_watches order by id desc limit 5000)
