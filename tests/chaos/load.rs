//! The steady load: producers by SQL and by HTTP, people who read and put away what they are told, and somebody who keeps
//! breaking rules. Runs until told to stop; what it did is in the ledger.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::dice::Dice;
use crate::nodes::token;
use crate::run::Shared;
use crate::world::{About, READERS, Spec, broken};
use crate::{load_http, load_sql};

/// Acts of one producer, of which there are three by SQL and three by HTTP.
pub const PER_SECOND: f64 = 6.0;
const PRODUCERS: usize = 3;

/// Starts everybody.
pub fn start(run: &Shared, over: &CancellationToken) -> JoinSet<()> {
    let mut everybody = JoinSet::new();
    for number in 0..PRODUCERS {
        everybody.spawn(load_sql::produce(run.clone(), number, over.clone()));
        everybody.spawn(load_http::produce(run.clone(), number, over.clone()));
    }
    for user in READERS {
        everybody.spawn(read_and_put_away(run.clone(), user, over.clone()));
    }
    everybody.spawn(break_rules(run.clone(), over.clone()));
    everybody
}

/// A new event.
pub fn make(run: &Shared, dice: &mut Dice) -> Spec {
    let about = match dice.below(20) {
        0..9 => About::Sale,
        9..15 => About::Stock,
        15..17 => About::Alarm,
        _ => About::Bill,
    };
    Spec {
        n: run.ledger.number(),
        about,
        branch: dice.pick::<&str>(&["bgd", "bsr"]),
        quantity: dice.below(20),
        owner: dice.pick::<&str>(&["acc1", "acc2", "keep1", "cfo"]),
        extra: dice.chance(0.2),
        poison: None,
    }
}

/// Somebody at their inbox. Nobody's mail is called back by it: only the auditor, who gets none, deletes.
async fn read_and_put_away(run: Shared, user: &'static str, over: CancellationToken) {
    let mut dice = Dice::of(run.seed, &format!("inbox {user}"));
    let token = token(user, &[]);
    let verbs = ["read", "unread", "seen", "archive", "unarchive"];
    while !over.is_cancelled() {
        tokio::time::sleep(dice.gap(1.0)).await;
        let base = &dice.pick(&run.nodes).base;
        let ask = |method: &str, path: &str| {
            let method = method.parse().unwrap_or_default();
            run.http
                .request(method, format!("{base}{path}"))
                .bearer_auth(&token)
                .timeout(Duration::from_secs(3))
                .send()
        };
        // A node that is away is somebody else's test; the verdict only wants the counts and streams to agree in the end.
        if dice.chance(0.05) {
            let _ = ask("POST", "/v1/notifications/mark-all-read").await;
            continue;
        }
        let Ok(answer) = ask("GET", "/v1/notifications?limit=20&archived=include").await else {
            continue;
        };
        let list: Value = answer.json().await.unwrap_or_default();
        let Some(items) = list["items"].as_array().filter(|items| !items.is_empty()) else {
            continue;
        };
        let id = &dice.pick(items)["id"];
        let _ = if user == "auditor" && dice.chance(0.3) {
            ask("DELETE", &format!("/v1/notifications/{id}")).await
        } else {
            ask(
                "PATCH",
                &format!("/v1/notifications/{id}/{}", dice.pick(&verbs)),
            )
            .await
        };
    }
}

/// Inserts, changes and deletes a rule that can't be compiled, so that every node keeps loading rules.
async fn break_rules(run: Shared, over: CancellationToken) {
    let mut dice = Dice::of(run.seed, "rules");
    for nth in 1.. {
        tokio::time::sleep(dice.seconds(1.0, 4.0)).await;
        if over.is_cancelled() {
            return;
        }
        let changed: Result<()> = async {
            let sql = run.cluster.connect().await?;
            let template = broken(nth).to_string();
            if nth % 5 == 0 {
                sql.execute("delete from neurolink_notification_rules where name = 'broken too'", &[]).await?;
            } else {
                sql.execute(
                    "insert into neurolink_notification_rules (name, event_type_pattern, notification_template)
                     values ('broken too', 'chaos.*', $1::text::jsonb)
                     on conflict (name) do update set notification_template = excluded.notification_template",
                    &[&template],
                )
                .await?;
            }
            Ok(())
        }
        .await;
        // Whether it came through doesn't matter: it must never tell anybody anything.
        drop(changed);
    }
}
