//! All enabled rules, compiled, indexed by event type. Rows of `neurolink_notification_rules` come in, matches with
//! their audiences and texts go out, to the pipeline.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bumpalo::Bump;
use jiff::tz::TimeZone;

use crate::ingest::Event;
use crate::kernel::Error;
use crate::rules::budget::Notes;
use crate::rules::conditions::{Condition, Data, Verdict};
use crate::rules::definition::Definition;
use crate::rules::limits;
use crate::rules::model::{Audience, Fault, Match, RuleFacts, RuleRow, Warning};
use crate::rules::pattern::{Index, Pattern};
use crate::rules::payload::Value;
use crate::rules::template::Template;

/// One rule, compiled.
#[derive(Debug)]
pub struct CompiledRule {
    /// What doesn't depend on the event.
    pub facts: RuleFacts,
    source_module: Option<String>,
    condition: Option<Condition>,
    /// Whether any text writes dates, and so needs the reader's zone.
    pub(crate) dated: bool,
    pub(crate) definition: Definition,
}

/// All rules a node evaluates. Immutable; a change of rules makes a new one.
#[derive(Debug, Default)]
pub struct RuleSet {
    /// In the order of evaluation.
    rules: Vec<Arc<CompiledRule>>,
    index: Index,
    by_id: HashMap<i64, u32>,
    /// What any of them resolves, each once.
    resolvable: Vec<Pattern>,
}

/// Everything rendering and evaluating need of one event, parsed once.
pub struct EventContext<'a> {
    /// The event.
    pub event: &'a Event,
    pub(crate) payload: Value<'a>,
    pub(crate) fields: OnceCell<Value<'a>>,
    pub(crate) now: jiff::Timestamp,
    /// The last reader's zone: people of one company mostly share one, and looking it up takes a lock.
    zone: Option<(String, TimeZone)>,
}

impl RuleSet {
    /// Compiles rules; each that can't be compiled is left out and its fault returned with (id, version).
    #[must_use]
    pub fn compile(rows: &[RuleRow]) -> (Self, Vec<(i64, i32, Fault)>) {
        let mut order: Vec<&RuleRow> = rows.iter().collect();
        // The newest version first among equals, so that it is the one that stays.
        order.sort_by(|a, b| {
            b.priority
                .cmp(&a.priority)
                .then(a.id.cmp(&b.id))
                .then(b.version.cmp(&a.version))
        });
        let mut seen = HashMap::with_capacity(rows.len());
        for row in rows {
            let newest = seen.entry(row.id).or_insert(row.version);
            *newest = (*newest).max(row.version);
        }
        let (mut set, mut faults) = (Self::default(), Vec::new());
        for row in order {
            if seen.get(&row.id) != Some(&row.version) {
                let detail = "the rule is there twice; its newest version counts".to_owned();
                faults.push((
                    row.id,
                    row.version,
                    Fault {
                        place: String::new(),
                        detail,
                    },
                ));
                continue;
            }
            let position = u32::try_from(set.rules.len()).unwrap_or(u32::MAX);
            match CompiledRule::compile(row) {
                Ok((rule, pattern)) => {
                    // The same version a second time is the same rule: taken once.
                    seen.insert(row.id, i32::MIN);
                    set.index.add(&pattern, position);
                    set.by_id.insert(row.id, position);
                    for what in &rule.definition.memory.resolves {
                        if !set.resolvable.contains(&what.pattern) {
                            set.resolvable.push(what.pattern.clone());
                        }
                    }
                    set.rules.push(Arc::new(rule));
                }
                Err(fault) => faults.push((row.id, row.version, fault)),
            }
        }
        (set, faults)
    }

    /// The rule of an id.
    #[must_use]
    pub fn by_id(&self, id: i64) -> Option<&Arc<CompiledRule>> {
        let position = self.by_id.get(&id)?;
        self.rules.get(*position as usize)
    }

    /// The rules that are held.
    pub fn held(&self) -> impl Iterator<Item = i64> {
        let held = self.rules.iter().filter(|rule| rule.facts.is_held);
        held.map(|rule| rule.facts.id)
    }

    /// Whether some rule resolves events of this type.
    #[must_use]
    pub fn resolves(&self, event_type: &str) -> bool {
        let all = self.resolvable.iter();
        all.into_iter().any(|what| what.matches(event_type))
    }

