//! Preview, backtest and worker give the same answer, over generated rules, events and people.

mod remembering;
mod worlds;

use std::collections::{BTreeMap, BTreeSet};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::TestDb;
use crate::support::app::{App, WHOLE, drained};
use crate::support::http::token;
use worlds::{World, world};

/// Worlds that are tried; each has a handful of rules, events and people.
const WORLDS: usize = 14;

/// Puts a world into the tables: ids of its rules and events.
async fn build(sql: &Client, world: &World) -> (Vec<i64>, Vec<i64>) {
    sql.batch_execute(
        "delete from neurolink_notification_rules; delete from neurolink_user_preferences; delete from neurolink_users;",
    )
    .await
    .unwrap();
    for (n, person) in world.people.iter().enumerate() {
        sql.execute(
            "with p as (select $2::text::jsonb as p),
                  made as (insert into neurolink_users (id, display_name, email, roles, branch_ids, locale, timezone, is_active)
                           select $1, upper($1), p ->> 'email', array(select jsonb_array_elements_text(p -> 'roles')),
                                  array(select jsonb_array_elements_text(p -> 'branches')), p ->> 'locale', p ->> 'zone',
                                  (p ->> 'active')::boolean from p)
             insert into neurolink_user_preferences (user_id, channels) select $1, p -> 'wishes' from p",
            &[&format!("u{n}"), &person.to_string()],
        )
        .await
        .unwrap();
    }
    let (mut rules, mut events) = (Vec::new(), Vec::new());
    for (n, rule) in world.rules.iter().enumerate() {
        let row = sql
            .query_one(
                "insert into neurolink_notification_rules
                        (name, source_module, event_type_pattern, conditions, notification_template, priority)
                 select $1, r ->> 'source_module', r ->> 'event_type_pattern', nullif(r -> 'conditions', 'null'),
                        r -> 'notification_template', (r ->> 'priority')::int
                   from (select $2::text::jsonb as r) given returning id",
                &[&format!("rule {n}"), &rule.to_string()],
            )
            .await
            .unwrap();
        rules.push(row.get(0));
    }
    for event in &world.events {
        let row = sql
            .query_one(
                "insert into neurolink_events (source_module, event_type, branch_id, actor_id, payload)
                 select e ->> 'module', e ->> 'type', e ->> 'branch', e ->> 'actor', e -> 'payload'
                   from (select $1::text::jsonb as e) given returning id",
                &[&event.to_string()],
            )
            .await
            .unwrap();
        events.push(row.get(0));
    }
    (rules, events)
}

type Deliveries = BTreeSet<(String, String, Option<String>)>;
/// Whom a rule told of an event: title, body, URL, whether in the inbox, deliveries.
type Told = BTreeMap<(i64, i64, String), (String, Deliveries)>;

/// What the worker wrote.
async fn written(sql: &Client, since: i64) -> Told {
    let rows = sql
        .query(
            "select n.event_id, n.rule_id, n.user_id, n.title, n.in_app,
                    array(select d.channel || '|' || case when d.status in ('suppressed', 'delivered') then d.status else 'pending' end
                                 || '|' || coalesce(case when d.status = 'suppressed' then d.last_error end, '')
                            from neurolink_delivery_log d where d.notification_id = n.id) as deliveries
               from neurolink_notifications n where n.event_id >= $1",
            &[&since],
        )
        .await
        .unwrap();
    rows.iter()
        .map(|row| {
            let deliveries: Vec<String> = row.get("deliveries");
            let deliveries = deliveries.iter().map(|d| {
                let mut parts = d.split('|').map(str::to_owned);
                let mut next = || parts.next().unwrap();
                let (channel, status, reason) = (next(), next(), next());
                (channel, status, Some(reason).filter(|r| !r.is_empty()))
            });
            let title = format!(
                "{} {}",
                row.get::<_, String>("title"),
                row.get::<_, bool>("in_app")
            );
            (
                (row.get("event_id"), row.get("rule_id"), row.get("user_id")),
                (title, deliveries.collect()),
            )
        })
        .collect()
}

