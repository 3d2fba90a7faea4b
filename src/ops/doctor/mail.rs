//! Does the mail server let us in: reachable, STARTTLS or TLS as set, signed in? Nothing is sent.

use serde_json::json;

use super::model::Finding;
use crate::config::{Email, EmailTransport, SmtpSecurity};
use crate::deliveries::SendError;
use crate::kernel::Result;

/// `greeted`: what a greeting has come to; an outer error is of the settings.
pub(super) fn judge(email: &Email, greeted: &Result<Result<(), SendError>>) -> Vec<Finding> {
    let Some(EmailTransport::Smtp {
        host,
        port,
        user,
        security,
        ..
    }) = &email.transport
    else {
        return Vec::new();
    };
    let evidence = json!({"server": format!("{host}:{port}"), "security": word(*security), "signs_in": user.is_some()});
    let finding = match greeted {
        Ok(Ok(())) => return Vec::new(),
        Err(error) => Finding::error("mail_settings", error.to_string()).cure("neurolink config"),
        Ok(Err(SendError::Misconfigured(why) | SendError::Permanent(why))) => Finding::error(
            "mail_refused",
            format!("the mail server doesn't take mails from here with these settings: {why}"),
        )
        .cure("# SMTP_USER, SMTP_PASSWORD, NEUROLINK_SMTP_SECURITY (starttls, tls, none), NEUROLINK_SMTP_CA_FILE:")
        .cure("neurolink config"),
        Ok(Err(other)) => Finding::error(
            "mail_unreachable",
            format!("no mail can be handed to the mail server at present, so mails wait: {other}"),
        )
        .cure(probe(host, *port, *security))
        .cure("# another address or port: SMTP_HOST, SMTP_PORT"),
    };
    vec![finding.evidence(evidence)]
}

fn word(security: SmtpSecurity) -> &'static str {
    match security {
        SmtpSecurity::StartTls => "starttls",
        SmtpSecurity::Tls => "tls",
        SmtpSecurity::None => "none",
    }
}

fn probe(host: &str, port: u16, security: SmtpSecurity) -> String {
    match security {
        SmtpSecurity::StartTls => format!("openssl s_client -starttls smtp -connect {host}:{port}"),
        SmtpSecurity::Tls => format!("openssl s_client -connect {host}:{port}"),
        SmtpSecurity::None => format!("nc -vz {host} {port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Error;
    use std::time::Duration;

    fn email(transport: Option<EmailTransport>) -> Email {
        Email {
            from: "erp@tsh.example".to_owned(),
            transport,
            concurrency: 1,
        }
    }

    fn smtp() -> Email {
        email(Some(EmailTransport::Smtp {
            host: "mail.tsh.example".to_owned(),
            port: 587,
            user: None,
            password: None,
            security: SmtpSecurity::StartTls,
            ca_file: None,
            timeout: Duration::from_secs(30),
        }))
    }

    #[test]
    fn away_refused_and_wrongly_set_are_told_apart() {
        let text = || "mail.tsh.example:587 says no".to_owned();
        for (greeted, code) in [
            (Ok(Ok(())), None),
            (
                Ok(Err(SendError::Transient(text()))),
                Some("mail_unreachable"),
            ),
            (
                Ok(Err(SendError::Misconfigured(text()))),
                Some("mail_refused"),
            ),
            (Err(Error::broken("SMTP_HOST: no")), Some("mail_settings")),
        ] {
            let findings = judge(&smtp(), &greeted);
            assert_eq!(findings.first().map(|finding| finding.code), code);
            assert_eq!(judge(&email(None), &greeted), []);
        }
    }
}
