//! TLS, STARTTLS and sign-in: what protects a mail on its way, and what is refused without it.

use neurolink::config::SmtpSecurity;
use neurolink::deliveries::model::SendError;

use super::{Settings, send};
use crate::support::smtp::{SmtpOptions, SmtpServer};

#[tokio::test]
async fn starttls_and_tls_protect_the_mail_and_the_password() {
    for (mode, security) in [
        ("starttls", SmtpSecurity::StartTls),
        ("tls", SmtpSecurity::Tls),
    ] {
        let mut server = SmtpServer::start(SmtpOptions {
            tls: Some(mode),
            auth: Some(("erp", "s3cret")),
            ..SmtpOptions::default()
        })
        .await;
        for host in ["localhost", "127.0.0.1"] {
            let channel = Settings {
                host,
                security,
                credentials: Some(("erp", "s3cret")),
                ca_file: Some(server.ca_file()),
                ..Settings::of(&server)
            }
            .channel();
            send(&channel, "sara@tsh.example").await.unwrap();
            let mail = server.next_message().await;
            assert!(mail.tls, "{mode} {host}");
            assert_eq!(mail.user.as_deref(), Some("erp"));
        }
    }
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_refused_before_anything_is_said() {
    for (mode, security) in [
        ("starttls", SmtpSecurity::StartTls),
        ("tls", SmtpSecurity::Tls),
    ] {
        let mut server = SmtpServer::start(SmtpOptions {
            tls: Some(mode),
            ..SmtpOptions::default()
        })
        .await;
        let channel = Settings {
            host: "localhost",
            security,
            ..Settings::of(&server)
        }
        .channel();
        let refused = send(&channel, "sara@tsh.example").await;
        assert!(
            matches!(&refused, Err(SendError::Transient(text)) if text.contains("certificate")),
            "{mode}: {refused:?}"
        );
        assert!(server.messages().await.is_empty());
    }
}

#[tokio::test]
async fn a_server_that_offers_no_starttls_gets_nothing_in_the_clear() {
    let mut server = SmtpServer::start(SmtpOptions::default()).await;
    let channel = Settings {
        security: SmtpSecurity::StartTls,
        host: "localhost",
        ..Settings::of(&server)
    }
    .channel();
    let refused = send(&channel, "sara@tsh.example").await;
    assert!(
        matches!(&refused, Err(SendError::Misconfigured(text)) if text.contains("STARTTLS")),
        "{refused:?}"
    );
    assert!(server.messages().await.is_empty());
}

#[tokio::test]
async fn wrong_missing_or_needless_credentials_are_our_settings_fault() {
    let guarded = SmtpServer::start(SmtpOptions {
        auth: Some(("erp", "s3cret")),
        ..SmtpOptions::default()
    })
    .await;
    let open = SmtpServer::start(SmtpOptions::default()).await;
    for (server, credentials) in [
        (&guarded, Some(("erp", "wrong"))),
        (&guarded, None),
        (&open, Some(("erp", "s3cret"))),
    ] {
        let channel = Settings {
            credentials,
            ..Settings::of(server)
        }
        .channel();
        let refused = send(&channel, "sara@tsh.example").await;
        let Err(SendError::Misconfigured(text)) = refused else {
            panic!("{credentials:?}: {refused:?}");
        };
        assert!(
            !text.contains("s3cret") && !text.contains("wrong"),
            "{text}"
        );
    }
}
