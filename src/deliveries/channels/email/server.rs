//! The mail server of the settings, and the way to a connection with it: name look-up, TLS or STARTTLS, sign-in. From
//! `SMTP_*` to a connection on which `smtp` holds its conversations.

use std::path::Path;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, TlsParameters, TlsParametersBuilder,
};
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};

use super::faults::{self, Phase, Progress};
use crate::config::{EmailTransport, SmtpSecurity};
use crate::deliveries::model::SendError;

/// A mail server, as set.
pub(super) struct Server {
    /// `host:port`, for errors.
    pub(super) name: String,
    /// For one mail.
    pub(super) timeout: Duration,
    host: String,
    port: u16,
    security: Security,
    credentials: Option<Credentials>,
    hello: ClientId,
}

enum Security {
    None,
    StartTls(TlsParameters),
    Tls(TlsParameters),
}

impl Server {
    /// From the settings, or all their faults.
    pub(super) fn from_config(transport: &EmailTransport) -> Result<Self, Vec<String>> {
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
                name: format!("{host}:{port}"),
                host: host.clone(),
                port: *port,
                security,
                credentials,
                hello: ClientId::default(),
                timeout: *timeout,
            }),
            _ => Err(faults),
        }
    }

    /// A fresh connection, secured and signed in.
    pub(super) async fn connect(
        &self,
        progress: &Progress,
    ) -> Result<AsyncSmtpConnection, SendError> {
        let fault = |error| faults::of_error(progress.phase(), &error, &self.name, None);
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
        .map_err(fault)?;
        if let Security::StartTls(tls) = &self.security {
            progress.reach(Phase::StartTls);
            if !smtp.can_starttls() {
                return Err(SendError::Misconfigured(format!(
                    "{} doesn't offer STARTTLS; nothing was sent in the clear (NEUROLINK_SMTP_SECURITY)",
                    self.name
                )));
            }
            smtp.starttls(tls.clone(), &self.hello)
                .await
                .map_err(fault)?;
        }
        if let Some(credentials) = &self.credentials {
            progress.reach(Phase::SignIn);
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            if smtp.server_info().get_auth_mechanism(&mechanisms).is_none() {
                return Err(SendError::Misconfigured(format!(
                    "{} offers no sign-in by PLAIN or LOGIN, though SMTP_USER is set",
                    self.name
                )));
            }
            smtp.auth(&mechanisms, credentials).await.map_err(fault)?;
        }
        Ok(smtp)
    }
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
