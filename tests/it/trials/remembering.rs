//! Rules that remember: a backtest plays what workers did, event by event.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::worlds::world;
use super::{ask, build, text_of, written};
use crate::support::TestDb;
use crate::support::app::{App, WHOLE, drained};

/// Worlds that are tried.
const WORLDS: usize = 20;

/// What a rule may remember that is settled at once.
fn memory() -> impl Strategy<Value = Value> {
    let within = prop::sample::select(vec!["{{kind}}", "{{n}}"]);
    let dedupe = prop_oneof![
        within.clone().prop_map(|key| json!(key)),
        within.prop_map(|key| json!({"key": key, "within": "1h"})),
    ];
    let throttle = (1..4, prop::option::of(Just("{{kind}}")))
        .prop_map(|(limit, key)| json!({"limit": limit, "per": "1d", "key": key}));
    (
        prop::option::weighted(0.6, dedupe),
        prop::option::weighted(0.7, throttle),
        prop::bool::weighted(0.15),
        prop::option::weighted(0.2, Just("2d")),
    )
        .prop_map(|(dedupe, throttle, shadow, expires)| {
            json!({"dedupe_key": dedupe, "throttle": throttle, "shadow": shadow, "expires_after": expires})
        })
}

#[tokio::test]
async fn a_backtest_remembers_as_workers_do() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start_with(&db, WHOLE, &[]).await;
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut kept_back = 0;
    for _ in 0..WORLDS {
        let mut world = world().new_tree(&mut runner).unwrap().current();
        for rule in &mut world.rules {
            let memory = memory().new_tree(&mut runner).unwrap().current();
            let template = rule["notification_template"].as_object_mut().unwrap();
            template.extend(memory.as_object().unwrap().clone());
        }
        let from = sql
            .query_one("select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')", &[])
            .await
            .unwrap();
        let from: String = from.get(0);
        let (rules, events) = build(&sql, &world).await;
        drained(&sql).await;
        let told = written(&sql, events[0]).await;
        let mut matched = 0;
        let mut suppressed: BTreeMap<String, i64> = BTreeMap::new();
        for &rule_id in &rules {
            let body = json!({"rule_id": rule_id, "from": from, "samples": 0});
            let came =
                ask(&app, "/v1/rules/backtest", &body).await.pop().unwrap()["result"].clone();
            matched += came["matched"].as_i64().unwrap();
            for (reason, count) in came["suppressed"].as_object().unwrap() {
                *suppressed.entry(reason.clone()).or_default() += count.as_i64().unwrap();
            }
            let mut people: BTreeMap<String, i64> = BTreeMap::new();
            for (_, _, user) in told.keys().filter(|(_, rule, _)| *rule == rule_id) {
                *people.entry(user.clone()).or_default() += 1;
            }
            let counted: BTreeMap<String, i64> = came["people"]["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|p| (text_of(&p["user_id"]), p["notifications"].as_i64().unwrap()))
                .collect();
            assert_eq!(counted, people, "rule {rule_id} of {world:?}");
        }
        let rows = sql
            .query(
                "select o.rules_matched, coalesce(o.suppressed::text, '[]') as suppressed
                   from neurolink_event_outcomes o where o.event_id >= $1",
                &[&events[0]],
            )
            .await
            .unwrap();
        let mut stored: BTreeMap<String, i64> = BTreeMap::new();
        for row in &rows {
            let all: Vec<Value> = serde_json::from_str(row.get("suppressed")).unwrap();
            for one in all {
                let count = one["count"].as_i64().unwrap().max(1);
                *stored.entry(text_of(&one["reason"])).or_default() += count;
            }
        }
        let evaluated: i32 = rows
            .iter()
            .map(|row| row.get::<_, i32>("rules_matched"))
            .sum();
        assert_eq!(
            (matched, &suppressed),
            (i64::from(evaluated), &stored),
            "{world:?}"
        );
        let reasons = ["throttled", "deduplicated", "shadow"];
        kept_back += reasons.iter().filter_map(|r| stored.get(*r)).sum::<i64>();
    }
    assert!(kept_back > 10, "{kept_back} are too few to say anything");
    app.stop().await;
}
