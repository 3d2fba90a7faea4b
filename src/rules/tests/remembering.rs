//! The keys of time and memory, refused with their places where they make no sense.

use serde_json::json;

use super::compiling::template_fault;

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    for (template, place, word) in [
        (
            json!({"title": "t", "throttle": {}}),
            "/throttle/limit",
            "how many",
        ),
        (
            json!({"title": "t", "throttle": {"limit": 0, "per": "1h"}}),
            "/throttle/limit",
            "from 1 to 10000",
        ),
        (
            json!({"title": "t", "throttle": {"limit": 5, "per": "1 hour"}}),
            "/throttle/per",
            "no duration",
        ),
        (
            json!({"title": "t", "delay": "500d"}),
            "/delay",
            "at most 366 days",
        ),
        (
            json!({"title": "t", "delay": {"before": "3d", "after": "1d", "date": "d"}}),
            "/delay",
            "either",
        ),
        (
            json!({"title": "t", "delay": {"before": "3d"}}),
            "/delay/date",
            "holds the date",
        ),
        (
            json!({"title": "t", "delay": {"before": "3d", "date": "d", "at": "9 o'clock"}}),
            "/delay/at",
            "time of day",
        ),
        (
            json!({"title": "t", "delay": {"before": "3d", "date": "d", "timezone": "Baghdad"}}),
            "/delay/timezone",
            "no time zone",
        ),
        (
            json!({"title": "t", "delay": {"before": "3d", "day": "d"}}),
            "/delay/day",
            "no key `day`",
        ),
        (
            json!({"title": "t", "dedupe_key": "{{x"}),
            "/dedupe_key line 1 column 1",
            "",
        ),
        (
            json!({"title": "t", "dedupe_key": {"key": "{{recipient.id}}"}}),
            "/dedupe_key/key",
            "same for all",
        ),
        (
            json!({"title": "t", "digest": {"every": "7m"}}),
            "/digest/every",
            "`every` is",
        ),
        (
            json!({"title": "t", "digest": {"every": "1d", "title": "{{#if}}"}}),
            "/digest/title line 1 column 8",
            "",
        ),
        (
            json!({"title": "t", "digest": {"every": "1d"}, "escalate": [{"after": "1h"}]}),
            "/escalate",
            "one or the other",
        ),
        (
            json!({"title": "t", "escalate": [{}]}),
            "/escalate/0/after",
            "how long",
        ),
        (
            json!({"title": "t", "escalate": [{"after": "1h", "unless": "seen"}]}),
            "/escalate/0/unless",
            "\"read\"",
        ),
        (
            json!({"title": "t", "resolves": ["*"]}),
            "/resolves/0",
            "everything",
        ),
        (
            json!({"title": "t", "resolves": ["Invoice"]}),
            "/resolves/0",
            "no pattern",
        ),
        (
            json!({"title": "t", "shadow": "yes"}),
            "/shadow",
            "true or false",
        ),
        (
            json!({"title": "t", "storm_limit": -1}),
            "/storm_limit",
            "whole number",
        ),
        (
            json!({"title": "t", "owner": " "}),
            "/owner",
            "id of a person",
        ),
    ] {
        let (at, detail) = template_fault(template.clone());
        assert_eq!(at, place, "{template}: {detail}");
        assert!(detail.contains(word), "{template}: {detail}");
    }
}
