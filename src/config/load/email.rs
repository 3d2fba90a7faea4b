//! E-mail: not configured, files, or a server; never two of them. From the reader to `Email`.

use crate::config::reader::{Reader, Reported};
use crate::config::{Email, EmailTransport, SmtpSecurity, addresses, values};
use crate::kernel::Secret;

pub(super) fn email(r: &mut Reader<'_>) -> Result<Email, Reported> {
    let from = r.optional("NEUROLINK_EMAIL_FROM", addresses::mailbox);
    let concurrency = r.value("NEUROLINK_EMAIL_CONCURRENCY", |t| values::count(t, 1, 200));
    let folder = r.optional("NEUROLINK_EMAIL_DIR", addresses::path);
    let enabled = r.value("SMTP_ENABLED", values::boolean);
    let smtp = smtp(r, matches!(enabled, Ok(true)));
    let from = match (from, &folder, &enabled) {
        (Ok(None), Ok(Some(_)), _) | (Ok(None), _, Ok(true)) => Err(r.fault(
            "NEUROLINK_EMAIL_FROM",
            "is not set",
            "mails need a sender, such as TSH ERP <erp@tsh.example>",
        )),
        (from, _, _) => from,
    };
    let transport = match (folder?, enabled?) {
        (Some(_), true) => {
            return Err(r.fault(
                "NEUROLINK_EMAIL_DIR",
                "is set beside SMTP_ENABLED=true",
                "mails go to files or to a server: take one of the two away",
            ));
        }
        (Some(folder), false) => Some(EmailTransport::Files(folder)),
        (None, true) => smtp?,
        (None, false) => {
            smtp?;
            None
        }
    };
    Ok(Email {
        from: from?.unwrap_or_default(),
        transport,
        concurrency: concurrency?,
    })
}

/// The mail server; its settings are checked even while it is switched off, so that switching it on holds no surprise.
fn smtp(r: &mut Reader<'_>, enabled: bool) -> Result<Option<EmailTransport>, Reported> {
    let host = r.optional("SMTP_HOST", addresses::host);
    let security = r.value("NEUROLINK_SMTP_SECURITY", |t| {
        let words = [
            ("starttls", SmtpSecurity::StartTls),
            ("tls", SmtpSecurity::Tls),
            ("none", SmtpSecurity::None),
        ];
        values::word(t, &words)
    });
    let port = r.optional("SMTP_PORT", |t| values::count(t, 1, u16::MAX));
    let user = r.optional("SMTP_USER", |t| Ok(t.to_owned()));
    let password = r.optional("SMTP_PASSWORD", |t| Ok(Secret::new(t)));
    let ca_file = r.optional("NEUROLINK_SMTP_CA_FILE", addresses::path);
    let timeout = r.value("NEUROLINK_SMTP_TIMEOUT", |t| {
        values::duration_within(t, "1s", "10m")
    });
    let (user, password) = (user?, password?);
    let alone = match (&user, &password) {
        (Some(_), None) => Some(("SMTP_PASSWORD", "SMTP_USER")),
        (None, Some(_)) => Some(("SMTP_USER", "SMTP_PASSWORD")),
        _ => None,
    };
    if let (Some((missing, given)), true) = (alone, enabled) {
        r.fault(
            missing,
            "is not set",
            format!("{given} is, and a login needs both"),
        );
    }
    let host = match host {
        Ok(None) if enabled => Err(r.fault(
            "SMTP_HOST",
            "is not set",
            "SMTP_ENABLED=true needs the mail server's name",
        )),
        host => host,
    };
    let security = security?;
    let given_port = port?;
    let port = given_port.unwrap_or(match security {
        SmtpSecurity::StartTls => 587,
        SmtpSecurity::Tls => 465,
        SmtpSecurity::None => 25,
    });
    if given_port.is_none() {
        r.computed("SMTP_PORT", port.to_string());
    }
    let (ca_file, timeout) = (ca_file?, timeout?);
    Ok(host?.filter(|_| enabled).map(|host| EmailTransport::Smtp {
        host,
        port,
        user,
        password,
        security,
        ca_file,
        timeout,
    }))
}
