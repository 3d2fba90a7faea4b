//! One mail through the mail server, command by command on lettre's connection, since its transport doesn't tell how
//! far a failed conversation had come (`faults`). From a composed mail to nothing, or a typed error. Safe to drop at any
//! await: the connection then closes, and an unfinished mail with it.

use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt, Rset};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Severity;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::faults::{self, Phase, Progress};
use super::message::Mail;
use super::pool::{Connection, Pool};
use super::server::Server;
use crate::deliveries::model::SendError;

/// How long a connection that has waited in the pool may take over its first answer. One behind a firewall that has
/// forgotten it never answers, and mustn't cost the mail its whole time.
const REUSE_WAIT: Duration = Duration::from_secs(5);

/// A way out through a mail server.
pub(super) struct Smtp {
    server: Server,
    /// As many conversations at once as the settings allow, whoever calls.
    permits: Semaphore,
    pool: Arc<Pool>,
}

impl Smtp {
    /// At most `concurrency` connections.
    pub(super) fn new(server: Server, concurrency: usize) -> Self {
        Self {
            server,
            permits: Semaphore::new(concurrency),
            pool: Pool::new(concurrency),
        }
    }

    /// No mail takes longer.
    pub(super) fn timeout(&self) -> Duration {
        self.server.timeout
    }

    /// Hands a mail over. `Ok` = the server has answered 250 behind the final dot: the mail is its responsibility.
    pub(super) async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        let progress = Progress::new();
        match timeout(self.server.timeout, self.converse(mail, &progress)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(faults::of_timeout(
                progress.phase(),
                self.server.timeout,
                &self.server.name,
            )),
        }
    }

    /// A conversation up to the sign-in, and goodbye.
    pub(super) async fn greet(&self, within: Duration) -> Result<(), SendError> {
        let progress = Progress::new();
        let introduced = async {
            let mut connection = self.server.connect(&progress).await?;
            // What was to be learned is known; a server that has hung up meanwhile is no less reachable.
            let _ = connection.quit().await;
            Ok(())
        };
        match timeout(within, introduced).await {
            Ok(outcome) => outcome,
            Err(_) => Err(faults::of_timeout(
                progress.phase(),
                within,
                &self.server.name,
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
                    self.server.name,
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
                self.server.name,
                answer.code()
            ))),
            Err(error) => Err(self.failed(connection, mail, progress, &error)),
        }
    }

    /// A connection on which MAIL FROM has been accepted: one that waited, else a fresh one. Whatever goes wrong on one
    /// that waited (the server has hung up, or lets no more mails through one connection) may be the connection's
    /// fault, and nothing of the mail was said yet: a fresh one decides.
    async fn begin(&self, mail: &Mail, progress: &Progress) -> Result<Connection, SendError> {
        if let Some(mut waiting) = self.pool.take() {
            progress.reach(Phase::Sender);
            let options = match self.options(&waiting, mail) {
                Ok(options) => options,
                Err(refused) => {
                    self.pool.put(waiting);
                    return Err(refused);
                }
            };
            let wait = REUSE_WAIT.min(self.server.timeout / 2);
            if let Ok(Ok(())) = timeout(wait, introduce(&mut waiting, mail, options)).await {
                return Ok(waiting);
            }
        }
        let mut fresh = Connection::new(self.server.connect(progress).await?);
        progress.reach(Phase::Sender);
        let options = self.options(&fresh, mail)?;
        match introduce(&mut fresh, mail, options).await {
            Ok(()) => Ok(fresh),
            Err(error) => Err(self.failed(fresh, mail, progress, &error)),
        }
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
            self.server.name
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
        // A refusal, but no farewell (421) and no broken line.
        if error.status().is_some_and(|code| u16::from(code) != 421) {
            connection.needs_reset = true;
            self.pool.put(connection);
        }
        faults::of_error(
            progress.phase(),
            error,
            &self.server.name,
            Some(mail.to.as_ref()),
        )
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
