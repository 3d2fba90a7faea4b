//! From a fault of the SMTP conversation to what may be done next. Pure. What decides is how far the conversation had
//! come, which lettre's errors don't say: up to `DATA` nothing can have been accepted; once the content is under way
//! only an answer tells, and without one nobody knows.

use std::error::Error as _;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use lettre::transport::smtp::Error;

use crate::deliveries::model::SendError;

/// Longest text of a server that is kept, in characters.
const MAX_TEXT: usize = 300;

/// How far a conversation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Waiting for one of our own connections to be free.
    Queue,
    /// Name look-up, TCP, TLS from the first byte, greeting, EHLO.
    Connect,
    /// STARTTLS and its handshake.
    StartTls,
    /// AUTH.
    SignIn,
    /// MAIL FROM.
    Sender,
    /// RCPT TO.
    Recipient,
    /// DATA, up to its 354.
    Data,
    /// The content, from its first byte to the answer behind its final dot.
    Content,
}

impl Phase {
    const ALL: [Self; 8] = [
        Self::Queue,
        Self::Connect,
        Self::StartTls,
        Self::SignIn,
        Self::Sender,
        Self::Recipient,
        Self::Data,
        Self::Content,
    ];

    /// As kept in an atomic.
    fn number(self) -> u8 {
        self as u8
    }

    /// Back from it.
    fn of_number(number: u8) -> Self {
        // An unknown number can't occur; it would be the phase that promises least.
        Self::ALL
            .into_iter()
            .find(|phase| phase.number() == number)
            .unwrap_or(Self::Content)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Queue => "a free connection",
            Self::Connect => "the connection",
            Self::StartTls => "STARTTLS",
            Self::SignIn => "the sign-in",
            Self::Sender => "the sender",
            Self::Recipient => "the recipient",
            Self::Data => "DATA",
            Self::Content => "the mail",
        }
    }
}

/// The phase a conversation is in, readable when its future is gone.
pub(super) struct Progress(AtomicU8);

impl Progress {
    pub(super) fn new() -> Self {
        Self(AtomicU8::new(Phase::Queue.number()))
    }

    pub(super) fn reach(&self, phase: Phase) {
        self.0.store(phase.number(), Ordering::Relaxed);
    }

    pub(super) fn phase(&self) -> Phase {
        Phase::of_number(self.0.load(Ordering::Relaxed))
    }
}

/// What a failed step of the conversation with `server` means. The recipient's address is cut out of the server's
/// text, since errors are logged and addresses are not.
pub(super) fn of_error(
    phase: Phase,
    error: &Error,
    server: &str,
    recipient: Option<&str>,
) -> SendError {
    let text = error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string);
    let text = tidy(&match recipient {
        Some(recipient) => text.replace(recipient, "…"),
        None => text,
    });
    match error.status() {
        Some(code) => of_reply(phase, code.into(), &text, server),
        None => of_silence(phase, &text, server),
    }
}

/// What an answer of 4xx or 5xx means.
fn of_reply(phase: Phase, code: u16, text: &str, server: &str) -> SendError {
    let said = format!("{server} answered {code} to {}: {text}", phase.name());
    match (code, phase) {
        (..500, _) => SendError::Transient(said),
        // It wants credentials, or better ones, wherever it says so (RFC 4954).
        (530 | 534 | 535 | 538, _) => SendError::Misconfigured(said),
        // Before the recipient is named, a refusal is of us: our host, our credentials, NEUROLINK_EMAIL_FROM.
        (_, Phase::Queue | Phase::Connect | Phase::StartTls | Phase::SignIn | Phase::Sender) => {
            SendError::Misconfigured(said)
        }
        (_, Phase::Recipient | Phase::Data | Phase::Content) => SendError::Permanent(said),
    }
}

/// What a lost connection, or an answer that isn't SMTP, means.
fn of_silence(phase: Phase, text: &str, server: &str) -> SendError {
    if phase == Phase::Content {
        SendError::Ambiguous(format!(
            "{server} was lost before it answered; it may have accepted the mail: {text}"
        ))
    } else {
        SendError::Transient(format!("{server} failed at {}: {text}", phase.name()))
    }
}

/// What it means that time ran out.
pub(super) fn of_timeout(phase: Phase, waited: Duration, server: &str) -> SendError {
    let seconds = waited.as_secs_f64();
    match phase {
        Phase::Content => SendError::Ambiguous(format!(
            "{server} gave no answer to the mail within {seconds} s; it may have accepted it"
        )),
        Phase::Queue => SendError::Transient(format!(
            "no connection to {server} came free within {seconds} s"
        )),
        _ => SendError::Transient(format!(
            "{server} wasn't done with {} after {seconds} s",
            phase.name()
        )),
    }
}

/// One line of readable length.
fn tidy(text: &str) -> String {
    let mut line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_TEXT)
        .collect();
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const EARLY: [Phase; 5] = [
        Phase::Queue,
        Phase::Connect,
        Phase::StartTls,
        Phase::SignIn,
        Phase::Sender,
    ];
    const LATE: [Phase; 3] = [Phase::Recipient, Phase::Data, Phase::Content];

    #[test]
    fn an_answer_of_4xx_is_transient_at_any_point() {
        for phase in Phase::ALL {
            for code in [421, 432, 450, 451, 452, 454] {
                assert!(matches!(
                    of_reply(phase, code, "later", "mx:25"),
                    SendError::Transient(_)
                ));
            }
        }
    }

    #[test]
    fn an_answer_of_5xx_is_permanent_once_the_recipient_is_named_and_our_fault_before() {
        for code in [500, 550, 551, 552, 553, 554] {
            for phase in LATE {
                assert!(matches!(
                    of_reply(phase, code, "no", "mx:25"),
                    SendError::Permanent(_)
                ));
            }
            for phase in EARLY {
                assert!(matches!(
                    of_reply(phase, code, "no", "mx:25"),
                    SendError::Misconfigured(_)
                ));
            }
        }
        for code in [530, 534, 535, 538] {
            assert!(matches!(
                of_reply(Phase::Recipient, code, "sign in", "mx:25"),
                SendError::Misconfigured(_)
            ));
        }
    }

    #[test]
    fn silence_is_ambiguous_only_once_the_content_is_under_way() {
        for phase in Phase::ALL {
            let lost = of_silence(phase, "connection reset", "mx:25");
            let late = of_timeout(phase, Duration::from_secs(30), "mx:25");
            let ambiguous = phase == Phase::Content;
            assert_eq!(matches!(lost, SendError::Ambiguous(_)), ambiguous);
            assert_eq!(matches!(late, SendError::Ambiguous(_)), ambiguous);
            assert_eq!(matches!(lost, SendError::Transient(_)), !ambiguous);
            assert_eq!(matches!(late, SendError::Transient(_)), !ambiguous);
            assert_eq!(Phase::of_number(phase.number()), phase);
        }
    }

    #[test]
    fn a_servers_text_is_kept_short_and_on_one_line() {
        assert_eq!(tidy("5.1.1 no\r\nsuch\tuser\n"), "5.1.1 no  such user");
        assert_eq!(tidy(&"ء".repeat(1000)).chars().count(), MAX_TEXT);
    }
}
