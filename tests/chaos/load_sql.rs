//! Producers by SQL: the ERP's own transactions, with everything that happens in them. Each notes in the ledger what its
//! transaction's end must mean: committed, undone, or (the answer to `commit` was lost) unknown.

use std::time::Duration;

use anyhow::Result;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use crate::dice::Dice;
use crate::ledger::Fate;
use crate::load::{PER_SECOND, make};
use crate::run::Shared;
use crate::world::{Poison, Spec};

const INSERT: &str =
    "insert into neurolink_events (source_module, event_type, severity, payload, branch_id)
    values ('chaos', $1, $2, $3::text::jsonb, $4)";
const EMIT: &str = "select neurolink_emit('chaos', $1, $3::text::jsonb, severity => $2, branch_id => $4, idempotency_key => $5)";

/// One producer, until it is told to stop.
pub async fn produce(run: Shared, number: usize, over: CancellationToken) {
    let mut dice = Dice::of(run.seed, &format!("sql {number}"));
    let mut connection: Option<Client> = None;
    while !over.is_cancelled() {
        tokio::time::sleep(dice.gap(PER_SECOND)).await;
        let mut client = match connection.take() {
            Some(client) if !client.is_closed() => client,
            _ => match run.cluster.connect().await {
                Ok(client) => client,
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        // What failed is in the ledger; the producer itself goes on.
        let went = act(&run, &mut client, &mut dice).await;
        if matches!(went, Ok(true)) {
            connection = Some(client);
        }
    }
}

/// One business transaction. True: the connection may be used again.
async fn act(run: &Shared, client: &mut Client, dice: &mut Dice) -> Result<bool> {
    match dice.below(100) {
        0..50 => single(run, client, dice, "sql insert").await?,
        50..62 => {
            several(
                run,
                client,
                dice,
                "sql transaction",
                Some(Fate::Committed(None)),
            )
            .await?
        }
        62..72 => several(run, client, dice, "sql rollback", Some(Fate::Undone)).await?,
        72..78 => savepoint(run, client, dice).await?,
        78..92 => emit_twice(run, client, dice).await?,
        92..96 => {
            // The ERP's process dies in the middle of its transaction.
            several(run, client, dice, "sql client gone", None).await?;
            return Ok(false);
        }
        _ => poison(run, client, dice).await?,
    }
    Ok(true)
}

async fn insert(client: &Client, spec: &Spec) -> Result<()> {
    let (kind, severity) = (spec.event_type(), spec.severity());
    client
        .execute(
            INSERT,
            &[&kind, &severity, &spec.payload().to_string(), &spec.branch],
        )
        .await?;
    Ok(())
}

async fn single(run: &Shared, client: &Client, dice: &mut Dice, how: &'static str) -> Result<()> {
    let spec = make(run, dice);
    store(run, client, &spec, how).await
}

async fn store(run: &Shared, client: &Client, spec: &Spec, how: &'static str) -> Result<()> {
    run.ledger.begin(spec, how);
    insert(client, spec).await?;
    run.ledger.end(spec.n, Fate::Committed(None));
    Ok(())
}

/// A transaction of several inserts that stays open for a while. Its end: commit, rollback, or none at all.
async fn several(
    run: &Shared,
    client: &mut Client,
    dice: &mut Dice,
    how: &'static str,
    end: Option<Fate>,
) -> Result<()> {
    let specs: Vec<Spec> = (0..=dice.below(4)).map(|_| make(run, dice)).collect();
    specs.iter().for_each(|spec| run.ledger.begin(spec, how));
    let all = |fate| specs.iter().for_each(|spec| run.ledger.end(spec.n, fate));
    let worked = async {
        let transaction = client.transaction().await?;
        for spec in &specs {
            insert(transaction.client(), spec).await?;
        }
        Ok::<_, anyhow::Error>(transaction)
    };
    // Whatever happens before `commit` is sent undoes it for certain.
    let transaction = match worked.await {
        Ok(transaction) => transaction,
        Err(error) => {
            all(Fate::Undone);
            return Err(error);
        }
    };
    tokio::time::sleep(dice.seconds(0.0, 0.3)).await;
    match end {
        Some(Fate::Committed(_)) => {
            transaction.commit().await?;
            all(Fate::Committed(None));
        }
        Some(_) => {
            all(Fate::Undone);
            transaction.rollback().await?;
        }
        None => {
            all(Fate::Undone);
            // Not even a farewell: the connection goes with its client.
            std::mem::forget(transaction);
        }
    }
    Ok(())
}

/// What came before the savepoint stays, what came behind it goes.
async fn savepoint(run: &Shared, client: &mut Client, dice: &mut Dice) -> Result<()> {
    let (kept, gone) = (make(run, dice), make(run, dice));
    run.ledger.begin(&kept, "sql savepoint, kept");
    run.ledger.begin(&gone, "sql savepoint, undone");
    run.ledger.end(gone.n, Fate::Undone);
    let worked = async {
        client.batch_execute("begin").await?;
        insert(client, &kept).await?;
        client.batch_execute("savepoint s").await?;
        insert(client, &gone).await?;
        client.batch_execute("rollback to s").await?;
        Ok::<_, anyhow::Error>(())
    };
    if let Err(error) = worked.await {
        run.ledger.end(kept.n, Fate::Undone);
        return Err(error);
    }
    client.batch_execute("commit").await?;
    run.ledger.end(kept.n, Fate::Committed(None));
    Ok(())
}

/// The idempotent way in: again until it is known to be there, and once more for good measure.
async fn emit_twice(run: &Shared, client: &Client, dice: &mut Dice) -> Result<()> {
    let spec = make(run, dice);
    let key = format!("key-{}", spec.n);
    let (kind, severity, payload) = (
        spec.event_type(),
        spec.severity(),
        spec.payload().to_string(),
    );
    let mut first: Option<i64> = None;
    let mut fresh: Option<Client> = None;
    for _ in 0..100 {
        run.ledger.begin(&spec, "sql emit");
        let through = fresh.as_ref().unwrap_or(client);
        match through
            .query_one(EMIT, &[&kind, &severity, &payload, &spec.branch, &key])
            .await
        {
            Ok(row) => {
                let id: i64 = row.get(0);
                run.ledger.end(spec.n, Fate::Committed(Some(id)));
                match first {
                    None => first = Some(id),
                    Some(known) if known == id => return Ok(()),
                    Some(known) => {
                        run.ledger.complain(
                            Some(spec.n),
                            format!("the same key gave event {known}, then event {id}"),
                        );
                        return Ok(());
                    }
                }
            }
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(200)).await;
                fresh = run.cluster.connect().await.ok();
            }
        }
    }
    anyhow::bail!("the key could not be brought in")
}

async fn poison(run: &Shared, client: &Client, dice: &mut Dice) -> Result<()> {
    let mut spec = make(run, dice);
    spec.poison = Some(*dice.pick(&[Poison::Deep, Poison::Refused]));
    store(run, client, &spec, "sql poison").await
}
