//! The e-mail channel against a real mail server, from a delivery to what the server has taken or refused.
#![allow(clippy::unwrap_used, clippy::panic)] // Clippy sees tests, not their helpers.

mod connections;
mod faults;
mod mails;
mod security;

use std::path::PathBuf;
use std::time::Duration;

use neurolink::config::{Email, EmailTransport, SmtpSecurity};
use neurolink::deliveries::channels::Channel;
use neurolink::deliveries::channels::email::EmailChannel;
use neurolink::deliveries::model::{Content, Outgoing, Receipt, SendError};
use neurolink::kernel::{ChannelKind, Secret, Severity};

use crate::support::smtp::{SmtpOptions, SmtpServer};

/// The settings of a mail server, as a test changes them.
struct Settings {
    port: u16,
    host: &'static str,
    security: SmtpSecurity,
    credentials: Option<(&'static str, &'static str)>,
    ca_file: Option<PathBuf>,
    timeout: Duration,
    from: &'static str,
    concurrency: usize,
}

impl Settings {
    fn of(server: &SmtpServer) -> Self {
        Self::at(server.port())
    }

    fn at(port: u16) -> Self {
        Self {
            port,
            host: "127.0.0.1",
            security: SmtpSecurity::None,
            credentials: None,
            ca_file: None,
            timeout: Duration::from_secs(30),
            from: "TSH ERP <erp@tsh.example>",
            concurrency: 4,
        }
    }

    fn channel(self) -> EmailChannel {
        let email = Email {
            from: self.from.into(),
            transport: Some(EmailTransport::Smtp {
                host: self.host.into(),
                port: self.port,
                user: self.credentials.map(|(user, _)| user.into()),
                password: self.credentials.map(|(_, word)| Secret::new(word)),
                security: self.security,
                ca_file: self.ca_file,
                timeout: self.timeout,
            }),
            concurrency: self.concurrency,
        };
        EmailChannel::from_config(&email, Some("https://erp.tsh.example"))
            .unwrap()
            .unwrap()
    }
}

fn delivery(address: &str) -> Outgoing {
    Outgoing {
        delivery_id: 225,
        notification_id: 7,
        user_id: "42".into(),
        channel: ChannelKind::Email,
        address: address.into(),
        display_name: "Sara Haddad".into(),
        locale: "en".into(),
        title: "Invoice INV-7 is overdue".into(),
        body: "Invoice #INV-7 for Al-Noor is 12 days overdue.\n.hidden dot\nAmount: 1,250,000 IQD"
            .into(),
        action_url: Some("/invoices/7".into()),
        action_label: Some("View Invoice".into()),
        severity: Severity::Warning,
        content: Content::default(),
        created_at: "2026-03-01T08:00:00.123456Z".parse().unwrap(),
        attempt: 1,
    }
}

async fn send(channel: &EmailChannel, address: &str) -> Result<Receipt, SendError> {
    channel.send(&delivery(address)).await
}

/// Starts a plain server and its channel.
async fn plain() -> (SmtpServer, EmailChannel) {
    let server = SmtpServer::start(SmtpOptions::default()).await;
    let channel = Settings::of(&server).channel();
    (server, channel)
}
