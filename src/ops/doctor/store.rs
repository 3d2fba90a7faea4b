//! The facts that checks judge: each read in a transaction of its own that writes nothing, waits for no lock and ends by itself
//! after 4 s (`doctor_begin.sql`).

use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::clock::Clock;
use super::dead::Dead;
use super::directory::{Column, People};
use super::events::Events;
use super::inboxes::Drift;
use super::mails::Withheld;
use super::objects::Object;
use super::pauses::Pause;
use super::pins::Pin;
use super::queue::Place;
use super::rights::{Lack, Rights};
use super::rules::{Fault, Held, Rules};
use super::server::Server;
use super::tables::Table;
use super::workers::Worker;
use crate::db::migrate::Names;
use crate::db::{Db, Tx};
use crate::kernel::{Result, clock, random};

/// How long a word of ours may take to come back from the listener.
const HEARING: Duration = Duration::from_secs(2);

type Read<T> = Result<T, tokio_postgres::Error>;

async fn rows<T>(
    db: &Db,
    statement: &str,
    parameters: &[&(dyn ToSql + Sync)],
    read: fn(&Row) -> Read<T>,
) -> Result<Vec<T>> {
    let tx = Tx::unbegun(db.client().await?);
    tx.batch_execute(include_str!("../../../sql/queries/ops/doctor_begin.sql"))
        .await?;
    let rows = tx.query(statement, parameters).await?;
    tx.commit().await?;
    Ok(rows.iter().map(read).collect::<Read<Vec<T>>>()?)
}

/// Of a statement that always gives a row.
async fn row<T: Default>(db: &Db, statement: &str, read: fn(&Row) -> Read<T>) -> Result<T> {
    let mut rows = rows(db, statement, &[], read).await?;
    Ok(rows.pop().unwrap_or_default())
}

pub(super) async fn server(db: &Db) -> Result<Server> {
    let statement = include_str!("../../../sql/queries/ops/doctor_server.sql");
    row(db, statement, |row| {
        Ok(Server {
            version: row.try_get("version")?,
            version_number: row.try_get("version_number")?,
            role: row.try_get("role")?,
            is_standby: row.try_get("is_standby")?,
            fsync: row.try_get("fsync")?,
            full_page_writes: row.try_get("full_page_writes")?,
            synchronous_commit: row.try_get("synchronous_commit")?,
            autovacuum: row.try_get("autovacuum")?,
            encoding: row.try_get("encoding")?,
            connections_most: row.try_get("connections_most")?,
            connections_used: row.try_get("connections_used")?,
            frozen_age: row.try_get("frozen_age")?,
        })
    })
    .await
}

/// The quickest of three looks says most exactly how far apart the clocks are.
pub(super) async fn clock(db: &Db) -> Result<Clock> {
    let statement = include_str!("../../../sql/queries/ops/doctor_clock.sql");
    let client = db.client().await?;
    let mut best: Option<Clock> = None;
    for _ in 0..3 {
        let (wall, began) = (clock::now(), clock::instant());
        let theirs: Timestamp = client.query_one(statement, &[]).await?.try_get("at")?;
        let took = began.elapsed().as_secs_f64();
        let ahead = theirs.duration_since(wall).as_secs_f64() - took / 2.0;
        if best.is_none_or(|best| took / 2.0 < best.give_or_take) {
            best = Some(Clock {
                ahead,
                give_or_take: took / 2.0,
            });
        }
    }
    Ok(best.unwrap_or_default())
}

pub(super) async fn rights(db: &Db) -> Result<Rights> {
    let statement = include_str!("../../../sql/queries/ops/doctor_rights.sql");
    let lacks = rows(db, statement, &[], |row| {
        Ok(Lack {
            what: row.try_get("what")?,
            lacking: row.try_get("lacking")?,
        })
    });
    let statement = include_str!("../../../sql/queries/ops/doctor_open_schema.sql");
    let open = rows(db, statement, &[], |row| row.try_get("schema"));
    Ok(Rights {
        lacks: lacks.await?,
        open_schema: open.await?.pop(),
    })
}

