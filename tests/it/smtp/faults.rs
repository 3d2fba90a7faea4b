//! What every way a server can fail means: come back later, give up, mend the settings, or nobody knows.

use std::time::{Duration, Instant};

use neurolink::deliveries::model::SendError;

use super::{Settings, plain, send};
use crate::support::smtp::{SmtpOptions, SmtpServer};

#[tokio::test]
async fn answers_of_4xx_are_transient_and_of_5xx_permanent() {
    let (mut server, channel) = plain().await;
    for (name, code) in [
        ("fail450", "450"),
        ("fail452-after-data", "452"),
        ("farewell", "421"),
    ] {
        let refused = send(&channel, &format!("{name}@tsh.example")).await;
        assert!(
            matches!(&refused, Err(SendError::Transient(text)) if text.contains(code)),
            "{name}: {refused:?}"
        );
    }
    for (name, code) in [("fail550", "550"), ("fail554-after-data", "554")] {
        let refused = send(&channel, &format!("{name}@tsh.example")).await;
        assert!(
            matches!(&refused, Err(SendError::Permanent(text)) if text.contains(code)),
            "{name}: {refused:?}"
        );
    }
    assert!(server.messages().await.is_empty());
}

#[tokio::test]
async fn the_servers_reason_is_kept_without_the_recipients_address() {
    let (_server, channel) = plain().await;
    let Err(SendError::Permanent(text)) = send(&channel, "fail550@tsh.example").await else {
        panic!("it was to be refused");
    };
    assert!(text.contains("no such user"), "{text}");
    assert!(!text.contains("fail550@tsh.example"), "{text}");
}

#[tokio::test]
async fn a_greylisted_mail_is_taken_at_its_next_attempt() {
    let (mut server, channel) = plain().await;
    let first = send(&channel, "greylist@tsh.example").await;
    assert!(matches!(first, Err(SendError::Transient(_))), "{first:?}");
    send(&channel, "greylist@tsh.example").await.unwrap();
    assert_eq!(
        server.next_message().await.rcpt_tos,
        ["greylist@tsh.example"]
    );
}

#[tokio::test]
async fn a_connection_lost_before_the_content_is_transient() {
    let (mut server, channel) = plain().await;
    for name in ["drop-at-rcpt", "drop-at-data"] {
        let lost = send(&channel, &format!("{name}@tsh.example")).await;
        assert!(
            matches!(lost, Err(SendError::Transient(_))),
            "{name}: {lost:?}"
        );
    }
    assert!(server.messages().await.is_empty());
}

#[tokio::test]
async fn an_answer_lost_after_the_content_is_ambiguous() {
    let (mut server, channel) = plain().await;
    let lost = send(&channel, "drop-after-data@tsh.example").await;
    assert!(
        matches!(&lost, Err(SendError::Ambiguous(text)) if text.contains("may have accepted")),
        "{lost:?}"
    );
    // It has: nobody but the server could know.
    server.next_message().await;
}

#[tokio::test]
async fn time_that_runs_out_before_the_content_is_transient_and_after_it_ambiguous() {
    let mut server = SmtpServer::start(SmtpOptions::default()).await;
    let channel = Settings {
        timeout: Duration::from_secs(1),
        ..Settings::of(&server)
    }
    .channel();
    let early = send(&channel, "stall-at-rcpt@tsh.example").await;
    assert!(matches!(early, Err(SendError::Transient(_))), "{early:?}");
    let began = Instant::now();
    let late = send(&channel, "stall@tsh.example").await;
    assert!(matches!(late, Err(SendError::Ambiguous(_))), "{late:?}");
    assert!(began.elapsed() < Duration::from_secs(5));
    server.next_message().await;
}

#[tokio::test]
async fn a_server_that_is_away_is_transient() {
    // Bound and closed again: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let away = send(&Settings::at(port).channel(), "sara@tsh.example").await;
    assert!(matches!(away, Err(SendError::Transient(_))), "{away:?}");
    let unknown = Settings {
        host: "mail.invalid",
        ..Settings::at(25)
    };
    let unknown = send(&unknown.channel(), "sara@tsh.example").await;
    assert!(
        matches!(unknown, Err(SendError::Transient(_))),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn a_greeting_tells_whether_to_come_back() {
    for (greeting, transient) in [
        ("drop", true),
        ("421 4.3.2 too busy", true),
        ("HTTP/1.1 400 Bad Request", true),
        ("554 5.7.1 your address is blocked", false),
    ] {
        let server = SmtpServer::start(SmtpOptions {
            greeting: Some(greeting),
            ..SmtpOptions::default()
        })
        .await;
        let refused = send(&Settings::of(&server).channel(), "sara@tsh.example").await;
        let expected = if transient {
            matches!(refused, Err(SendError::Transient(_)))
        } else {
            matches!(refused, Err(SendError::Misconfigured(_)))
        };
        assert!(expected, "{greeting}: {refused:?}");
    }
}

#[tokio::test]
async fn a_sender_the_server_refuses_is_our_settings_fault() {
    let server = SmtpServer::start(SmtpOptions::default()).await;
    let channel = Settings {
        from: "refused@tsh.example",
        ..Settings::of(&server)
    }
    .channel();
    let refused = send(&channel, "sara@tsh.example").await;
    assert!(
        matches!(refused, Err(SendError::Misconfigured(_))),
        "{refused:?}"
    );
}
