//! The e-mail channel: a delivery becomes one mail (`message`, `layout`) and leaves through a server (`smtp`, `server`, `pool`)
//! or into a folder (`files`). Comes from `channels::configured`, goes to the attempt's record as a receipt or a typed
//! error (`faults`). Law: the same delivery gives the same bytes at every attempt, its `Message-ID` first of all.

mod address;
mod drawn;
mod faults;
mod files;
mod language;
mod layout;
mod message;
mod pool;
mod server;
mod smtp;

use std::time::Duration;

use super::{Channel, Sending};
use crate::config::{Email, EmailTransport};
use crate::deliveries::model::{Outgoing, Receipt, SendError};
use crate::kernel::{ChannelKind, Error, Result};
pub use drawn::{Drawing, Drawn};
use files::Files;
use message::Mailer;
use server::Server;
use smtp::Smtp;

/// E-mail, configured and checked. Connects nowhere before the first mail.
pub struct EmailChannel {
    mailer: Mailer,
    way: Way,
    concurrency: usize,
}

/// Where mails go.
enum Way {
    Files(Files),
    Smtp(Box<Smtp>),
}

impl EmailChannel {
    /// From the settings; `None` when they name neither a server nor a folder. The folder is created here.
    ///
    /// # Errors
    /// `Invalid` with code `setting_invalid` that names every fault found: the sender's address, the server's name,
    /// half a pair of credentials, a CA file that can't be read or holds no certificate, a folder that can't be made.
    pub fn from_config(email: &Email, erp_url: Option<&str>) -> Result<Option<Self>> {
        let Some(transport) = &email.transport else {
            return Ok(None);
        };
        let concurrency = email.concurrency.max(1);
        let mut faults = Vec::new();
        let sender = address::parse_sender(&email.from)
            .map_err(|fault| faults.push(format!("NEUROLINK_EMAIL_FROM: {fault}")))
            .ok();
        let way = match transport {
            EmailTransport::Files(dir) => Files::open(dir)
                .map_err(|fault| faults.push(format!("NEUROLINK_EMAIL_DIR: {fault}")))
                .ok()
                .map(Way::Files),
            EmailTransport::Smtp { .. } => Server::from_config(transport)
                .map_err(|more| faults.extend(more))
                .ok()
                .map(|server| Way::Smtp(Box::new(Smtp::new(server, concurrency)))),
        };
        match (sender, way) {
            (Some(sender), Some(way)) => Ok(Some(Self {
                mailer: Mailer::new(sender, erp_url)?,
                way,
                concurrency,
            })),
            _ => Err(Error::invalid(
                "setting_invalid",
                format!("e-mail can't be used: {}", faults.join("; ")),
            )),
        }
    }
}

impl EmailChannel {
    /// Connects, secures and signs in as for a mail, within this time, and leaves without one. A folder is always at home.
    ///
    /// # Errors
    /// As a mail would meet it.
    pub async fn greet(&self, within: Duration) -> Result<(), SendError> {
        match &self.way {
            Way::Files(_) => Ok(()),
            Way::Smtp(smtp) => smtp.greet(within).await,
        }
    }
}

impl Channel for EmailChannel {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Email
    }

    fn timeout(&self) -> Duration {
        match &self.way {
            Way::Files(files) => files.timeout(),
            Way::Smtp(smtp) => smtp.timeout(),
        }
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn send<'a>(&'a self, delivery: &'a Outgoing) -> Sending<'a> {
        Box::pin(async move {
            let mail = self.mailer.compose(delivery)?;
            match &self.way {
                Way::Files(files) => {
                    let name = files.write(delivery.delivery_id, &mail).await?;
                    Ok(Receipt {
                        provider: "files",
                        provider_message_id: Some(name),
                    })
                }
                Way::Smtp(smtp) => {
                    smtp.send(&mail).await?;
                    Ok(Receipt {
                        provider: "smtp",
                        provider_message_id: Some(mail.message_id),
                    })
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SmtpSecurity;
    use crate::kernel::Secret;

    fn smtp(from: &str, transport: EmailTransport) -> Result<Option<EmailChannel>> {
        let email = Email {
            from: from.into(),
            transport: Some(transport),
            concurrency: 4,
        };
        EmailChannel::from_config(&email, None)
    }

    #[test]
    fn without_a_server_or_a_folder_there_is_no_channel() {
        let email = Email {
            from: String::new(),
            transport: None,
            concurrency: 1,
        };
        assert!(matches!(EmailChannel::from_config(&email, None), Ok(None)));
    }

    #[test]
    fn every_fault_of_the_settings_is_named_at_once() {
        let fault = smtp(
            "nobody",
            EmailTransport::Smtp {
                host: "mail example".into(),
                port: 587,
                user: Some("u".into()),
                password: None,
                security: SmtpSecurity::Tls,
                ca_file: Some("/nowhere/ca.pem".into()),
                timeout: Duration::from_secs(1),
            },
        )
        .err()
        .map(|e| e.to_string())
        .unwrap_or_default();
        for name in [
            "NEUROLINK_EMAIL_FROM",
            "SMTP_HOST",
            "SMTP_PASSWORD",
            "NEUROLINK_SMTP_CA_FILE",
        ] {
            assert!(fault.contains(name), "{name} is missing in: {fault}");
        }
    }

    #[test]
    fn a_ca_file_without_a_certificate_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "no certificate here").unwrap();
        let fault = smtp(
            "erp@tsh.example",
            EmailTransport::Smtp {
                host: "localhost".into(),
                port: 465,
                user: None,
                password: Some(Secret::new("p")),
                security: SmtpSecurity::Tls,
                ca_file: Some(file.path().into()),
                timeout: Duration::from_secs(1),
            },
        )
        .err()
        .map(|e| e.to_string())
        .unwrap_or_default();
        assert!(fault.contains("holds no certificate"), "{fault}");
        assert!(fault.contains("SMTP_USER"), "{fault}");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let fault = smtp(
            "erp@tsh.example",
            EmailTransport::Files(file.path().join("mails")),
        );
        assert!(fault.is_err_and(|e| e.to_string().contains("NEUROLINK_EMAIL_DIR")));
    }
}
