//! Where it is measured: a schema of its own in the user's database, migrated as any other, dropped at the end however it
//! ends. What a killed run left behind is swept by the next one; a schema that was kept on purpose says so in its comment.

use std::future::Future;
use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use crate::app::{Node, Parts};
use crate::config::{Auth, Config};
use crate::db::{Db, Session, migrate};
use crate::kernel::{Error, Result, clock, random};

/// First key of the lock that says a schema is in use ("NLBN"); the second is of its name.
const HELD: i32 = 0x4E4C_424E;
/// How long a statement of a measurement may take; loading a million rows is one.
const STATEMENT: Duration = Duration::from_secs(600);
/// Tries at dropping the schema while something still holds a lock in it.
const DROPS: u32 = 5;
const MINUTE: i64 = 60;

/// A schema of our own, for as long as it takes.
pub struct Lab {
    schema: String,
    direct: tokio_postgres::Config,
    owner: Session,
    stop: CancellationToken,
}

impl Lab {
    /// Makes and migrates the schema. `stop` ends whatever is being measured.
    ///
    /// # Errors
    /// The database's: it is away, or this user may not create a schema.
    pub async fn open(direct: tokio_postgres::Config, stop: CancellationToken) -> Result<Self> {
        let name = random::uuid().simple().to_string();
        // The random half: two runs of one millisecond must not meet.
        let lab = Self::at(direct, format!("neurolink_bench_{}", &name[16..]), stop).await?;
        lab.owner
            .client
            .batch_execute(&format!("create schema {}", lab.schema))
            .await
            .map_err(|error| {
                Error::internal("a schema to measure in can't be created here", error)
            })?;
        match migrate::run(&lab.db(2)?).await {
            Ok(_) => Ok(lab),
            Err(error) => {
                lab.close(false).await?;
                Err(error)
            }
        }
    }

    /// Holds a schema's name, and sweeps what others have left.
    async fn at(
        mut direct: tokio_postgres::Config,
        schema: String,
        stop: CancellationToken,
    ) -> Result<Self> {
        let path = format!("-c search_path={schema}");
        let options = match direct.get_options() {
            Some(given) => format!("{given} {path}"),
            None => path,
        };
        direct.options(options);
        let owner = Db::open(direct.clone(), direct.clone(), 2, STATEMENT)?
            .session()
            .await?;
        let lock = "select pg_advisory_lock($1, hashtext($2))";
        owner.client.execute(lock, &[&HELD, &schema]).await?;
        sweep(&owner.client).await?;
        Ok(Self {
            schema,
            direct,
            owner,
            stop,
        })
    }

    /// Goes into a schema that an earlier measurement has left on purpose, and brings it up to date.
    ///
    /// # Errors
    /// When it isn't there, or the database's.
    pub async fn reopen(
        direct: tokio_postgres::Config,
        schema: &str,
        stop: CancellationToken,
    ) -> Result<Self> {
        let lab = Self::at(direct, schema.to_owned(), stop).await?;
        let exists = include_str!("../../../sql/queries/bench/exists.sql");
        if lab
            .owner
            .client
            .query_opt(exists, &[&schema])
            .await?
            .is_none()
        {
            return Err(Error::broken(format!("there is no schema {schema} here")));
        }
        migrate::run(&lab.db(2)?).await?;
        Ok(lab)
    }

