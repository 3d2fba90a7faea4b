//! Loading as a whole: defaults, faults together, what must hold between settings.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use crate::config::load::read;
use crate::config::{
    Config, EmailTransport, Needs, SettingFault, SmtpSecurity, WakeMode, settings,
};

const SECRET: &str = "a secret of more than thirty-two bytes";

fn load(needs: Needs, pairs: &[(&str, &str)]) -> Result<Config, Vec<SettingFault>> {
    Config::load(needs, |name| {
        pairs
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, v)| (*v).to_owned())
    })
}

fn faults(needs: Needs, pairs: &[(&str, &str)]) -> Vec<String> {
    load(needs, pairs)
        .err()
        .unwrap_or_default()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn the_defaults_are_those_the_design_names() {
    let config = load(Needs::TokenSecret, &[("JWT_SECRET_KEY", SECRET)]).unwrap();
    assert!(config.database.url.is_none());
    assert!(!config.database.auto_migrate);
    assert_eq!(config.database.pool_size, 10);
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8002");
    assert_eq!(config.http.max_body_bytes, 1 << 20);
    assert_eq!(config.http.sse_heartbeat, Duration::from_secs(15));
    assert!(config.http.cors_origins.is_empty());
    assert_eq!(config.worker.wake_mode, WakeMode::Gated);
    assert_eq!(config.worker.delivery_lease, Duration::from_secs(120));
    assert_eq!(config.worker.delivery_max_attempts, 8);
    assert!(config.email.transport.is_none());
    let auth = config.auth().unwrap();
    assert_eq!(auth.secret.expose(), SECRET);
    assert_eq!(auth.roles_claim, "roles");
    assert_eq!(auth.producer_role, "producer");
    assert_eq!(config.log.filter, "info");
}

#[test]
fn every_setting_of_the_table_is_read_and_no_other() {
    let (config, findings) = read(Needs::Nothing, &|_| None);
    assert!(config.is_some(), "{:?}", findings.faults);
    let table: BTreeSet<&str> = settings::all().map(|setting| setting.name).collect();
    assert_eq!(table.len(), settings::all().count(), "a name stands twice");
    assert_eq!(findings.used, table);
}

#[test]
fn all_faults_are_told_at_once_and_none_tells_a_secret() {
    let told = faults(
        Needs::TokenSecret,
        &[
            ("DATABASE_URL", "mysql://erp:hunter2@db/erp"),
            ("JWT_SECRET_KEY", "hunter2"),
            ("NEUROLINK_LISTEN", "everywhere"),
            ("NEUROLINK_DB_POOL_SIZE", "many"),
            ("NEUROLINK_DB_STATEMENT_TIMEOUT", "30"),
            ("NEUROLINK_WAKE_MODE", "never"),
            ("SMTP_ENABLED", "perhaps"),
            ("SMTP_PORT", "0"),
            ("NEUROLINK_LOG", "neurolink=loud"),
            ("REDIS_URL", "http://:hunter2@cache"),
        ],
    );
    assert_eq!(told.len(), 10, "{told:#?}");
    assert!(
        told.iter().all(|fault| !fault.contains("hunter2")),
        "{told:#?}"
    );
    assert!(
        told.contains(
            &"NEUROLINK_DB_POOL_SIZE is `many`: expected a whole number from 5 to 500".to_owned()
        ),
        "{told:#?}"
    );
    assert!(
        told.iter()
            .any(|f| f.starts_with("JWT_SECRET_KEY can't be used: it has 7 bytes"))
    );
}

#[test]
fn only_what_makes_or_checks_tokens_needs_the_secret() {
    let told = faults(Needs::TokenSecret, &[("JWT_SECRET_KEY", "")]);
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with("JWT_SECRET_KEY is not set: "),
        "{told:?}"
    );
    let config = load(Needs::Nothing, &[]).unwrap();
    assert!(config.auth.is_none());
    assert!(
        config
            .auth()
            .unwrap_err()
            .to_string()
            .contains("JWT_SECRET_KEY")
    );
    // A secret that is there must hold, needed or not.
    assert_eq!(
        faults(Needs::Nothing, &[("JWT_SECRET_KEY", "short")]).len(),
        1
    );
    assert!(load(Needs::Nothing, &[("JWT_SECRET_KEY", &"x".repeat(31))]).is_err());
    assert!(load(Needs::Nothing, &[("JWT_SECRET_KEY", &"x".repeat(32))]).is_ok());
}

