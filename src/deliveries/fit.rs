//! How much text a channel takes, and texts made to fit it. Comes from rendered texts, goes to `plan` and to channels that
//! add something (a link) before they send. Pure.
//!
//! What is too long is cut with `…` and without a warning: the inbox and the mail hold the whole text, the reader sees that
//! there is more, and a provider's limit is no fault of the rule. A mail's limits are those of the template (`rules::limits`).

use std::borrow::Cow;

use crate::deliveries::model::Content;
use crate::kernel::{ChannelKind, shorten::shorten};
use crate::rules::Rendered;

/// SMS: ten segments of 153 septets, where every character is of GSM's alphabet.
pub const SMS_SEPTETS: usize = 10 * 153;
/// SMS in any other writing: ten segments of 67 UTF-16 units.
pub const SMS_UNITS: usize = 10 * 67;
/// A message of WhatsApp or Telegram, in UTF-16 units (nobody counts more for a character).
pub const MESSAGE_UNITS: usize = 4_096;
/// The text of one block of Slack.
pub const SLACK_UNITS: usize = 3_000;
/// A Web Push notification's title: title and body stay far below the 3 KB that pass every push service encrypted.
pub const PUSH_TITLE_UNITS: usize = 100;
/// And its body.
pub const PUSH_BODY_UNITS: usize = 300;

/// A text of its own for a delivery, where the channel can't take the notification's as they are. In-app and webhooks take
/// everything.
pub(crate) fn content(channel: ChannelKind, texts: &Rendered) -> Content {
    match channel {
        ChannelKind::InApp | ChannelKind::Webhook => Content::default(),
        ChannelKind::Email => Content {
            subject: texts.email_subject.clone(),
            html: texts.email_html.clone(),
            text: None,
        },
        ChannelKind::Sms | ChannelKind::Whatsapp | ChannelKind::Telegram => Content {
            text: message(channel, texts.sms_body.as_deref(), texts),
            ..Content::default()
        },
        ChannelKind::Slack => Content {
            text: message(channel, None, texts),
            ..Content::default()
        },
        ChannelKind::WebPush => Content {
            subject: changed(&texts.title, units(&texts.title, PUSH_TITLE_UNITS)),
            text: changed(&texts.body, units(&texts.body, PUSH_BODY_UNITS)),
            ..Content::default()
        },
    }
}

/// Title and body as one message.
#[must_use]
pub fn plain(title: &str, body: &str) -> String {
    if body.is_empty() {
        title.to_owned()
    } else {
        format!("{title}\n{body}")
    }
}

/// A message as a channel takes it: an SMS without direction isolates, which phones show as boxes, and each no longer than
/// its channel's limit.
#[must_use]
pub fn shortened(channel: ChannelKind, text: &str) -> Cow<'_, str> {
    match channel {
        ChannelKind::Sms => sms(text),
        ChannelKind::Whatsapp | ChannelKind::Telegram => units(text, MESSAGE_UNITS),
        ChannelKind::Slack => units(text, SLACK_UNITS),
        ChannelKind::WebPush => units(text, PUSH_BODY_UNITS),
        ChannelKind::InApp | ChannelKind::Email | ChannelKind::Webhook => Cow::Borrowed(text),
    }
}

/// The rule's own text; without one, what is made of title and body where that has to be changed.
fn message(channel: ChannelKind, own: Option<&str>, texts: &Rendered) -> Option<String> {
    match own {
        Some(own) => Some(shortened(channel, own).into_owned()),
        None => {
            let made = plain(&texts.title, &texts.body);
            changed(&made, shortened(channel, &made))
        }
    }
}

fn changed(before: &str, after: Cow<'_, str>) -> Option<String> {
    (before != after).then(|| after.into_owned())
}

fn units(text: &str, room: usize) -> Cow<'_, str> {
    shorten(text, room, "…", char::len_utf16)
}

fn sms(text: &str) -> Cow<'_, str> {
    let isolates = |c: char| ('\u{2066}'..='\u{2069}').contains(&c);
    let whole = if text.contains(isolates) {
        Cow::Owned(text.replace(isolates, ""))
    } else {
        Cow::Borrowed(text)
    };
    let is_gsm = whole.chars().all(|c| septets(c).is_some());
    let short = if is_gsm {
        // `…` isn't of GSM's alphabet: it alone would cost more than half of the room.
        shorten(&whole, SMS_SEPTETS, "...", |c| septets(c).unwrap_or(2))
    } else {
        shorten(&whole, SMS_UNITS, "…", char::len_utf16)
    };
    match short {
        Cow::Owned(short) => Cow::Owned(short),
        Cow::Borrowed(_) => whole,
    }
}

