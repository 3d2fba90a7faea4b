//! The company that is told things while everything dies: people, rules, and by hand who must be told of what. Goes into
//! the database at the start and into the verdict at the end, which therefore shares nothing with the product's engine.

use serde_json::{Value, json};

/// id, address, roles, branches.
type Row = (
    &'static str,
    Option<&'static str>,
    &'static str,
    &'static str,
);

#[rustfmt::skip]
pub const PEOPLE: &[Row] = &[
    ("acc1",    Some("acc1@chaos.example"),    "{accountant}", "{bgd}"),
    ("acc2",    Some("acc2@chaos.example"),    "{accountant}", "{bsr}"),
    ("acc3",    Some("acc3@chaos.example"),    "{accountant}", "{*}"),
    ("bounce",  Some("fail550@chaos.example"), "{accountant}", "{bgd}"),
    ("silent",  None,                          "{accountant}", "{bsr}"),
    ("keep1",   Some("keep1@chaos.example"),   "{keeper}",     "{bgd}"),
    ("keep2",   Some("keep2@chaos.example"),   "{keeper}",     "{bsr}"),
    ("cfo",     Some("cfo@chaos.example"),     "{cfo}",        "{*}"),
    ("auditor", None,                          "{auditor}",    "{*}"),
];

/// Whose inboxes are streamed. The auditor hears of everything.
pub const READERS: &[&str] = &["acc1", "acc3", "silent", "keep1", "cfo", "auditor"];

/// A row that no table takes: the pipeline's own statement fails, and nobody says whose fault it was.
pub const REFUSE_POISON: &str = "alter table neurolink_notifications add constraint chaos_poison_ck check (title not like '%poison%')";

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    Sale,
    Stock,
    Alarm,
    Bill,
}

/// Events no evaluation survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poison {
    /// Nested too deep to be read: the culprit is known.
    Deep,
    /// Its notification is refused by the table: the culprit must be found.
    Refused,
}

/// Everything that decides who must be told.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Its number, unique in the run, by which it is recognised everywhere.
    pub n: u64,
    pub about: About,
    pub branch: &'static str,
    /// Stock: below ten is told.
    pub quantity: usize,
    /// Bills: who is asked to pay.
    pub owner: &'static str,
    /// Sales: given, the fragile rule renders; else it breaks at run time.
    pub extra: bool,
    pub poison: Option<Poison>,
}

impl Spec {
    pub fn mark(&self) -> String {
        format!("n{}", self.n)
    }

    pub fn event_type(&self) -> &'static str {
        match self.about {
            About::Sale => "chaos.sale",
            About::Stock => "chaos.stock",
            About::Alarm => "chaos.alarm",
            About::Bill => "chaos.bill",
        }
    }

    pub fn severity(&self) -> &'static str {
        if self.about == About::Alarm {
            "critical"
        } else {
            "info"
        }
    }

    pub fn payload(&self) -> Value {
        let word = if self.poison == Some(Poison::Refused) {
            "poison"
        } else {
            "fine"
        };
        let mut payload =
            json!({"n": self.mark(), "qty": self.quantity, "owner": self.owner, "word": word});
        if self.extra {
            payload["extra"] = json!("more");
        }
        if self.poison == Some(Poison::Deep) {
            payload["deep"] = (0..200).fold(json!(1), |inside, _| json!([inside]));
        }
        payload
    }
}

/// What must come of an event for one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Telling {
    pub rule: &'static str,
    pub user: &'static str,
    pub channels: &'static [&'static str],
}

const INBOX: &[&str] = &["in_app"];
const BOTH: &[&str] = &["email", "in_app"];
const MAIL: &[&str] = &["email"];

/// By hand: (rule, person) pairs, each once.
pub fn expected(spec: &Spec) -> Vec<Telling> {
    if spec.poison.is_some() {
        return Vec::new();
    }
    let tell = |rule, user, channels| Telling {
        rule,
        user,
        channels,
    };
    let mut all = vec![tell("everything", "auditor", INBOX)];
    match (spec.about, spec.branch) {
        (About::Sale, branch) => {
            let who: &[&str] = if branch == "bgd" {
                &["acc1", "acc3", "bounce"]
            } else {
                &["acc2", "acc3", "silent"]
            };
            all.extend(who.iter().map(|user| tell("sale", user, BOTH)));
            if spec.extra {
                all.push(tell("fragile", "cfo", INBOX));
            }
        }
        (About::Stock, branch) if spec.quantity < 10 => {
            all.push(tell(
                "stock",
                if branch == "bgd" { "keep1" } else { "keep2" },
                BOTH,
            ));
        }
        (About::Stock, _) => {}
        (About::Alarm, _) => all.push(tell("alarm", "cfo", BOTH)),
        (About::Bill, _) => all.push(tell("bill", spec.owner, MAIL)),
    }
    all.sort_unstable();
    all
}

/// The rules those tellings come from, and two that must never tell anybody anything: one that can't be compiled, and one that
/// breaks at run time wherever `extra` is missing.
pub fn rules() -> Vec<(&'static str, &'static str, Option<Value>, Value, i32)> {
    let low = json!({"<": [{"var": "payload.qty"}, 10]});
    vec![
        (
            "sale",
            "chaos.sale",
            None,
            json!({"title": "{{n}} sale", "recipient_roles": ["accountant"], "channels": BOTH}),
            0,
        ),
        (
            "stock",
            "chaos.stock",
            Some(low),
            json!({"title": "{{n}} stock", "recipient_roles": ["keeper"], "channels": BOTH}),
            -5,
        ),
        (
            "alarm",
            "chaos.alarm",
            None,
            json!({"title": "{{n}} alarm", "recipient_users": ["cfo"], "channels": BOTH}),
            250,
        ),
        (
            "bill",
            "chaos.bill",
            None,
            json!({"title": "{{n}} bill", "recipient_fields": ["owner"], "channels": MAIL}),
            0,
        ),
        (
            "everything",
            "chaos.*",
            None,
            json!({"title": "{{n}} {{word}}", "recipient_roles": ["auditor"], "recipient_branches": "any"}),
            0,
        ),
        (
            "fragile",
            "chaos.sale",
            None,
            json!({"title": "{{n}} {{extra}}", "on_missing": "fail", "recipient_users": ["cfo"]}),
            0,
        ),
        ("broken", "chaos.*", None, broken(0), 0),
    ]
}

/// A template nobody can compile; another one every time.
pub fn broken(nth: usize) -> Value {
    json!({"title": format!("{{{{#if n}} broken {nth}"), "recipient_users": ["cfo"]})
}