#[test]
fn a_mail_server_needs_a_host_and_a_sender() {
    let told = faults(Needs::Nothing, &[("SMTP_ENABLED", "yes")]);
    assert_eq!(told.len(), 2, "{told:?}");
    let on = [
        ("SMTP_ENABLED", "true"),
        ("SMTP_HOST", "mail.tsh.example"),
        ("NEUROLINK_EMAIL_FROM", "TSH ERP <erp@tsh.example>"),
    ];
    let config = load(Needs::Nothing, &on).unwrap();
    assert!(matches!(
        config.email.transport,
        Some(EmailTransport::Smtp {
            port: 587,
            security: SmtpSecurity::StartTls,
            ..
        })
    ));
    let with = |more: &[(&'static str, &'static str)]| [&on[..], more].concat();
    for (security, expected) in [("tls", 465), ("none", 25)] {
        let config = load(
            Needs::Nothing,
            &with(&[("NEUROLINK_SMTP_SECURITY", security)]),
        )
        .unwrap();
        assert!(matches!(
            config.email.transport,
            Some(EmailTransport::Smtp { port, .. }) if port == expected
        ));
    }
    let told = faults(Needs::Nothing, &with(&[("SMTP_USER", "u")]));
    assert!(told[0].starts_with("SMTP_PASSWORD is not set"), "{told:?}");
    let told = faults(Needs::Nothing, &with(&[("SMTP_PASSWORD", "hunter2")]));
    assert!(told[0].starts_with("SMTP_USER is not set"), "{told:?}");
}

#[test]
fn mails_go_to_files_or_to_a_server_but_not_to_both() {
    let files = [
        ("NEUROLINK_EMAIL_DIR", "/tmp/mail"),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
    ];
    let config = load(Needs::Nothing, &files).unwrap();
    assert!(matches!(
        config.email.transport,
        Some(EmailTransport::Files(folder)) if folder == Path::new("/tmp/mail")
    ));
    let both = [
        &files[..],
        &[("SMTP_ENABLED", "true"), ("SMTP_HOST", "mail")],
    ]
    .concat();
    let told = faults(Needs::Nothing, &both);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("take one of the two away"), "{told:?}");
    assert_eq!(
        faults(Needs::Nothing, &files[..1]).len(),
        1,
        "a sender is needed"
    );
}

#[test]
fn a_mail_must_be_through_before_its_lease_ends() {
    let told = faults(
        Needs::Nothing,
        &[
            ("SMTP_ENABLED", "true"),
            ("SMTP_HOST", "mail"),
            ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
            ("NEUROLINK_SMTP_TIMEOUT", "2m"),
        ],
    );
    assert!(
        told[0].starts_with("NEUROLINK_DELIVERY_LEASE is not longer"),
        "{told:?}"
    );
}

#[test]
fn claims_and_roles_must_differ_from_each_other() {
    let told = faults(Needs::Nothing, &[("NEUROLINK_JWT_ROLES_CLAIM", "sub")]);
    assert!(
        told[0].contains("NEUROLINK_JWT_SUBJECT_CLAIM is that already"),
        "{told:?}"
    );
    let told = faults(Needs::Nothing, &[("NEUROLINK_JWT_ROLES_CLAIM", "aud")]);
    assert!(told[0].contains("fixed meaning"), "{told:?}");
    let told = faults(Needs::Nothing, &[("NEUROLINK_ROLE_AUDITOR", "admin")]);
    assert!(
        told[0].contains("NEUROLINK_ROLE_ADMIN is that already"),
        "{told:?}"
    );
}

#[test]
fn a_direct_way_alone_is_not_enough() {
    let told = faults(
        Needs::Nothing,
        &[("NEUROLINK_LISTEN_DATABASE_URL", "postgres://erp@db/erp")],
    );
    assert!(told[0].starts_with("DATABASE_URL is not set"), "{told:?}");
}

#[test]
fn a_debug_print_of_the_settings_shows_no_secret() {
    let config = load(
        Needs::Nothing,
        &[
            ("DATABASE_URL", "postgres://erp:hunter2@db/erp"),
            ("REDIS_URL", "redis://:hunter2@cache/0"),
            ("JWT_SECRET_KEY", "hunter2hunter2hunter2hunter2hunter2"),
        ],
    )
    .unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}
