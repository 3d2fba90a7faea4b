//! Station 6: one delivery per notification and channel is planned. Pure.

use jiff::Timestamp;

use crate::deliveries::model::{Content, Planned};
use crate::directory::Person;
use crate::kernel::{ChannelKind, Lane, Severity};
use crate::rules::Rendered;

/// What decides a delivery's start: whether the person wants it, whether its channel has settings, and whether the person
/// has an address on it.
#[must_use]
pub fn plan(
    channel: ChannelKind,
    is_wanted: bool,
    is_configured: bool,
    notification_id: i64,
    person: &Person,
    texts: &Rendered,
    priority: i32,
) -> Planned {
    let address = address_of(channel, person);
    let (status, reason) = match (channel, is_configured, &address) {
        _ if !is_wanted => ("suppressed", Some("preference")),
        (ChannelKind::InApp, _, _) => ("delivered", None),
        (_, false, _) => ("suppressed", Some("not_configured")),
        (_, true, None) => ("suppressed", Some("no_address")),
        (_, true, Some(_)) => ("pending", None),
    };
    let content = (status == "pending")
        .then(|| content_of(channel, texts))
        .filter(|c| *c != Content::default());
    Planned {
        id: channel.delivery_id(notification_id),
        notification_id,
        user_id: person.id.clone(),
        channel,
        status,
        address,
        display_name: (channel != ChannelKind::InApp).then(|| person.display_name.clone()),
        content,
        reason,
        lane: Lane::of_priority(priority),
        not_before: None,
        deferred_by: None,
    }
}

/// Why a delivery waits for the end of somebody's quiet hours, as the log says it.
pub const QUIET_HOURS: &str = "quiet_hours";

/// Until when this person isn't to be interrupted, if now is such a time: never longer than their quiet hours, and not at all by what
/// is critical or mandatory.
#[must_use]
pub fn quiet_until(
    person: &Person,
    severity: Severity,
    is_mandatory: bool,
    now: Timestamp,
) -> Option<Timestamp> {
    if is_mandatory || severity == Severity::Critical {
        return None;
    }
    person.wishes.quiet_until(now, &person.timezone)
}

impl Planned {
    /// The same, to be sent when the quiet hours are over, where it would interrupt somebody. An inbox doesn't, and a webhook is read
    /// by a program, which may do as it likes.
    #[must_use]
    pub fn after_quiet_hours(mut self, until: Option<Timestamp>) -> Self {
        let interrupts = !matches!(self.channel, ChannelKind::InApp | ChannelKind::Webhook);
        if until.is_some() && interrupts && self.status == "pending" {
            self.not_before = until;
            self.deferred_by = Some(QUIET_HOURS);
        }
        self
    }
}

fn address_of(channel: ChannelKind, person: &Person) -> Option<String> {
    let address = match channel {
        ChannelKind::Email => person.email.as_ref(),
        ChannelKind::Sms | ChannelKind::Whatsapp => person.phone.as_ref(),
        ChannelKind::Telegram => person.telegram_chat_id.as_ref(),
        ChannelKind::Slack => person.slack_user_id.as_ref(),
        ChannelKind::InApp | ChannelKind::WebPush | ChannelKind::Webhook => None,
    };
    address
        .map(|a| a.trim().to_owned())
        .filter(|a| !a.is_empty())
}

