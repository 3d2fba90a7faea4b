//! One mail through the mail server, command by command on lettre's connection, since its transport doesn't tell how
//! far a failed conversation had come (`faults`). From a composed mail to nothing, or a typed error. Safe to drop at any
//! await: the connection then closes, and an unfinished mail with it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, TlsParameters, TlsParametersBuilder,
};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Severity;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::faults::{self, Phase};
use super::message::Mail;
use super::pool::{Connection, Pool};
use crate::config::{EmailTransport, SmtpSecurity};
use crate::deliveries::model::SendError;

/// How long a connection that has waited in the pool may take over its first answer. One behind a firewall that has
/// forgotten it never answers, and mustn't cost the mail its whole time.
const REUSE_WAIT: Duration = Duration::from_secs(5);

/// A mail server, as set.
pub(super) struct Smtp {
    host: String,
    port: u16,
    /// `host:port`, for errors.
    server: String,
    security: Security,
    credentials: Option<Credentials>,
    hello: ClientId,
    timeout: Duration,
    /// As many conversations at once as the settings allow, whoever calls.
    permits: Semaphore,
    pool: Arc<Pool>,
}

enum Security {
    None,
    StartTls(TlsParameters),
    Tls(TlsParameters),
}

impl Smtp {
    /// From the settings, or all their faults.
    pub(super) fn from_config(
        transport: &EmailTransport,
        concurrency: usize,
    ) -> Result<Self, Vec<String>> {
        let EmailTransport::Smtp {
            host,
            port,
            user,
            password,
            security,
            ca_file,
            timeout,
        } = transport
        else {
            return Err(vec!["no mail server is set".into()]);
        };
        let mut faults = Vec::new();
        if ServerName::try_from(host.as_str()).is_err() {
            faults.push(format!("SMTP_HOST: `{host}` is no host name or IP address"));
        }
        let credentials = match (user, password) {
            (Some(user), Some(password)) => {
                Some(Credentials::new(user.clone(), password.expose().to_owned()))
            }
            (None, None) => None,
            (Some(_), None) => {
                faults.push("SMTP_PASSWORD: missing, though SMTP_USER is set".into());
                None
            }
            (None, Some(_)) => {
                faults.push("SMTP_USER: missing, though SMTP_PASSWORD is set".into());
                None
            }
        };
        let security = match security {
            SmtpSecurity::None => Some(Security::None),
            SmtpSecurity::StartTls => {
                tls(host, ca_file.as_deref(), &mut faults).map(Security::StartTls)
            }
            SmtpSecurity::Tls => tls(host, ca_file.as_deref(), &mut faults).map(Security::Tls),
        };
        match security {
            Some(security) if faults.is_empty() => Ok(Self {
                server: format!("{host}:{port}"),
                host: host.clone(),
                port: *port,
                security,
                credentials,
                hello: ClientId::default(),
                timeout: *timeout,
                permits: Semaphore::new(concurrency),
                pool: Pool::new(concurrency),
            }),
            _ => Err(faults),
        }
    }

