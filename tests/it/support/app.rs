//! The whole product as a test sees it: nodes on a database of the test's own, a client, people and rules by SQL.

use neurolink::app::{Node, Parts};
use neurolink::config::{Config, Needs};
use serde_json::Value;
use tokio_postgres::Client;

use super::TestDb;
use super::client;
use super::http::{SECRET, token};

/// Both halves of a node.
pub const WHOLE: Parts = Parts {
    api: true,
    worker: true,
};

/// A running node on a database that other nodes may share.
pub struct App {
    pub node: Node,
    pub client: client::Client,
    pub base: String,
}

/// Settings as the product reads them: these and the tests' own.
pub fn config(settings: &[(&str, &str)]) -> Config {
    let own = [
        ("JWT_SECRET_KEY", SECRET),
        ("NEUROLINK_LISTEN", "127.0.0.1:0"),
        ("NEUROLINK_DATA_DIR", "/nonexistent"),
        ("NEUROLINK_SHUTDOWN_TIMEOUT", "10s"),
    ];
    let find = |name: &str| {
        let pair = settings.iter().chain(&own).find(|(n, _)| *n == name);
        pair.map(|(_, value)| (*value).to_owned())
    };
    Config::load(Needs::TokenSecret, find).unwrap()
}

impl App {
    /// A node with both halves and default settings.
    pub async fn start(db: &TestDb) -> Self {
        Self::start_with(db, WHOLE, &[]).await
    }

    /// A node with these halves and settings; a pool of its own.
    pub async fn start_with(db: &TestDb, parts: Parts, settings: &[(&str, &str)]) -> Self {
        let node = Node::start(&config(settings), db.db(), parts)
            .await
            .unwrap();
        let base = node
            .address()
            .map(|a| format!("http://{a}"))
            .unwrap_or_default();
        node.bell().until_connected().await;
        Self {
            node,
            client: client::Client::strict(),
            base,
        }
    }

    /// A request by `who` (every branch, these roles). Answers status and JSON body (null when empty).
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        who: &str,
        roles: &[&str],
        body: Option<&Value>,
    ) -> (u16, Value) {
        let method = method.parse().unwrap();
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(token(who, roles));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Gets something that is there.
    pub async fn get(&self, path: &str, who: &str) -> Value {
        let (status, body) = self.call("GET", path, who, &[], None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Stops in good order.
    pub async fn stop(self) {
        self.node.stop().await;
    }
}

/// Resolves when no job is due or claimed: whatever was put in has come through. Jobs scheduled for later don't count.
/// Fails after half a minute, with what is left.
pub async fn drained(sql: &Client) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(5));
    loop {
        tick.tick().await;
        let left: i64 = sql
            .query_one("select count(*) from neurolink_jobs where run_at <= now() or claimed_by is not null", &[])
            .await
            .unwrap()
            .get(0);
        if left == 0 {
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{left} jobs are still there after 30 s"
        );
    }
}

/// Resolves when a query gives true. Fails after half a minute, naming it.
pub async fn until(sql: &Client, question: &str) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(5));
    loop {
        tick.tick().await;
        if sql.query_one(question, &[]).await.unwrap().get(0) {
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "not within 30 s: {question}"
        );
    }
}

/// One number out of the database.
pub async fn number(sql: &Client, question: &str) -> i64 {
    sql.query_one(question, &[]).await.unwrap().get(0)
}

/// People of two branches: `nadia` and `ali` are accountants of BGD (Arabic and English), `dina` of BSR, `cfo` of all.
pub async fn people(sql: &Client) {
    sql.batch_execute(
        "insert into neurolink_users (id, display_name, email, roles, branch_ids, locale) values
           ('nadia', 'ناديا', 'nadia@tsh.example', '{accountant}', '{BGD}', 'ar-IQ'),
           ('ali', 'Ali', 'ali@tsh.example', '{accountant}', '{BGD}', 'en'),
           ('dina', 'Dina', 'dina@tsh.example', '{accountant}', '{BSR}', 'en'),
           ('cfo', 'The CFO', 'cfo@tsh.example', '{cfo}', '{*}', 'en')",
    )
    .await
    .unwrap();
}

/// A rule of any module: name, pattern, template.
pub async fn rule(sql: &Client, name: &str, pattern: &str, template: &Value) -> i64 {
    let template = template.to_string();
    sql.query_one(
        "insert into neurolink_notification_rules (name, event_type_pattern, notification_template)
         values ($1, $2, $3::text::jsonb) returning id",
        &[&name, &pattern, &template],
    )
    .await
    .unwrap()
    .get(0)
}

/// An event of module `test` in branch BGD, by plain SQL. Its id.
pub async fn event(sql: &Client, event_type: &str, payload: &Value) -> i64 {
    let payload = payload.to_string();
    sql.query_one(
        "insert into neurolink_events (source_module, event_type, payload, branch_id)
         values ('test', $1, $2::text::jsonb, 'BGD') returning id",
        &[&event_type, &payload],
    )
    .await
    .unwrap()
    .get(0)
}