fn content_of(channel: ChannelKind, texts: &Rendered) -> Content {
    match channel {
        ChannelKind::Email => Content {
            subject: texts.email_subject.clone(),
            html: texts.email_html.clone(),
            text: None,
        },
        ChannelKind::Sms | ChannelKind::Whatsapp | ChannelKind::Telegram => Content {
            text: texts.sms_body.clone(),
            ..Content::default()
        },
        _ => Content::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(email: Option<&str>) -> Person {
        Person {
            id: "u1".into(),
            display_name: "زينب".into(),
            email: email.map(str::to_owned),
            ..Person::default()
        }
    }

    #[test]
    fn in_app_is_delivered_by_its_commit() {
        let planned = plan(
            ChannelKind::InApp,
            true,
            true,
            3,
            &person(None),
            &Rendered::default(),
            0,
        );
        assert_eq!(
            (planned.status, planned.id, planned.address),
            ("delivered", 96, None)
        );
    }

    #[test]
    fn quiet_hours_hold_back_what_interrupts_and_nothing_else() {
        let mut sleeper = person(Some("z@tsh.example"));
        sleeper.phone = Some("+964".into());
        sleeper.timezone = "Asia/Baghdad".into();
        sleeper.wishes = crate::preferences::Wishes::stored(
            None,
            Some(r#"{"from": "22:00", "to": "07:00"}"#),
            None,
        );
        let (night, morning): (Timestamp, Timestamp) = (
            "2026-12-14T22:00:00Z".parse().unwrap(),
            "2026-12-15T04:00:00Z".parse().unwrap(),
        );
        let until = quiet_until(&sleeper, Severity::Error, false, night);
        assert_eq!(until, Some(morning));
        let quiet = |severity, mandatory, now| quiet_until(&sleeper, severity, mandatory, now);
        assert_eq!(quiet(Severity::Critical, false, night), None);
        assert_eq!(quiet(Severity::Info, true, night), None);
        assert_eq!(quiet(Severity::Info, false, morning), None);

        let planned = |channel, is_configured| {
            plan(
                channel,
                true,
                is_configured,
                3,
                &sleeper,
                &Rendered::default(),
                0,
            )
            .after_quiet_hours(until)
        };
        for channel in [ChannelKind::Email, ChannelKind::Sms, ChannelKind::Whatsapp] {
            let waits = planned(channel, true);
            assert_eq!(
                (waits.status, waits.not_before, waits.deferred_by),
                ("pending", until, Some("quiet_hours"))
            );
        }
        for (channel, is_configured) in [(ChannelKind::InApp, true), (ChannelKind::Email, false)] {
            let at_once = planned(channel, is_configured);
            assert_eq!((at_once.not_before, at_once.deferred_by), (None, None));
        }
    }

    #[test]
    fn a_channel_without_settings_or_a_person_without_address_is_suppressed_with_that_reason() {
        let texts = Rendered::default();
        let unset = plan(
            ChannelKind::Email,
            true,
            false,
            3,
            &person(Some("z@tsh.example")),
            &texts,
            0,
        );
        assert_eq!(
            (unset.status, unset.reason),
            ("suppressed", Some("not_configured"))
        );
        let homeless = plan(
            ChannelKind::Email,
            true,
            true,
            3,
            &person(Some("  ")),
            &texts,
            0,
        );
        assert_eq!(
            (homeless.status, homeless.reason),
            ("suppressed", Some("no_address"))
        );
    }

    #[test]
    fn what_a_person_has_switched_off_is_suppressed_whatever_else_is_missing() {
        for channel in [ChannelKind::InApp, ChannelKind::Email] {
            for is_configured in [true, false] {
                let texts = Rendered::default();
                let person = person(Some("z@tsh.example"));
                let planned = plan(channel, false, is_configured, 3, &person, &texts, 0);
                assert_eq!(
                    (planned.status, planned.reason, planned.content),
                    ("suppressed", Some("preference"), None)
                );
            }
        }
    }

    #[test]
    fn a_pending_mail_carries_its_own_texts_and_the_rules_lane() {
        let texts = Rendered {
            email_subject: Some("S".into()),
            sms_body: Some("x".into()),
            ..Rendered::default()
        };
        let planned = plan(
            ChannelKind::Email,
            true,
            true,
            3,
            &person(Some("z@tsh.example")),
            &texts,
            250,
        );
        assert_eq!((planned.status, planned.lane), ("pending", Lane::Critical));
        assert_eq!(
            planned.content,
            Some(Content {
                subject: Some("S".into()),
                html: None,
                text: None
            })
        );
        let plain = plan(
            ChannelKind::Email,
            true,
            true,
            3,
            &person(Some("z@tsh.example")),
            &Rendered::default(),
            0,
        );
        assert_eq!(plain.content, None, "nothing of its own is stored");
    }
}
