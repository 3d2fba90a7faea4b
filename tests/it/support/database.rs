//! A database per test, cloned from a template that is migrated once. NOTIFY and advisory locks are per database, so
//! tests in one database would wake and block each other.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use neurolink::db::{Db, migrate};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

use super::cluster;

/// Databases of tests are swept when they are older than any run.
const SWEEP_AFTER: Duration = Duration::from_secs(3600);

/// A database of one test, dropped with it. A failed test's stays for an hour, to be looked at.
pub struct TestDb {
    name: String,
    url: String,
    db: Db,
}

impl TestDb {
    /// A migrated database.
    pub async fn new() -> Self {
        let admin = cluster::admin().await;
        let template = template(&admin).await;
        Self::create(&admin, &format!("template {template}")).await
    }

    /// A database without anything of ours.
    pub async fn empty() -> Self {
        let admin = cluster::admin().await;
        template(&admin).await;
        Self::create(&admin, "").await
    }

    async fn create(admin: &Client, how: &str) -> Self {
        let name = format!(
            "nlt_{}_{}_{}",
            unix_now(),
            std::process::id(),
            uuid::Uuid::new_v4().simple()
        );
        admin
            .batch_execute(&format!("create database {name} {how}"))
            .await
            .unwrap();
        let url = url_of(cluster::url().await, &name);
        let db = open(&url);
        Self { name, url, db }
    }

    /// The product's access to it.
    pub fn db(&self) -> Db {
        self.db.clone()
    }

    /// A new connection of its own, for SQL.
    pub async fn client(&self) -> Client {
        cluster::try_connect(&self.config()).await.unwrap()
    }

    /// A new connection, and the notices (WARNING: …) and notifications that come on it.
    pub async fn client_with_messages(
        &self,
    ) -> (Client, tokio::sync::mpsc::UnboundedReceiver<AsyncMessage>) {
        let (client, mut connection) = self.config().connect(NoTls).await.unwrap();
        let (tx, rx) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(message)) =
                std::future::poll_fn(|cx| connection.poll_message(cx)).await
            {
                let _ = tx.send(message);
            }
        });
        (client, rx)
    }

    /// For `DATABASE_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For connections with options of their own.
    pub fn config(&self) -> Config {
        self.url.parse().unwrap()
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        self.db.close();
        if std::thread::panicking() {
            println!("left for an hour: psql '{}'", self.url);
            return;
        }
        let name = self.name.clone();
        // The test's own runtime may be ending: a thread with another one.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                // A database that can't be dropped now is swept later.
                let _ = cluster::admin()
                    .await
                    .batch_execute(&format!("drop database if exists {name} with (force)"))
                    .await;
            });
        });
        let _ = dropping.join();
    }
}

/// The product's access to a database by URL.
pub fn open(url: &str) -> Db {
    let config: Config = url.parse().unwrap();
    Db::open(config.clone(), config, 8, Duration::from_secs(30)).unwrap()
}

/// The same server, another database.
fn url_of(server: &str, name: &str) -> String {
    let (scheme, rest) = server.split_once("://").expect("a postgresql:// URL");
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let host = path.split('/').next().unwrap_or_default();
    format!("{scheme}://{host}/{name}?{query}")
}

fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// The name of the migrated template: another one for every state of sql/.
async fn template(admin: &Client) -> String {
    let name = format!("nl_template_{}", migrate::fingerprint());
    if exists(admin, &name).await {
        return name;
    }
    // One process makes it, the others wait. Released below, or with the connection if this panics.
    admin
        .batch_execute("select pg_advisory_lock(hashtext('neurolink test template'))")
        .await
        .unwrap();
    if !exists(admin, &name).await {
        sweep(admin).await;
        // Roles belong to the server; the grants need them before the template is migrated.
        for role in [
            "neurolink_admin",
            "neurolink_producer",
            "neurolink_readonly",
        ] {
            let create = format!(
                "do $$ begin create role {role}; exception when duplicate_object then null; end $$"
            );
            admin.batch_execute(&create).await.unwrap();
        }
        let fresh = format!("{name}_new");
        for statement in [
            format!("drop database if exists {fresh} with (force)"),
            format!("create database {fresh}"),
        ] {
            admin.batch_execute(&statement).await.unwrap();
        }
        let db = open(&url_of(cluster::url().await, &fresh));
        migrate::run(&db).await.expect("the template migrates");
        db.close();
        // Waits by itself for our connections to end; the forced ones of a crashed run are gone already.
        let kick =
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1";
        admin.query(kick, &[&fresh]).await.unwrap();
        admin
            .batch_execute(&format!("alter database {fresh} rename to {name}"))
            .await
            .unwrap();
    }
    admin
        .batch_execute("select pg_advisory_unlock(hashtext('neurolink test template'))")
        .await
        .unwrap();
    name
}

async fn exists(admin: &Client, name: &str) -> bool {
    admin
        .query_opt("select from pg_database where datname = $1", &[&name])
        .await
        .unwrap()
        .is_some()
}

/// Drops what earlier runs have left: old tests' databases, and on our own server the templates of other states of sql/.
async fn sweep(admin: &Client) {
    let names = admin
        .query(
            "select datname::text from pg_database where datname ~ '^nlt?_'",
            &[],
        )
        .await
        .unwrap();
    let oldest = unix_now() - SWEEP_AFTER.as_secs();
    for row in names {
        let name: String = row.get(0);
        let made = name
            .strip_prefix("nlt_")
            .and_then(|rest| rest.split('_').next())
            .and_then(|seconds| seconds.parse::<u64>().ok());
        let goes = match made {
            Some(made) => made < oldest,
            None => cluster::is_private(),
        };
        if goes {
            let _ = admin
                .batch_execute(&format!("drop database if exists {name} with (force)"))
                .await;
        }
    }
}