    /// No mail takes longer.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Hands a mail over. `Ok` = the server has answered 250 behind the final dot: the mail is its responsibility.
    pub(super) async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        let progress = Progress::new();
        match timeout(self.timeout, self.converse(mail, &progress)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(faults::of_timeout(
                progress.phase(),
                self.timeout,
                &self.server,
            )),
        }
    }

    async fn converse(&self, mail: &Mail, progress: &Progress) -> Result<(), SendError> {
        // Nobody closes the semaphore; if somebody did, the mail would wait for a better day.
        let _permit = self
            .permits
            .acquire()
            .await
            .map_err(|e| SendError::Transient(e.to_string()))?;
        let mut connection = self.begin(mail, progress).await?;

        progress.reach(Phase::Recipient);
        let recipient = Rcpt::new(mail.to.clone(), Vec::new());
        if let Err(error) = connection.smtp.command(recipient).await {
            return Err(self.failed(connection, mail, progress, &error));
        }
        progress.reach(Phase::Data);
        match connection.smtp.command(Data).await {
            Ok(answer) if answer.has_code(354) => {}
            Ok(answer) => {
                return Err(SendError::Transient(format!(
                    "{} answered {} to DATA instead of 354",
                    self.server,
                    answer.code()
                )));
            }
            Err(error) => return Err(self.failed(connection, mail, progress, &error)),
        }
        progress.reach(Phase::Content);
        match connection.smtp.command(content(&mail.text)).await {
            Ok(answer) if answer.code().severity == Severity::PositiveCompletion => {
                self.pool.put(connection);
                Ok(())
            }
            Ok(answer) => Err(SendError::Ambiguous(format!(
                "{} answered {} to the mail, which means nothing; it may have accepted it",
                self.server,
                answer.code()
            ))),
            Err(error) => Err(self.failed(connection, mail, progress, &error)),
        }
    }

    /// A connection on which MAIL FROM has been accepted: one that waited, else a fresh one. A waiting connection on
    /// which the server has hung up is no fault of the mail's: nothing of it was said yet, so a fresh one tells.
    async fn begin(&self, mail: &Mail, progress: &Progress) -> Result<Connection, SendError> {
        if let Some(mut waiting) = self.pool.take() {
            progress.reach(Phase::Sender);
            let options = self.options(&waiting, mail)?;
            let wait = REUSE_WAIT.min(self.timeout / 2);
            match timeout(wait, introduce(&mut waiting, mail, options)).await {
                Ok(Ok(())) => return Ok(waiting),
                Ok(Err(error)) if keeps_talking(&error) => {
                    return Err(self.failed(waiting, mail, progress, &error));
                }
                Ok(Err(_)) | Err(_) => {}
            }
        }
        let mut fresh = self.connect(mail, progress).await?;
        progress.reach(Phase::Sender);
        let options = self.options(&fresh, mail)?;
        match introduce(&mut fresh, mail, options).await {
            Ok(()) => Ok(fresh),
            Err(error) => Err(self.failed(fresh, mail, progress, &error)),
        }
    }

    /// A fresh connection, secured and signed in.
    async fn connect(&self, mail: &Mail, progress: &Progress) -> Result<Connection, SendError> {
        let fault = |error: &Error| {
            faults::of_error(progress.phase(), error, &self.server, mail.to.as_ref())
        };
        progress.reach(Phase::Connect);
        let wrapped = match &self.security {
            Security::Tls(tls) => Some(tls.clone()),
            Security::None | Security::StartTls(_) => None,
        };
        // The time is per address of the host, so that one dead address leaves time for the next.
        let mut smtp = AsyncSmtpConnection::connect_tokio1(
            (self.host.as_str(), self.port),
            Some(self.timeout / 3),
            &self.hello,
            wrapped,
            None,
        )
        .await
        .map_err(|e| fault(&e))?;
        if let Security::StartTls(tls) = &self.security {
            progress.reach(Phase::StartTls);
            if !smtp.can_starttls() {
                return Err(SendError::Misconfigured(format!(
                    "{} doesn't offer STARTTLS; nothing was sent in the clear (NEUROLINK_SMTP_SECURITY)",
                    self.server
                )));
            }
            smtp.starttls(tls.clone(), &self.hello)
                .await
                .map_err(|e| fault(&e))?;
        }
        if let Some(credentials) = &self.credentials {
            progress.reach(Phase::SignIn);
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            if smtp.server_info().get_auth_mechanism(&mechanisms).is_none() {
                return Err(SendError::Misconfigured(format!(
                    "{} offers no sign-in by PLAIN or LOGIN, though SMTP_USER is set",
                    self.server
                )));
            }
            smtp.auth(&mechanisms, credentials)
                .await
                .map_err(|e| fault(&e))?;
        }
        Ok(Connection::new(smtp))
    }

    /// MAIL FROM's parameters: an international address needs a server that takes it (RFC 6531).
    fn options(
        &self,
        connection: &Connection,
        mail: &Mail,
    ) -> Result<Vec<MailParameter>, SendError> {
        if mail.text.is_ascii() && AsRef::<str>::as_ref(&mail.to).is_ascii() {
            return Ok(Vec::new());
        }
        let server = connection.smtp.server_info();
        if server.supports_feature(Extension::SmtpUtfEight)
            && server.supports_feature(Extension::EightBitMime)
        {
            return Ok(vec![
                MailParameter::SmtpUtfEight,
                MailParameter::Body(MailBodyParameter::EightBitMime),
            ]);
        }
        Err(SendError::Permanent(format!(
            "the recipient's address has letters outside of ASCII, and {} doesn't take such addresses (SMTPUTF8)",
            self.server
        )))
    }

    /// What a failed step means. A connection on which the server goes on talking is kept.
    fn failed(
        &self,
        mut connection: Connection,
        mail: &Mail,
        progress: &Progress,
        error: &Error,
    ) -> SendError {
        if keeps_talking(error) {
            connection.needs_reset = true;
            self.pool.put(connection);
        }
        faults::of_error(progress.phase(), error, &self.server, mail.to.as_ref())
    }
}

