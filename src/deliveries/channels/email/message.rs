//! From a delivery to the bytes of a mail. Pure, and stable: the same delivery always gives the same bytes, so that a
//! server or a mailbox that has seen an earlier attempt knows it again.

use std::time::SystemTime;

use jiff::Timestamp;
use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use sha2::{Digest as _, Sha256};

use super::address;
use super::language::Language;
use super::layout::{Layout, Page};
use crate::deliveries::model::{Outgoing, SendError};
use crate::kernel::{Result, Severity};

/// A mail, ready to go.
pub(super) struct Mail {
    /// With its angle brackets.
    pub(super) message_id: String,
    /// The envelope's sender.
    pub(super) from: Address,
    /// The envelope's only recipient.
    pub(super) to: Address,
    /// Headers and body, CRLF line ends. ASCII, but for an international address in `To`.
    pub(super) text: String,
}

/// Makes mails of one sender.
pub(super) struct Mailer {
    sender: Mailbox,
    layout: Layout,
}

impl Mailer {
    /// `erp_url` is what relative links are made absolute with.
    ///
    /// # Errors
    /// `Internal`, when the layout's own template is broken.
    pub(super) fn new(sender: Mailbox, erp_url: Option<&str>) -> Result<Self> {
        let name = sender
            .name
            .clone()
            .unwrap_or_else(|| sender.email.to_string());
        Ok(Self {
            layout: Layout::new(name, erp_url)?,
            sender,
        })
    }

    /// The mail of a delivery.
    ///
    /// # Errors
    /// `Permanent`, when the address is none.
    pub(super) fn compose(&self, delivery: &Outgoing) -> Result<Mail, SendError> {
        let to = address::parse(&delivery.address).map_err(|why| {
            SendError::Permanent(format!("the recipient's e-mail address is no use: {why}"))
        })?;
        let language = Language::of(&delivery.locale);
        let subject = subject(delivery);
        let Page { text, html } = self.layout.page(delivery, &language)?;
        let fingerprint = self.fingerprint(delivery);
        let message_id = format!(
            "<nl-{}.{}@{}>",
            delivery.delivery_id,
            &fingerprint[..20],
            self.sender.email.domain()
        );

        let mut builder = Message::builder()
            .from(self.sender.clone())
            .to(Mailbox::new(
                address::named(&delivery.display_name),
                to.clone(),
            ))
            .subject(subject)
            .message_id(Some(message_id.clone()))
            .date(date(delivery.created_at))
            // RFC 3834: no vacation notice shall answer it.
            .raw_header(header("Auto-Submitted", "auto-generated".into()))
            .raw_header(header(
                "X-NeuroLink-Delivery",
                delivery.delivery_id.to_string(),
            ));
        if !language.tag.is_empty() {
            builder = builder.raw_header(header("Content-Language", language.tag.clone()));
        }
        if delivery.severity == Severity::Critical {
            builder = builder.raw_header(header("Importance", "high".into()));
        }
        let parts = MultiPart::alternative()
            .boundary(format!("nl-{}", &fingerprint[20..52]))
            .singlepart(SinglePart::plain(text))
            .singlepart(SinglePart::html(html));
        let mail = builder
            .multipart(parts)
            .map_err(|e| SendError::Permanent(format!("the mail can't be built: {e}")))?;
        let text = String::from_utf8(mail.formatted())
            .map_err(|e| SendError::Permanent(format!("the mail can't be built: {e}")))?;
        Ok(Mail {
            message_id,
            from: self.sender.email.clone(),
            to,
            text,
        })
    }