/// What a character costs in GSM 03.38's alphabet; `None` when it isn't there.
fn septets(c: char) -> Option<usize> {
    const LETTERS: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
    const EXTENSION: &str = "\u{c}^{}\\[~]|€";
    if LETTERS.contains(c) {
        Some(1)
    } else if EXTENSION.contains(c) {
        Some(2)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(title: &str, body: &str) -> Rendered {
        Rendered {
            title: title.into(),
            body: body.into(),
            ..Rendered::default()
        }
    }

    fn size(text: &str) -> usize {
        text.encode_utf16().count()
    }

    #[test]
    fn texts_that_fit_are_not_stored_twice() {
        let texts = texts("Invoice 7 is overdue", "12 days");
        for channel in [
            ChannelKind::InApp,
            ChannelKind::Email,
            ChannelKind::Sms,
            ChannelKind::Whatsapp,
            ChannelKind::Telegram,
            ChannelKind::Slack,
            ChannelKind::WebPush,
            ChannelKind::Webhook,
        ] {
            assert_eq!(content(channel, &texts), Content::default(), "{channel:?}");
        }
    }

    #[test]
    fn each_channel_gets_at_most_what_it_takes() {
        let texts = texts(&"ع".repeat(500), &"س ".repeat(5_000));
        for (channel, most) in [
            (ChannelKind::Sms, SMS_UNITS),
            (ChannelKind::Whatsapp, MESSAGE_UNITS),
            (ChannelKind::Telegram, MESSAGE_UNITS),
            (ChannelKind::Slack, SLACK_UNITS),
            (ChannelKind::WebPush, PUSH_BODY_UNITS),
        ] {
            let text = content(channel, &texts).text.unwrap();
            assert!(text.ends_with('…'), "{channel:?}");
            assert!((most - 2..=most).contains(&size(&text)), "{channel:?}");
        }
        let push = content(ChannelKind::WebPush, &texts);
        assert_eq!(size(&push.subject.unwrap()), PUSH_TITLE_UNITS);
        for whole in [ChannelKind::InApp, ChannelKind::Webhook, ChannelKind::Email] {
            assert_eq!(content(whole, &texts), Content::default());
        }
    }

    #[test]
    fn a_rules_own_short_text_goes_before_title_and_body() {
        let texts = Rendered {
            sms_body: Some("INV-7 late".into()),
            ..texts("T", "B")
        };
        for channel in [
            ChannelKind::Sms,
            ChannelKind::Whatsapp,
            ChannelKind::Telegram,
        ] {
            assert_eq!(content(channel, &texts).text.as_deref(), Some("INV-7 late"));
        }
        assert_eq!(content(ChannelKind::Slack, &texts).text, None);
    }

    #[test]
    fn an_sms_of_gsms_alphabet_holds_more_and_is_cut_in_it() {
        let cut = shortened(ChannelKind::Sms, &"a".repeat(1_531)).into_owned();
        assert_eq!((cut.len(), cut.ends_with("a...")), (1_530, true));
        let twice = shortened(ChannelKind::Sms, &"€".repeat(800)).into_owned();
        assert_eq!(twice.matches('€').count(), 763);
        assert_eq!(shortened(ChannelKind::Sms, &"a".repeat(1_530)).len(), 1_530);
        let other = format!("ع{}", "a".repeat(1_530));
        assert_eq!(size(&shortened(ChannelKind::Sms, &other)), SMS_UNITS);
    }

    #[test]
    fn an_sms_has_no_isolates_and_no_other_channel_is_cut_within_one() {
        let text = "الفاتورة \u{2068}INV-7\u{2069} متأخرة";
        assert_eq!(shortened(ChannelKind::Sms, text), "الفاتورة INV-7 متأخرة");
        let long = format!("{}\u{2068}INV-2026-007\u{2069}", "س".repeat(4_090));
        let cut = shortened(ChannelKind::Telegram, &long).into_owned();
        assert!(cut.ends_with("س…"), "{cut}");
    }

    #[test]
    fn the_reference_of_rules_tells_these_limits() {
        let reference = include_str!("../rules/README.md");
        for (channel, expected) in [
            ("`sms`", vec![SMS_SEPTETS, SMS_UNITS]),
            ("`whatsapp`, `telegram`", vec![MESSAGE_UNITS]),
            ("`slack`", vec![SLACK_UNITS]),
            ("`web_push`", vec![PUSH_TITLE_UNITS, PUSH_BODY_UNITS]),
        ] {
            let line = reference
                .lines()
                .find(|line| line.starts_with(&format!("| {channel} |")))
                .unwrap();
            for limit in expected {
                assert!(line.contains(&limit.to_string()), "{line}: {limit}");
            }
        }
    }
}