    /// How many rules are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules that are true for an event, highest priority first. `now` is the database's. `progress` is told each
    /// rule's (id, version) before it is evaluated, so that a watchdog can name the one that hangs.
    #[must_use]
    pub fn evaluate(
        &self,
        context: &EventContext<'_>,
        now: jiff::Timestamp,
        progress: &mut dyn FnMut(i64, i32),
    ) -> (Vec<Match>, Vec<Warning>) {
        let event = context.event;
        let (mut matches, mut warnings) = (Vec::new(), Vec::new());
        let arena = Bump::new();
        // Made for the first rule that has a condition; most events meet none.
        let data: OnceCell<Result<Data<'_>, String>> = OnceCell::new();
        for position in self.index.find(&event.event_type) {
            let Some(rule) = self.rules.get(position as usize) else {
                continue;
            };
            if rule
                .source_module
                .as_ref()
                .is_some_and(|module| *module != event.source_module)
            {
                continue;
            }
            progress(rule.facts.id, rule.facts.version);
            let mut warn = |kind, detail| {
                if warnings.len() < limits::WARNINGS {
                    warnings.push(Warning {
                        rule: rule.facts.name.clone(),
                        kind,
                        detail,
                    });
                }
            };
            if let Some(condition) = &rule.condition {
                match data.get_or_init(|| Data::new(event, now, &arena)) {
                    Ok(data) => match condition.holds(data) {
                        Verdict::Match => {}
                        Verdict::NoMatch => continue,
                        Verdict::TypeError(detail) => {
                            warn("type_error", detail);
                            continue;
                        }
                        Verdict::TooLarge(detail) => {
                            warn("too_large", detail);
                            continue;
                        }
                    },
                    Err(detail) => {
                        warn("type_error", format!("the payload can't be read: {detail}"));
                        continue;
                    }
                }
            }
            let (audience, over) = rule.audience(context);
            if over > 0 {
                warn(
                    "too_large",
                    format!("{over} people more than {} are left out", limits::USERS),
                );
            }
            let moments = rule.moments(context, &mut warnings);
            matches.push(Match {
                rule: Arc::clone(rule),
                audience,
                step: 0,
                moments: moments.map(Box::new),
            });
        }
        (matches, warnings)
    }
}

impl<'a> EventContext<'a> {
    /// Parses the payload once.
    ///
    /// # Errors
    /// When the payload can't be read (a SQL producer can store what we refuse over HTTP).
    pub fn new(event: &'a Event) -> crate::kernel::Result<Self> {
        let payload = Value::parse(&event.payload).map_err(|e| {
            Error::invalid_at(
                "payload_unreadable",
                "/payload",
                format!("the payload can't be read: {e}"),
            )
        })?;
        if !matches!(payload, Value::Map(_)) {
            return Err(Error::invalid_at(
                "payload_unreadable",
                "/payload",
                "the payload is no object",
            ));
        }
        Ok(Self {
            event,
            payload,
            fields: OnceCell::new(),
            now: event.received_at,
            zone: None,
        })
    }

    /// At what moment texts are rendered, by the database's clock: what `{{relative …}}` counts from. Unless said, it is
    /// the event's receipt.
    #[must_use]
    pub fn at(self, now: jiff::Timestamp) -> Self {
        Self { now, ..self }
    }

    /// The reader's zone; UTC and a warning when there is no such zone.
    pub(crate) fn zone(&mut self, name: &str, notes: &mut Notes<'_>) -> TimeZone {
        if let Some((known, zone)) = &self.zone
            && known == name
        {
            return zone.clone();
        }
        let zone = TimeZone::get(name).unwrap_or_else(|_| {
            notes.add(
                "unknown_timezone",
                format!("there is no time zone `{name}`; times are in UTC"),
            );
            TimeZone::UTC
        });
        self.zone = Some((name.to_owned(), zone.clone()));
        zone
    }
}

impl CompiledRule {
    /// Compiles one row. Whatever happens in the libraries, it is this rule's fault and nobody else's.
    pub(crate) fn compile(row: &RuleRow) -> Result<(Self, Pattern), Fault> {
        catch_unwind(AssertUnwindSafe(|| Self::read(row))).unwrap_or_else(|_| {
            Err(Fault {
                place: String::new(),
                detail: "the rule can't be compiled".to_owned(),
            })
        })
    }

    fn read(row: &RuleRow) -> Result<(Self, Pattern), Fault> {
        let pattern = Pattern::parse(&row.event_type_pattern)?;
        let condition = match row.conditions.as_deref().map(str::trim) {
            None | Some("null") => None,
            Some(text) => Some(Condition::compile(text)?),
        };
        let definition = Definition::parse(&row.notification_template)?;
        let any = |test: fn(&Template) -> bool| {
            definition
                .all_texts()
                .any(|(_, text)| text.templates().any(test))
        };
        let (personal, dated) = (any(Template::is_personal), any(Template::has_dates));
        let facts = RuleFacts {
            id: row.id,
            version: row.version,
            name: row.name.clone(),
            priority: row.priority,
            severity: definition.severity,
            category: definition.category.clone(),
            channels: definition.channels.clone(),
            mandatory: definition.mandatory,
            is_held: row.is_held,
            personal,
        };
        Ok((
            Self {
                facts,
                source_module: row.source_module.clone(),
                condition,
                dated,
                definition,
            },
            pattern,
        ))
    }

    /// Its condition; `None` = always.
    pub(crate) fn condition(&self) -> Option<&Condition> {
        self.condition.as_ref()
    }

    /// Whom it is for, for one event, and how many were left out because there were too many.
    pub(crate) fn audience(&self, context: &EventContext<'_>) -> (Audience, usize) {
        self.audience_of(&self.definition.audience, context)
    }
}