/// The phase a conversation is in, readable when its future is gone.
struct Progress(AtomicU8);

impl Progress {
    fn new() -> Self {
        Self(AtomicU8::new(Phase::Queue.number()))
    }

    fn reach(&self, phase: Phase) {
        self.0.store(phase.number(), Ordering::Relaxed);
    }

    fn phase(&self) -> Phase {
        Phase::of_number(self.0.load(Ordering::Relaxed))
    }
}

/// Up to MAIL FROM.
async fn introduce(
    connection: &mut Connection,
    mail: &Mail,
    options: Vec<MailParameter>,
) -> Result<(), Error> {
    if std::mem::take(&mut connection.needs_reset) {
        connection.smtp.command(Rset).await?;
    }
    let sender = MailFrom::new(Some(mail.from.clone()), options);
    connection.smtp.command(sender).await.map(drop)
}

/// A refusal, but no farewell (421) and no broken line.
fn keeps_talking(error: &Error) -> bool {
    error.status().is_some_and(|code| u16::from(code) != 421)
}

/// The mail as it goes over the wire: a leading dot doubled, the final dot behind it. All of it is one write: lettre
/// writes the final dot separately, and Nagle's algorithm then holds it back for 40 ms a mail.
fn content(text: &str) -> String {
    let mut wire = String::with_capacity(text.len() + 64);
    for line in text.split_inclusive("\r\n") {
        if line.starts_with('.') {
            wire.push('.');
        }
        wire.push_str(line);
    }
    if !wire.ends_with("\r\n") {
        wire.push_str("\r\n");
    }
    wire.push_str(".\r\n");
    wire
}

/// Certificates are checked against the system's and those of the CA file.
fn tls(host: &str, ca_file: Option<&Path>, faults: &mut Vec<String>) -> Option<TlsParameters> {
    let mut builder = TlsParametersBuilder::new(host.to_owned());
    if let Some(path) = ca_file {
        match certificates(path) {
            Ok(certificate) => builder = builder.add_root_certificate(certificate),
            Err(fault) => {
                faults.push(format!(
                    "NEUROLINK_SMTP_CA_FILE: {} {fault}",
                    path.display()
                ));
                return None;
            }
        }
    }
    builder
        .build()
        .map_err(|e| faults.push(format!("NEUROLINK_SMTP_SECURITY: no TLS: {e}")))
        .ok()
}

fn certificates(path: &Path) -> Result<Certificate, String> {
    let pem = std::fs::read(path).map_err(|e| format!("can't be read: {e}"))?;
    // lettre takes a file without any for an empty list, and every server would then be a stranger.
    if !CertificateDer::pem_slice_iter(&pem).any(|found| found.is_ok()) {
        return Err("holds no certificate in PEM form".into());
    }
    Certificate::from_pem(&pem).map_err(|e| format!("is broken: {e}"))
}

#[cfg(test)]
mod tests {
    use super::content;

    #[test]
    fn leading_dots_are_doubled_and_the_final_dot_stands_alone() {
        assert_eq!(
            content("a\r\n.\r\n..b\r\nc."),
            "a\r\n..\r\n...b\r\nc.\r\n.\r\n"
        );
        assert_eq!(content("a\r\n"), "a\r\n.\r\n");
        assert_eq!(content(".a"), "..a\r\n.\r\n");
    }
}
