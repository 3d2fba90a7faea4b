//! What lies outside of the database: the mail server, Redis, and the way to the listener.

use std::time::Duration;

use neurolink::db::Db;
use neurolink::ops::doctor::{Limits, Report};

use super::look;
use crate::support::TestDb;
use crate::support::app::config;
use crate::support::redis::RedisServer;
use crate::support::smtp::{SmtpOptions, SmtpServer};

async fn around(settings: &[(&str, &str)]) -> Vec<&'static str> {
    let mut report = Report::default();
    report.look_around(&config(settings)).await;
    report.findings.iter().map(|finding| finding.code).collect()
}

/// A port on which nobody listens.
fn closed() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

#[tokio::test]
async fn a_mail_server_is_greeted_and_nothing_is_sent() {
    let options = SmtpOptions {
        tls: Some("starttls"),
        auth: Some(("erp", "s3cret")),
        ..SmtpOptions::default()
    };
    let mut server = SmtpServer::start(options).await;
    let (port, ca) = (server.port().to_string(), server.ca_file());
    let with = |port: &str, user: &str, password: &str| {
        [
            ("SMTP_ENABLED", "true"),
            ("SMTP_HOST", "localhost"),
            ("SMTP_PORT", port),
            ("SMTP_USER", user),
            ("SMTP_PASSWORD", password),
            ("NEUROLINK_EMAIL_FROM", "TSH ERP <erp@tsh.example>"),
            ("NEUROLINK_SMTP_CA_FILE", ca.to_str().unwrap()),
        ]
        .map(|(name, value)| (name, value.to_owned()))
    };
    for (settings, expected) in [
        (with(&port, "erp", "s3cret"), None),
        (with(&port, "erp", "wrong"), Some("mail_refused")),
        (with(&closed(), "erp", "s3cret"), Some("mail_unreachable")),
    ] {
        let settings: Vec<(&str, &str)> = settings.iter().map(|(n, v)| (*n, v.as_str())).collect();
        assert_eq!(
            around(&settings).await,
            Vec::from_iter(expected),
            "{settings:?}"
        );
    }
    assert!(server.messages().await.is_empty());
}

#[tokio::test]
async fn a_mail_server_without_starttls_is_refused_before_a_password_is_said() {
    let server = SmtpServer::start(SmtpOptions::default()).await;
    let port = server.port().to_string();
    let settings = [
        ("SMTP_ENABLED", "true"),
        ("SMTP_HOST", "127.0.0.1"),
        ("SMTP_PORT", port.as_str()),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
    ];
    assert_eq!(around(&settings).await, ["mail_refused"]);
}

#[tokio::test]
async fn a_redis_that_is_away_or_wants_another_password_is_a_warning() {
    let mut server = RedisServer::start(Some("hunter2")).await;
    assert_eq!(around(&[("REDIS_URL", &server.url())]).await, [""; 0]);
    let wrong = server.url_with(Some("wrong"));
    assert_eq!(around(&[("REDIS_URL", &wrong)]).await, ["redis_away"]);
    server.kill().await;
    assert_eq!(
        around(&[("REDIS_URL", &server.url())]).await,
        ["redis_away"]
    );
}

#[tokio::test]
async fn a_listener_that_hears_nothing_or_can_t_connect_is_told() {
    let (db, other) = (TestDb::new().await, TestDb::new().await);
    super::sound(&db.client().await).await;
    // What is notified in one database is heard in no other: as behind a pooler, LISTEN succeeds, and nothing comes.
    let deaf = Db::open(db.config(), other.config(), 4, Duration::from_secs(5)).unwrap();
    let codes = async |db: &Db, settings: &[(&str, &str)]| -> Vec<&'static str> {
        let report = look(db, settings, &Limits::default()).await;
        report.findings.iter().map(|finding| finding.code).collect()
    };
    assert_eq!(codes(&deaf, &[]).await, ["listener_deaf"]);
    assert_eq!(
        codes(&deaf, &[("NEUROLINK_WAKE_MODE", "poll")]).await,
        [""; 0]
    );
    let mut nowhere = tokio_postgres::Config::new();
    nowhere
        .host("127.0.0.1")
        .port(closed().parse().unwrap())
        .user("erp");
    let cut = Db::open(db.config(), nowhere, 4, Duration::from_secs(5)).unwrap();
    assert_eq!(
        codes(&cut, &[]).await,
        ["not_checked", "listener_unreachable"]
    );
}
