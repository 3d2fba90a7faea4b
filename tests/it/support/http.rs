//! The HTTP side as a test sees it: a server on a free port of the loopback, tokens for any role, a client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use neurolink::config;
use neurolink::db::Db;
use neurolink::http::{Authenticator, Patience, Route, bind, serve};
use neurolink::ingest::{OnCommit, Writer, WriterHandle};
use neurolink::kernel::Secret;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::client;

/// What tests sign with.
pub const SECRET: &str = "tests-only-tests-only-tests-only!";

/// A running server.
pub struct Server {
    pub address: SocketAddr,
    pub client: client::Client,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

/// Settings for a free port, a body of at most 64 KiB and a short farewell.
pub fn settings() -> config::Http {
    config::Http {
        listen: "127.0.0.1:0".parse().unwrap(),
        max_body_bytes: 64 * 1024,
        cors_origins: vec!["https://erp.example".to_owned()],
        sse_heartbeat: Duration::from_secs(15),
        shutdown_timeout: Duration::from_secs(5),
    }
}

/// Who is who, with every default.
pub fn auth() -> config::Auth {
    config::Auth {
        secret: Secret::new(SECRET),
        issuer: None,
        audience: None,
        subject_claim: "sub".to_owned(),
        roles_claim: "roles".to_owned(),
        branches_claim: "branch_ids".to_owned(),
        admin_role: "admin".to_owned(),
        producer_role: "producer".to_owned(),
        auditor_role: "auditor".to_owned(),
    }
}

/// A token of an hour, for all branches.
pub fn token(subject: &str, roles: &[&str]) -> String {
    token_of(subject, roles, &["*"])
}

/// A token of an hour, for these branches.
pub fn token_of(subject: &str, roles: &[&str], branches: &[&str]) -> String {
    let exp = jiff::Timestamp::now().as_second() + 3600;
    let claims = json!({"sub": subject, "roles": roles, "branch_ids": branches, "exp": exp});
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

impl Server {
    /// Serves `routes`; `shutdown` is the token that [`Self::stop`] cancels.
    pub async fn start(routes: Vec<Route>, shutdown: CancellationToken) -> Self {
        Self::start_with(routes, Patience::default(), shutdown).await
    }

    /// The same, with less patience.
    pub async fn start_with(
        routes: Vec<Route>,
        patience: Patience,
        shutdown: CancellationToken,
    ) -> Self {
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = shutdown.clone();
        let task = tokio::spawn(async move {
            let auth = Authenticator::new(&auth());
            serve(listener, routes, auth, &settings(), patience, stop)
                .await
                .unwrap();
        });
        Self {
            address,
            client: client::Client::lenient(),
            shutdown,
            task,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Tells it to stop, and waits until it has.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
    }

    /// Posts JSON as a producer; the status and the answer.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let (status, _, answer) = self.post_text(path, &body.to_string()).await;
        (status, answer)
    }

    /// Posts text as a producer; status, headers, answer.
    pub async fn post_text(&self, path: &str, body: &str) -> (u16, http::HeaderMap, Value) {
        let response = self
            .client
            .post(self.url(path))
            .bearer_auth(token("erp", &["producer"]))
            .header("content-type", "application/json")
            .body(body.to_owned())
            .send()
            .await
            .unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        (status, headers, response.json().await.unwrap())
    }
}

/// A server with the way in for events, and its writer.
pub struct Ingest {
    pub server: Server,
    pub writer: WriterHandle,
}

impl Ingest {
    pub async fn start(db: Db) -> Self {
        Self::start_with(db, Arc::new(|_| {})).await
    }

    pub async fn start_with(db: Db, on_commit: OnCommit) -> Self {
        let shutdown = CancellationToken::new();
        let writer = Writer::start(db, on_commit, shutdown.clone());
        let server = Server::start(neurolink::ingest::routes(&writer), shutdown).await;
        Self { server, writer }
    }

    /// Stops both in order; all that was taken in is stored.
    pub async fn stop(self) {
        self.server.stop().await;
        self.writer.finished().await;
    }
}