    /// 64 hex digits, equal at every attempt. Delivery ids start over in every database, so the id alone would make
    /// a test system's mail hide the real one in a mailbox that gets both: the moment of creation (to the microsecond
    /// the database keeps), the sender and the recipient tell installations apart, and none changes on a retry.
    fn fingerprint(&self, delivery: &Outgoing) -> String {
        let stable = format!(
            "{}\n{}\n{}\n{}\n{}",
            delivery.delivery_id,
            delivery.notification_id,
            delivery.created_at.as_microsecond(),
            self.sender.email,
            delivery.user_id,
        );
        Sha256::digest(stable.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// The mail's subject: the rule's own, else the title; one line.
pub(super) fn subject(delivery: &Outgoing) -> String {
    match delivery.content.subject.as_deref().map(address::one_line) {
        Some(subject) if !subject.is_empty() => subject,
        _ => address::one_line(&delivery.title),
    }
}

/// When the notification was made; a date the header can't carry becomes its nearest.
fn date(created_at: Timestamp) -> SystemTime {
    let seconds = created_at.as_second().clamp(0, 253_402_300_799);
    SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds.unsigned_abs())
}

fn header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::deliveries::model::Content;
    use crate::kernel::ChannelKind;

    pub(in super::super) fn delivery() -> Outgoing {
        Outgoing {
            delivery_id: 225,
            notification_id: 7,
            user_id: "42".into(),
            channel: ChannelKind::Email,
            address: "sara@tsh.example".into(),
            display_name: "Sara".into(),
            locale: "en".into(),
            title: "Invoice INV-7 is overdue".into(),
            body: "It is 12 days overdue.\n\nAmount: 1,250,000 IQD".into(),
            action_url: Some("/invoices/7".into()),
            action_label: Some("View Invoice".into()),
            severity: Severity::Warning,
            content: Content::default(),
            created_at: "2026-03-01T08:00:00Z".parse().unwrap(),
            attempt: 1,
        }
    }

    fn mailer() -> Mailer {
        let sender = address::parse_sender("TSH ERP <erp@tsh.example>").unwrap();
        Mailer::new(sender, Some("https://erp.tsh.example")).unwrap()
    }

    #[test]
    fn a_retry_gives_the_same_bytes() {
        let first = mailer().compose(&delivery()).unwrap();
        let second = mailer()
            .compose(&Outgoing {
                attempt: 2,
                ..delivery()
            })
            .unwrap();
        assert_eq!(first.text, second.text);
        assert!(first.text.contains(&first.message_id));
    }

    #[test]
    fn another_database_or_sender_gives_another_message_id() {
        let mut ids = vec![mailer().compose(&delivery()).unwrap().message_id];
        let other = Outgoing {
            created_at: "2026-03-01T08:00:00.000001Z".parse().unwrap(),
            ..delivery()
        };
        ids.push(mailer().compose(&other).unwrap().message_id);
        let sender = address::parse_sender("test@tsh.example").unwrap();
        let test_system = Mailer::new(sender, None).unwrap();
        ids.push(test_system.compose(&delivery()).unwrap().message_id);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 3);
        assert!(
            ids.iter()
                .all(|id| id.starts_with("<nl-225.") && id.ends_with("@tsh.example>"))
        );
    }

    #[test]
    fn no_text_of_a_delivery_adds_a_header() {
        let attack = "Hello\r\nBcc: thief@evil.example\r\n\r\nfree text";
        let mail = mailer()
            .compose(&Outgoing {
                title: attack.into(),
                display_name: attack.into(),
                locale: format!("en\r\n{attack}"),
                action_label: Some(attack.into()),
                content: Content {
                    subject: Some(attack.into()),
                    ..Content::default()
                },
                ..delivery()
            })
            .unwrap();
        let (headers, _) = mail.text.split_once("\r\n\r\n").unwrap();
        assert!(!headers.lines().any(|l| l.to_lowercase().starts_with("bcc")));
        assert!(headers.contains("Subject: Hello Bcc: thief@evil.example free text"));
    }

    #[test]
    fn an_address_that_is_none_is_permanent() {
        for address in [
            "",
            "sara",
            "sara@tsh.example\r\nDATA",
            "a@b.example, c@d.example",
        ] {
            let refused = mailer().compose(&Outgoing {
                address: address.into(),
                ..delivery()
            });
            assert!(matches!(refused, Err(SendError::Permanent(_))), "{address}");
        }
    }

    #[test]
    fn dates_outside_of_a_mails_range_do_no_harm() {
        for created_at in [Timestamp::MIN, Timestamp::MAX] {
            let mail = mailer().compose(&Outgoing {
                created_at,
                ..delivery()
            });
            assert!(mail.is_ok());
        }
    }

    #[test]
    fn critical_mails_say_so() {
        let mail = mailer()
            .compose(&Outgoing {
                severity: Severity::Critical,
                ..delivery()
            })
            .unwrap();
        assert!(mail.text.contains("Importance: high\r\n"));
        assert!(
            !mailer()
                .compose(&delivery())
                .unwrap()
                .text
                .contains("Importance")
        );
    }
}
