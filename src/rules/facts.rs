//! What rules see of an event besides its payload: `{{event.id}}`, `{"var": "event.branch_id"}`. Comes from the stored
//! event, goes to `render` and `conditions`.

use std::borrow::Cow;

use crate::ingest::Event;
use crate::rules::payload::Value;

/// The names, in the order of `values`.
pub(crate) const EVENT_FIELDS: [&str; 11] = [
    "id",
    "source_module",
    "event_type",
    "severity",
    "occurred_at",
    "received_at",
    "correlation_id",
    "branch_id",
    "actor_id",
    "entity_type",
    "entity_id",
];

/// What `{{recipient.*}}` sees.
pub(crate) const RECIPIENT_FIELDS: [&str; 7] = [
    "id",
    "display_name",
    "email",
    "roles",
    "branch_ids",
    "locale",
    "timezone",
];

/// The event as an object for templates. Its id is a number, times are RFC 3339 in UTC.
pub(crate) fn of_event(event: &Event) -> Value<'_> {
    let text = |t: &'_ str| Value::Text(Cow::Owned(t.to_owned()));
    let optional = |t: &Option<String>| t.as_deref().map_or(Value::Null, text);
    let values = [
        Value::Number(Cow::Owned(event.id.to_string())),
        text(&event.source_module),
        text(&event.event_type),
        Value::Text(Cow::Borrowed(event.severity.as_str())),
        Value::Text(Cow::Owned(event.occurred_at.to_string())),
        Value::Text(Cow::Owned(event.received_at.to_string())),
        optional(&event.correlation_id),
        optional(&event.branch_id),
        optional(&event.actor_id),
        optional(&event.entity_type),
        optional(&event.entity_id),
    ];
    Value::Map(
        EVENT_FIELDS
            .into_iter()
            .map(Cow::Borrowed)
            .zip(values)
            .collect(),
    )
}