    /// How many events it holds from before.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn loaded(&self) -> Result<i64> {
        let loaded = include_str!("../../../sql/queries/bench/loaded.sql");
        let row = self.sql().await?.query_one(loaded, &[]).await?;
        Ok(row.try_get("events")?)
    }

    /// The schema's name.
    #[must_use]
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Access to it, with a pool of its own.
    ///
    /// # Errors
    /// When the pool can't be built.
    pub(super) fn db(&self, pool_size: usize) -> Result<Db> {
        Db::open(
            self.direct.clone(),
            self.direct.clone(),
            pool_size,
            STATEMENT,
        )
    }

    /// A connection of its own.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn sql(&self) -> Result<Client> {
        Ok(self.db(1)?.session().await?.client)
    }

    /// Empties the tables of the line and lets the planner know.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn empty(&self, sql: &Client) -> Result<()> {
        sql.batch_execute(include_str!("../../../sql/queries/bench/empty.sql"))
            .await?;
        self.settle(sql).await
    }

    /// Leaves no vacuum and, where we may ask for one, no checkpoint to the measurement that follows.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn settle(&self, sql: &Client) -> Result<()> {
        sql.batch_execute("vacuum (analyze) neurolink_events")
            .await?;
        sql.batch_execute("vacuum (analyze) neurolink_jobs").await?;
        // Not everybody may; the figures then waver a little more.
        let _ = sql.batch_execute("checkpoint").await;
        Ok(())
    }

    /// `error` when the measurement was told to stop.
    ///
    /// # Errors
    /// That one.
    pub(super) fn going(&self) -> Result<()> {
        if self.stop.is_cancelled() {
            return Err(stopped());
        }
        Ok(())
    }

    /// Does something with a node of these parts, and stops the node in good order however that ends.
    ///
    /// # Errors
    /// The node's at start, or the work's.
    pub(super) async fn with_node<T, F, W>(
        &self,
        config: &Config,
        parts: Parts,
        work: W,
    ) -> Result<T>
    where
        W: FnOnce(std::sync::Arc<Node>) -> F,
        F: Future<Output = Result<T>>,
    {
        let db = self.db(config.database.pool_size)?;
        // One rule tells a hundred thousand people here, and nobody is to hold it.
        let mut config = config.clone();
        config.worker.storm_limit = 0;
        let node = std::sync::Arc::new(Node::start(&config, db, parts).await?);
        let done = tokio::select! {
            done = work(node.clone()) => done,
            () = self.stop.cancelled() => Err(stopped()),
        };
        // The work has ended or was dropped, and its copy with it.
        if let Some(node) = std::sync::Arc::into_inner(node) {
            node.stop().await;
        }
        done
    }

    /// Drops the schema, or with `keep` leaves it and says so in its comment.
    ///
    /// # Errors
    /// The database's; what is left is swept by the next run.
    pub async fn close(self, keep: bool) -> Result<()> {
        let (sql, schema) = (&self.owner.client, &self.schema);
        if keep {
            return Ok(sql
                .batch_execute(&format!("comment on schema {schema} is 'kept'"))
                .await?);
        }
        drop_schema(sql, schema).await
    }
}

fn stopped() -> Error {
    Error::broken("stopped before it was through; what was made for it is removed")
}

async fn sweep(sql: &Client) -> Result<()> {
    let rows = sql
        .query(
            include_str!("../../../sql/queries/bench/leftovers.sql"),
            &[&HELD],
        )
        .await?;
    for row in rows {
        drop_schema(sql, row.get("schema")).await?;
    }
    Ok(())
}

/// Drops a schema of ours. What still works in it (a round that was cut off) is ended first.
async fn drop_schema(sql: &Client, schema: &str) -> Result<()> {
    let statement = format!("set lock_timeout = '2s'; drop schema if exists {schema} cascade");
    for _ in 1..DROPS {
        if sql.batch_execute(&statement).await.is_ok() {
            return Ok(());
        }
        sql.execute(
            include_str!("../../../sql/queries/bench/end_users.sql"),
            &[&schema],
        )
        .await?;
    }
    Ok(sql.batch_execute(&statement).await?)
}

/// A token of an hour for a caller of the measurement.
///
/// # Errors
/// When it can't be signed.
pub(super) fn token(auth: &Auth, subject: &str, roles: &[&str]) -> Result<String> {
    let mut claims = json!({"exp": clock::now().as_second() + 60 * MINUTE});
    if let Some(claims) = claims.as_object_mut() {
        claims.insert(auth.subject_claim.clone(), Value::from(subject));
        claims.insert(auth.roles_claim.clone(), Value::from(roles.to_vec()));
        claims.insert(auth.branches_claim.clone(), Value::from(vec!["*"]));
        if let Some(issuer) = &auth.issuer {
            claims.insert("iss".to_owned(), Value::from(issuer.as_str()));
        }
        if let Some(audience) = &auth.audience {
            claims.insert("aud".to_owned(), Value::from(audience.as_str()));
        }
    }
    let key = EncodingKey::from_secret(auth.secret.expose().as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key)
        .map_err(|error| Error::internal("a token can't be signed", error))
}