pub(super) async fn objects(db: &Db, names: &Names) -> Result<Vec<Object>> {
    let statement = include_str!("../../../sql/queries/ops/doctor_objects.sql");
    let parameters: [&(dyn ToSql + Sync); 3] = [&names.triggers, &names.views, &names.functions];
    rows(db, statement, &parameters, |row| {
        Ok(Object {
            kind: row.try_get("kind")?,
            name: row.try_get("name")?,
            relation: row.try_get("relation")?,
            state: row.try_get("state")?,
        })
    })
    .await
}

pub(super) async fn directory_columns(db: &Db) -> Result<Vec<Column>> {
    let statement = include_str!("../../../sql/queries/ops/doctor_directory_columns.sql");
    rows(db, statement, &[], |row| {
        Ok(Column {
            name: row.try_get("name")?,
            kind: row.try_get("kind")?,
            collation: row.try_get("collation")?,
        })
    })
    .await
}

pub(super) async fn directory_people(db: &Db) -> Result<People> {
    let statement = include_str!("../../../sql/queries/ops/doctor_directory_people.sql");
    row(db, statement, |row| {
        Ok(People {
            people: row.try_get("people")?,
            active: row.try_get("active")?,
            ids: row.try_get("ids")?,
            nameless: row.try_get("nameless")?,
            without_role: row.try_get("without_role")?,
        })
    })
    .await
}

/// Whether the listener's connection hears what another one says.
pub(super) async fn hears(db: &Db) -> Result<bool> {
    let mut session = db.session().await?;
    session
        .client
        .batch_execute(include_str!("../../../sql/queries/ops/doctor_listen.sql"))
        .await?;
    let word = random::uuid().to_string();
    db.client()
        .await?
        .query(
            include_str!("../../../sql/queries/ops/doctor_notify.sql"),
            &[&word],
        )
        .await?;
    let heard = async {
        while let Some(said) = session.notifications.recv().await {
            if said.payload() == word {
                return true;
            }
        }
        false
    };
    Ok(tokio::time::timeout(HEARING, heard).await.unwrap_or(false))
}

pub(super) async fn tables(db: &Db) -> Result<Vec<Table>> {
    let statement = include_str!("../../../sql/queries/ops/doctor_tables.sql");
    rows(db, statement, &[], |row| {
        Ok(Table {
            name: row.try_get("name")?,
            live: row.try_get("live")?,
            dead: row.try_get("dead")?,
            bytes: row.try_get("bytes")?,
            vacuumed_seconds_ago: row.try_get("vacuumed_seconds_ago")?,
            autovacuum_off: row.try_get("autovacuum_off")?,
        })
    })
    .await
}

pub(super) async fn pins(db: &Db) -> Result<Vec<Pin>> {
    let statement = include_str!("../../../sql/queries/ops/doctor_pins.sql");
    rows(db, statement, &[], |row| {
        Ok(Pin {
            kind: row.try_get("kind")?,
            who: row.try_get("who")?,
            seconds: row.try_get("seconds")?,
            age: row.try_get::<_, Option<i64>>("age")?.unwrap_or(0),
            detail: row
                .try_get::<_, Option<String>>("detail")?
                .unwrap_or_default(),
            cure: row.try_get("cure")?,
        })
    })
    .await
}

pub(super) async fn events(db: &Db) -> Result<Events> {
    let statement = include_str!("../../../sql/queries/ops/doctor_events.sql");
    row(db, statement, |row| {
        Ok(Events {
            looked_at: row.try_get("looked_at")?,
            missing: row.try_get("missing")?,
            first: row.try_get("first")?,
            last: row.try_get("last")?,
        })
    })
    .await
}

