//! What happens in one branch in one round of the demo's story: the acts, with their events and payloads. This file sets
//! the scene, `script_sale.rs` and `script_stock.rs` tell the two sides. The cases of `expected.json` are decided there
//! (which amounts are large, who acts), so they change together. Pure.

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::cli::demo::story::{Act, StoryEvent, Way};
use crate::cli::demo::world::{CASTS, Cast, Dice, Good};
use crate::ingest::NewEvent;
use crate::kernel::Severity;

/// The acts of a branch, in order.
pub(crate) fn acts(cast: Cast, round: u32, today: Date, dice: &mut Dice) -> Vec<Act> {
    let scene = Scene {
        cast,
        // Documents are numbered by round and branch, so no number is ever given twice.
        serial: 2 * round + u32::from(cast.branch != CASTS[0].branch),
        today,
    };
    let mut acts = scene.sale(dice);
    acts.extend(scene.night(dice));
    acts.extend(scene.purchase(dice));
    acts.extend(scene.warehouse(dice));
    acts
}

/// A branch in a round.
pub(crate) struct Scene {
    pub(crate) cast: Cast,
    pub(crate) serial: u32,
    pub(crate) today: Date,
}

/// Of the event types' first words: which module speaks, and what it is about.
fn speaker(event_type: &str) -> &'static str {
    match event_type.split('.').next() {
        Some("invoice") => "invoicing",
        Some("stock") => "inventory",
        Some("order") => "sales",
        _ => "purchasing",
    }
}

/// How bad the ERP says it is.
fn severity(event_type: &str) -> Option<Severity> {
    match event_type {
        "stock.out" => Some(Severity::Critical),
        "invoice.overdue" | "stock.low" | "order.cancelled" | "po.rejected" => {
            Some(Severity::Warning)
        }
        _ => None,
    }
}

/// `24,500,000`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl Scene {
    pub(crate) fn act(&self, title: impl Into<String>, events: Vec<StoryEvent>) -> Act {
        Act {
            branch: self.cast.branch,
            title: title.into(),
            way: Way::Sql,
            events,
        }
    }

    /// An event about `entity`, done by `actor` or by nobody. `remark` tells cases of one type apart.
    pub(crate) fn event(
        &self,
        (event_type, remark): (&str, &str),
        entity: (&str, u32),
        actor: Option<&str>,
        summary: String,
        payload: &Value,
    ) -> StoryEvent {
        let case = if remark.is_empty() {
            event_type.to_owned()
        } else {
            format!("{event_type}, {remark}")
        };
        StoryEvent {
            case,
            summary,
            event: NewEvent {
                source_module: speaker(event_type).to_owned(),
                event_type: event_type.to_owned(),
                payload: payload.to_string(),
                severity: severity(event_type),
                occurred_at: None,
                idempotency_key: None,
                correlation_id: Some(format!("{}-{}", entity.0, entity.1)),
                branch_id: Some(self.cast.branch.to_owned()),
                actor_id: actor.map(str::to_owned),
                entity_type: Some(entity.0.to_owned()),
                entity_id: Some(entity.1.to_string()),
                traceparent: None,
            },
        }
    }

    pub(crate) fn in_days(&self, days: i64) -> String {
        // Out of the calendar's range only for dates no clock shows.
        self.today
            .checked_add(days.days())
            .unwrap_or(self.today)
            .to_string()
    }

    pub(crate) fn stock(&self, good: Good, more: Value) -> Value {
        merged(
            json!({"product_id": good.id, "sku": format!("TSH-{}", good.id), "product_name": good.name,
                   "warehouse_name": self.cast.warehouse}),
            more,
        )
    }
}

/// Both objects' keys in one.
pub(crate) fn merged(mut all: Value, more: Value) -> Value {
    if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
        all.extend(more);
    }
    all
}
