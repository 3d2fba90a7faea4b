//! Why somebody was told of an event, or not. Comes from `neurolink_explain` (stored facts), and where these aren't enough from
//! today's rules, asked anew; goes to people by `neurolink why` and `GET /v1/events/{id}/why`. Law: where the stored facts know,
//! theirs is the answer, so that SQL, API and command never differ.

pub mod escalated;
pub mod reason;
pub mod routes;
pub mod said;
pub mod store;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::db::Db;
use crate::directory::{People, Wanted};
use crate::ingest::Event;
use crate::kernel::{Error, Result};
use crate::ops::trace;
use crate::ops::trace::model::Asked;
use crate::ops::why::escalated::Escalations;
use crate::rules::Finding;

/// Rules that are asked.
const RULES: i64 = 1_000;

/// The answer.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// The event.
    pub event_id: i64,
    /// The person.
    pub user_id: String,
    /// Whether they were told.
    pub was_told: bool,
    /// For programs: `told`, `condition_false` …
    pub code: String,
    /// For people: a sentence or two.
    pub answer: String,
    /// What is stored: the event, what came of it, notifications and deliveries.
    pub facts: Box<RawValue>,
    /// Where today's rules had to be asked: what each said, the most telling first.
    pub rules: Vec<reason::Reason>,
}

/// What an evaluation has warned of.
#[derive(Deserialize)]
struct Facts {
    #[serde(default)]
    warnings: Option<Vec<Warned>>,
}

#[derive(Deserialize)]
struct Warned {
    rule: String,
    kind: String,
    detail: String,
}

/// Rules whose texts could not be written for this event, and why: they chose people, and told nobody.
fn unwritten(facts: &str) -> Vec<(String, String)> {
    // What a DBA may have put there in another shape says nothing to us.
    let facts = serde_json::from_str::<Facts>(facts);
    let warnings = facts.ok().and_then(|facts| facts.warnings);
    let failed = |w: &Warned| w.kind == "render_failed";
    let warnings = warnings.into_iter().flatten().filter(failed);
    warnings.map(|w| (w.rule, w.detail)).collect()
}

/// Why `user` was told of an event, or not. `None` = there is no such event, or not for the caller. Addresses are whole only where
/// that is asked for.
///
/// # Errors
/// The database's, or `Unavailable` when a rule takes too long.
pub async fn explain(
    db: &Db,
    event: i64,
    user: &str,
    shows_addresses: bool,
    sees: impl Fn(Option<&str>) -> bool,
) -> Result<Option<Explanation>> {
    let client = db.client().await?;
    let Some((event, _)) = Event::find(&client, event).await? else {
        return Ok(None);
    };
    if !sees(event.branch_id.as_deref()) {
        return Ok(None);
    }
    let mut stored = store::stored(&client, event.id, user).await?;
    if stored.code == "unknown_event" {
        // Deleted between the two looks.
        return Ok(None);
    }
    if !shows_addresses {
        let facts = said::facts(&stored)?;
        let addresses = store::addresses(&client, &said::deliveries(&facts)).await?;
        said::mask(&mut stored, facts, &addresses);
    }
    let unwritten = unwritten(&stored.facts);
    let mut explanation = Explanation {
        event_id: event.id,
        user_id: user.to_owned(),
        was_told: stored.code == "told",
        code: stored.code,
        answer: stored.answer,
        facts: RawValue::from_string(stored.facts)
            .map_err(|e| Error::internal("stored facts are no JSON", e))?,
        rules: Vec::new(),
    };
    if stored.is_complete {
        return Ok(Some(explanation));
    }
    let rules = trace::store::rules(&client, &event, &[], RULES).await?;
    // Others may need the connection while rules are asked.
    drop(client);
    let asked = trace::judge::ask(rules.rules, &event).await?;
    let escalations = escalations(db, &event, &asked).await?;
    let audiences = asked.iter().filter_map(|asked| asked.finding.audience());
    let audiences = audiences.chain(escalations.audiences());
    let wanted = Wanted::for_one(user, audiences);
    let people = People::of(&db.client().await?, &wanted).await?;
    if let Some(person) = people.by_id(user) {
        let known = reason::Known {
            people: &people,
            escalations: &escalations,
            unwritten: &unwritten,
        };
        let (code, answer, reasons) = reason::decide(&event, person, &known, &asked);
        explanation.code = code.to_owned();
        explanation.answer = answer;
        let would = reasons.iter().filter(|r| r.code == "would_be_told");
        let would: Vec<i64> = would.map(|reason| reason.rule_id).collect();
        explanation.rules = reasons;
        if !would.is_empty() {
            // An outcome names the first of very many people; what it says holds for the others, too.
            let client = db.client().await?;
            if let Some((code, answer)) = store::withheld(&client, event.id, user, &would).await? {
                (explanation.code, explanation.answer) = (code, answer);
            }
        }
    }
    Ok(Some(explanation))
}

/// Escalations of rules that are true for the event.
async fn escalations(db: &Db, event: &Event, asked: &[Asked]) -> Result<Escalations> {
    let mut all = Escalations::default();
    let is_true = |asked: &&Asked| matches!(asked.finding, Finding::True { .. });
    if !asked.iter().any(|asked| is_true(&asked)) {
        return Ok(all);
    }
    let mut of = Vec::new();
    for progress in store::escalations(&db.client().await?, event.id).await? {
        let mut those = asked.iter().filter(is_true);
        if let Some(asked) = those.find(|asked| asked.rule.row.id == progress.rule_id) {
            of.push((asked.rule.row.clone(), progress));
        }
    }
    let event = event.clone();
    let steps = tokio::task::spawn_blocking(move || {
        for (rule, progress) in of {
            let steps = rule.further(&event, &progress.told);
            all.add(progress, steps);
        }
        all
    });
    let broken = |error| Error::internal("asking the rules for their escalations broke", error);
    steps.await.map_err(broken)
}