pub(super) async fn rules(db: &Db) -> Result<Rules> {
    let enabled = include_str!("../../../sql/queries/ops/doctor_rules_enabled.sql");
    let faults = include_str!("../../../sql/queries/ops/doctor_rules.sql");
    let held = include_str!("../../../sql/queries/ops/doctor_rules_held.sql");
    Ok(Rules {
        any_enabled: row(db, enabled, |row| row.try_get("any_enabled")).await?,
        faults: rows(db, faults, &[], |row| {
            Ok(Fault {
                id: row.try_get("id")?,
                name: row.try_get("name")?,
                kind: row.try_get("kind")?,
                place: row.try_get("place")?,
                detail: row.try_get("detail")?,
            })
        })
        .await?,
        held: rows(db, held, &[], |row| {
            Ok(Held {
                id: row.try_get("id")?,
                name: row.try_get("name")?,
                reason: row.try_get("reason")?,
                held_count: row.try_get("held_count")?,
                held_seconds: row.try_get("held_seconds")?,
            })
        })
        .await?,
    })
}

pub(super) async fn dead(db: &Db) -> Result<Vec<Dead>> {
    let statement = include_str!("../../../sql/queries/ops/doctor_dead.sql");
    rows(db, statement, &[], |row| {
        Ok(Dead {
            kind: row.try_get("kind")?,
            channel: row.try_get("channel")?,
            many: row.try_get("many")?,
            last_error: row.try_get("last_error")?,
            last_seconds_ago: row.try_get("last_seconds_ago")?,
        })
    })
    .await
}

pub(super) async fn queue(db: &Db) -> Result<Vec<Place>> {
    let statement = include_str!("../../../sql/queries/ops/doctor_queue.sql");
    rows(db, statement, &[], |row| {
        Ok(Place {
            kind: row.try_get("kind")?,
            channel: row.try_get("channel")?,
            waiting: row.try_get("waiting")?,
            oldest_seconds: row.try_get("oldest_seconds")?,
            paused: row.try_get("paused")?,
            workers: row.try_get("workers")?,
        })
    })
    .await
}

pub(super) async fn workers(db: &Db) -> Result<Vec<Worker>> {
    let statement = include_str!("../../../sql/queries/ops/doctor_workers.sql");
    rows(db, statement, &[], |row| {
        Ok(Worker {
            host: row.try_get("host")?,
            pid: row.try_get("pid")?,
            version: row.try_get("version")?,
            works: row.try_get("works")?,
            silent_seconds: row.try_get("silent_seconds")?,
        })
    })
    .await
}

pub(super) async fn pauses(db: &Db) -> Result<Vec<Pause>> {
    let statement = include_str!("../../../sql/queries/ops/doctor_pauses.sql");
    rows(db, statement, &[], |row| {
        Ok(Pause {
            kind: row.try_get("kind")?,
            channel: row.try_get("channel")?,
            reason: row.try_get("reason")?,
            paused_by: row.try_get("paused_by")?,
            seconds: row.try_get("seconds")?,
        })
    })
    .await
}

pub(super) async fn drifted(db: &Db) -> Result<Vec<Drift>> {
    let statement = include_str!("../../../sql/queries/ops/doctor_inboxes.sql");
    rows(db, statement, &[], |row| {
        Ok(Drift {
            user_id: row.try_get("user_id")?,
            unread_count: row.try_get("unread_count")?,
            unread: row.try_get("unread")?,
            unseen_count: row.try_get("unseen_count")?,
            unseen: row.try_get("unseen")?,
        })
    })
    .await
}

pub(super) async fn withheld(db: &Db) -> Result<Vec<Withheld>> {
    let statement = include_str!("../../../sql/queries/ops/doctor_unconfigured.sql");
    rows(db, statement, &[], |row| {
        Ok(Withheld {
            channel: row.try_get("channel")?,
            many: row.try_get("many")?,
        })
    })
    .await
}
