//! Producers by HTTP, at whichever node: with keys (sent again until the answer is known), without, in batches, twice, and
//! with another body under a used key. What an answer must mean goes to the ledger; a wrong answer is a complaint.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::dice::Dice;
use crate::ledger::Fate;
use crate::load::{PER_SECOND, make};
use crate::nodes::token;
use crate::run::Shared;
use crate::world::Spec;

/// A producer doesn't wait longer for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// One producer, until it is told to stop.
pub async fn produce(run: Shared, number: usize, over: CancellationToken) {
    let mut dice = Dice::of(run.seed, &format!("http {number}"));
    let token = token("erp", &["producer"]);
    while !over.is_cancelled() {
        tokio::time::sleep(dice.gap(PER_SECOND)).await;
        let producer = Producer {
            run: &run,
            token: &token,
        };
        match dice.below(100) {
            0..25 => producer.once(&mut dice).await,
            25..90 => producer.keyed(&mut dice).await,
            _ => producer.batch(&mut dice).await,
        }
    }
}

struct Producer<'a> {
    run: &'a Shared,
    token: &'a str,
}

fn body(spec: &Spec, key: Option<&str>) -> Value {
    let mut body = json!({"source_module": "chaos", "event_type": spec.event_type(), "severity": spec.severity(),
        "payload": spec.payload(), "branch_id": spec.branch});
    if let Some(key) = key {
        body["idempotency_key"] = json!(key);
    }
    body
}

impl Producer<'_> {
    /// The status and the answer; nothing when nobody knows.
    async fn post(&self, dice: &mut Dice, path: &str, body: &Value) -> Option<(u16, Value)> {
        let node = dice.pick(&self.run.nodes);
        let request = self
            .run
            .http
            .post(format!("{}{path}", node.base))
            .bearer_auth(self.token);
        let answer = request.timeout(PATIENCE).json(body).send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.json().await.ok()?))
    }

    /// Without a key it can be sent only once.
    async fn once(&self, dice: &mut Dice) {
        let spec = make(self.run, dice);
        self.run.ledger.begin(&spec, "http");
        match self.post(dice, "/v1/events", &body(&spec, None)).await {
            Some((201, answer)) => self
                .run
                .ledger
                .end(spec.n, Fate::Committed(answer["id"].as_i64())),
            Some((503, _)) | None => {}
            Some((status, answer)) => self
                .run
                .ledger
                .complain(Some(spec.n), format!("answered {status}: {answer}")),
        }
    }

    /// With one, until somebody says where it is; then sometimes again, and sometimes with another body.
    async fn keyed(&self, dice: &mut Dice) {
        let spec = make(self.run, dice);
        let key = format!("key-{}", spec.n);
        let asked = body(&spec, Some(&key));
        let Some(id) = self
            .until_known(dice, &spec, &asked, "/v1/events", |answer| {
                answer["id"].as_i64()
            })
            .await
        else {
            return;
        };
        self.run.ledger.end(spec.n, Fate::Committed(Some(id)));
        match dice.below(100) {
            0..20 => match self.post(dice, "/v1/events", &asked).await {
                Some((200, again)) if again["id"].as_i64() == Some(id) => {}
                Some((503, _)) | None => {}
                Some((status, answer)) => {
                    let what =
                        format!("event {id}, sent a second time, was answered {status}: {answer}");
                    self.run.ledger.complain(Some(spec.n), what);
                }
            },
            20..25 => {
                let mut other = asked.clone();
                other["payload"]["n"] = json!("another");
                match self.post(dice, "/v1/events", &other).await {
                    Some((409 | 503, _)) | None => {}
                    Some((status, answer)) => {
                        let what = format!(
                            "another body under the key of event {id} was answered {status}: {answer}"
                        );
                        self.run.ledger.complain(Some(spec.n), what);
                    }
                }
            }
            _ => {}
        }
    }

    /// All of them or none, under keys.
    async fn batch(&self, dice: &mut Dice) {
        let specs: Vec<Spec> = (0..5).map(|_| make(self.run, dice)).collect();
        let asked: Vec<Value> = specs
            .iter()
            .map(|spec| body(spec, Some(&format!("key-{}", spec.n))))
            .collect();
        specs[1..]
            .iter()
            .for_each(|spec| self.run.ledger.begin(spec, "http batch"));
        let ids = |answer: &Value| {
            let items = answer["items"].as_array()?;
            items
                .iter()
                .map(|item| item["id"].as_i64())
                .collect::<Option<Vec<i64>>>()
        };
        let found = self
            .until_known(
                dice,
                &specs[0],
                &Value::Array(asked),
                "/v1/events/batch",
                ids,
            )
            .await;
        for (spec, id) in specs.iter().zip(found.unwrap_or_default()) {
            self.run.ledger.end(spec.n, Fate::Committed(Some(id)));
        }
    }

    async fn until_known<T>(
        &self,
        dice: &mut Dice,
        spec: &Spec,
        asked: &Value,
        path: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<T> {
        for _ in 0..60 {
            self.run.ledger.begin(spec, "http keyed");
            match self.post(dice, path, asked).await {
                Some((200 | 201, answer)) => {
                    if let Some(found) = read(&answer) {
                        return Some(found);
                    }
                    self.run
                        .ledger
                        .complain(Some(spec.n), format!("an answer without ids: {answer}"));
                    return None;
                }
                Some((503, _)) | None => tokio::time::sleep(dice.seconds(0.05, 0.3)).await,
                Some((status, answer)) => {
                    self.run
                        .ledger
                        .complain(Some(spec.n), format!("answered {status}: {answer}"));
                    return None;
                }
            }
        }
        None
    }
}
