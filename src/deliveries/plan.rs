//! Station 6: one delivery per notification and channel is planned. Pure.

use crate::deliveries::fit;
use crate::deliveries::model::{Content, Planned};
use crate::directory::Person;
use crate::kernel::{ChannelKind, Lane};
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
        .then(|| fit::content(channel, texts))
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
