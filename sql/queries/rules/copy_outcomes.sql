-- What came of the events of a large batch: insert_outcomes.sql, copied.
copy neurolink_event_outcomes (event_id, rules_matched, notifications, suppressed, warnings)
from stdin (format binary)