async fn ask(app: &App, path: &str, body: &Value) -> Vec<Value> {
    let response = app
        .client
        .post(format!("{}{path}", app.base))
        .bearer_auth(token("boss", &["admin"]))
        .json(body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status().as_u16(), 200, "{body}");
    let text = response.text().await.unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn preview_backtest_and_worker_give_the_same_answer() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let mails = tempfile::tempdir().unwrap();
    let settings = [
        ("NEUROLINK_EMAIL_DIR", mails.path().to_str().unwrap()),
        ("NEUROLINK_EMAIL_FROM", "erp@tsh.example"),
    ];
    let app = App::start_with(&db, WHOLE, &settings).await;
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (mut matches, mut tellings) = (0, 0);
    for _ in 0..WORLDS {
        let world = world().new_tree(&mut runner).unwrap().current();
        let (rules, events) = build(&sql, &world).await;
        drained(&sql).await;
        let told = written(&sql, events[0]).await;
        let mut previewed = Told::new();
        let mut matched: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for &event_id in &events {
            let mut suppressed: Vec<String> = Vec::new();
            let mut warnings: BTreeSet<String> = BTreeSet::new();
            for &rule_id in &rules {
                let body = json!({"rule_id": rule_id, "event_id": event_id});
                let seen = ask(&app, "/v1/rules/preview", &body).await.remove(0);
                let trace = &seen["trace"];
                if seen["verdict"] == "true" || seen["verdict"] == "false" {
                    let is_true = trace.is_null() || trace["is_true"] == true;
                    assert_eq!(seen["matched"], is_true, "{seen}\n{world:?}");
                }
                if seen["matched"] == true || seen["verdict"] == "broken" {
                    let said = seen["warnings"].as_array().unwrap().iter();
                    warnings.extend(said.map(|w| format!("{} {}", w["kind"], w["detail"])));
                }
                if seen["matched"] != true {
                    continue;
                }
                matched.entry(rule_id).or_default().push(event_id);
                let of = seen["suppressed"].as_array().unwrap().iter();
                suppressed
                    .extend(of.map(|s| format!("{} {} {}", s["rule"], s["reason"], s["count"])));
                for person in seen["recipients"]["items"].as_array().unwrap() {
                    if person["title"].is_null() {
                        continue;
                    }
                    let ways = person["deliveries"].as_array().unwrap().iter().map(|way| {
                        let reason = way["reason"].as_str().map(str::to_owned);
                        (text_of(&way["channel"]), text_of(&way["status"]), reason)
                    });
                    let title = format!("{} {}", text_of(&person["title"]), person["in_app"]);
                    previewed.insert(
                        (event_id, rule_id, text_of(&person["user_id"])),
                        (title, ways.collect()),
                    );
                }
            }
            let row = sql
                .query_one(
                    "select rules_matched, notifications, coalesce(suppressed::text, '[]') as suppressed,
                            coalesce(warnings::text, '[]') as warnings
                       from neurolink_event_outcomes where event_id = $1",
                    &[&event_id],
                )
                .await
                .unwrap();
            let mine = matched
                .values()
                .filter(|ids| ids.contains(&event_id))
                .count();
            assert_eq!(
                row.get::<_, i32>("rules_matched") as usize,
                mine,
                "{world:?}"
            );
            let stored: Vec<Value> = serde_json::from_str(row.get("suppressed")).unwrap();
            let mut stored: Vec<String> = stored
                .iter()
                .map(|s| format!("{} {} {}", s["rule"], s["reason"], s["count"]))
                .collect();
            stored.sort();
            suppressed.sort();
            assert_eq!(suppressed, stored, "event {event_id} of {world:?}");
            let stored: Vec<Value> = serde_json::from_str(row.get("warnings")).unwrap();
            let stored: BTreeSet<String> = stored
                .iter()
                .map(|w| format!("{} {}", w["kind"], w["detail"]))
                .collect();
            assert_eq!(warnings, stored, "event {event_id} of {world:?}");
        }
        assert_eq!(previewed, told, "{world:?}");

        for &rule_id in &rules {
            let from = "2020-01-01T00:00:00Z";
            let body = json!({"rule_id": rule_id, "from": from, "samples": 50});
            let came =
                ask(&app, "/v1/rules/backtest", &body).await.pop().unwrap()["result"].clone();
            // Events of worlds before are there too: what is of this one is told by its samples, which are all.
            let mine: BTreeMap<i64, Vec<(String, String)>> = came["samples"]
                .as_array()
                .unwrap()
                .iter()
                .map(|sample| (sample["event"]["id"].as_i64().unwrap(), sample))
                .filter(|(id, _)| *id >= events[0])
                .map(|(id, sample)| {
                    let items = sample["notifications"]["items"].as_array().unwrap().iter();
                    let title =
                        |told: &Value| format!("{} {}", text_of(&told["title"]), told["in_app"]);
                    let told = items.map(|told| (text_of(&told["user_id"]), title(told)));
                    (id, told.collect())
                })
                .collect();
            let ids: Vec<i64> = mine.keys().copied().collect();
            assert_eq!(
                ids,
                matched.get(&rule_id).cloned().unwrap_or_default(),
                "{world:?}"
            );
            for (event_id, sampled) in mine {
                let same: Vec<(String, String)> = told
                    .iter()
                    .filter(|((event, rule, _), _)| (*event, *rule) == (event_id, rule_id))
                    .map(|((_, _, user), (title, _))| (user.clone(), title.clone()))
                    .take(3)
                    .collect();
                assert_eq!(
                    sampled, same,
                    "rule {rule_id} on event {event_id} of {world:?}"
                );
            }
        }
        matches += matched.values().map(Vec::len).sum::<usize>();
        tellings += told.len();
    }
    assert!(
        matches > 30 && tellings > 50,
        "{matches} matches, {tellings} tellings: too few to say anything"
    );
    app.stop().await;
}
