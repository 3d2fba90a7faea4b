//! What the demo says: a line per event, under it who was told by what; the check's summary; where to look around. Colours
//! only where they are wanted.

use std::collections::BTreeMap;
use std::io::Write;

use crate::cli::demo::check::Report;
use crate::cli::demo::play::{Delivered, Outcome};
use crate::cli::demo::story::{Act, Way};
use crate::kernel::{ChannelKind, Error, Result};

/// Somewhere to print to.
pub struct Printer<'a> {
    out: &'a mut (dyn Write + Send),
    colours: bool,
}

/// Colours, by meaning.
#[derive(Clone, Copy)]
enum Ink {
    Strong,
    Quiet,
    Good,
    Warn,
    Bad,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Self::Strong => "1",
            Self::Quiet => "2",
            Self::Good => "32",
            Self::Warn => "33",
            Self::Bad => "31",
        }
    }
}

/// Where to look around, for [`Printer::links`].
#[derive(Debug)]
pub struct Links<'a> {
    /// `http://127.0.0.1:8002`.
    pub base_url: &'a str,
    /// A command that opens psql on the demo's database.
    pub psql: &'a str,
    /// The folder of mails.
    pub email_dir: &'a str,
    /// Shell variable, who it is, token.
    pub tokens: &'a [(&'static str, &'static str, String)],
    /// The body of an example batch.
    pub batch: &'a str,
}

impl<'a> Printer<'a> {
    /// Prints to `out`.
    pub fn new(out: &'a mut (dyn Write + Send), colours: bool) -> Self {
        Self { out, colours }
    }

    fn ink(&self, ink: Ink, text: &str) -> String {
        if self.colours {
            format!("\u{1b}[{}m{text}\u{1b}[0m", ink.code())
        } else {
            text.to_owned()
        }
    }

    /// A line.
    ///
    /// # Errors
    /// When the output is closed.
    pub fn line(&mut self, text: &str) -> Result<()> {
        writeln!(self.out, "{text}")
            .and_then(|()| self.out.flush())
            .map_err(|e| Error::internal("the output is closed", e))
    }

    /// A headline.
    ///
    /// # Errors
    /// When the output is closed.
    pub fn headline(&mut self, text: &str) -> Result<()> {
        let text = self.ink(Ink::Strong, text);
        self.line(&format!("\n{text}"))
    }

    /// An act, its events, and what came of each. `names` are the people's, by id.
    ///
    /// # Errors
    /// When the output is closed.
    pub fn act(
        &mut self,
        act: &Act,
        outcomes: &[Outcome],
        names: &BTreeMap<String, String>,
    ) -> Result<()> {
        let way = match act.way {
            Way::Sql => "SQL",
            Way::Http => "HTTP",
        };
        let heading = format!("{} {}, by {way}", act.branch, act.title);
        let heading = self.ink(Ink::Quiet, &heading);
        self.line(&heading)?;
        for (event, outcome) in act.events.iter().zip(outcomes) {
            let kind = self.ink(Ink::Strong, &event.event.event_type);
            self.line(&format!("  {kind}  {}", event.summary))?;
            self.outcome(outcome, names)?;
        }
        Ok(())
    }

    fn outcome(&mut self, outcome: &Outcome, names: &BTreeMap<String, String>) -> Result<()> {
        if let Some(error) = &outcome.error {
            let text = self.ink(Ink::Bad, &format!("its evaluation failed: {error}"));
            self.line(&format!("      {text}"))?;
        }
        if outcome.told.is_empty() {
            let text = match (outcome.event_id, outcome.evaluated) {
                (None, _) => self.ink(Ink::Bad, "not stored"),
                (_, false) => self.ink(Ink::Bad, "not evaluated yet"),
                (_, true) => self.ink(Ink::Quiet, "nobody needs to be told"),
            };
            return self.line(&format!("      {text}"));
        }
        for told in &outcome.told {
            let ways: Vec<String> = told.deliveries.iter().map(|d| self.delivery(d)).collect();
            let name = names.get(&told.user_id).map_or("", String::as_str);
            self.line(&format!(
                "    → {} {name}: {}",
                told.user_id,
                ways.join(", ")
            ))?;
        }
        // One text per language is enough to read along.
        let mut languages = BTreeMap::new();
        for told in &outcome.told {
            languages.entry(&told.locale).or_insert(&told.title);
        }
        for (language, title) in languages {
            let text = self.ink(Ink::Quiet, &format!("{language}: {title}"));
            self.line(&format!("      {text}"))?;
        }
        Ok(())
    }

    fn delivery(&self, delivery: &Delivered) -> String {
        let channel = match delivery.channel {
            ChannelKind::InApp => "in-app",
            ChannelKind::Email => "e-mail",
            other => other.as_str(),
        };
        let why = |word: &str| {
            let reason = delivery.error.as_deref().unwrap_or("no reason noted");
            format!("{channel} {word} ({reason})")
        };
        match delivery.status.as_str() {
            "sent" | "delivered" => self.ink(Ink::Good, channel),
            "pending" => self.ink(Ink::Warn, &format!("{channel} still under way")),
            "dead" => self.ink(Ink::Bad, &why("dead")),
            other => self.ink(Ink::Warn, &why(other)),
        }
    }

    /// The check's summary.
    ///
    /// # Errors
    /// When the output is closed.
    pub fn report(&mut self, round: u32, report: &Report) -> Result<()> {
        self.headline(&format!("Round {round}: {} events", report.events))?;
        for (what, (expected, found)) in [
            ("notifications in inboxes", report.in_app),
            ("e-mails as files", report.email),
            ("e-mails withheld for want of an address", report.suppressed),
        ] {
            let ink = if expected == found {
                Ink::Good
            } else {
                Ink::Bad
            };
            let counts = self.ink(ink, &format!("{found} of {expected} expected"));
            self.line(&format!("  {what}: {counts}"))?;
        }
        for (heading, lines) in [
            ("Missing", &report.missing),
            ("Extra", &report.extra),
            ("Not as it should be", &report.wrong),
        ] {
            if !lines.is_empty() {
                let heading = self.ink(Ink::Bad, heading);
                self.line(&format!("  {heading}"))?;
            }
            for line in lines {
                self.line(&format!("    {line}"))?;
            }
        }
        let verdict = if report.is_good() {
            self.ink(
                Ink::Good,
                "Everybody was told who should be, and nobody else.",
            )
        } else {
            self.ink(
                Ink::Bad,
                "This is not as it should be. (Were people or starter rules changed in this database? The check knows them as they ship.)",
            )
        };
        self.line(&format!("  {verdict}"))
    }

    /// Where to look around.
    ///
    /// # Errors
    /// When the output is closed.
    pub fn links(&mut self, links: &Links<'_>) -> Result<()> {
        let Links {
            base_url,
            psql,
            email_dir,
            tokens,
            batch,
        } = links;
        self.headline("Look around, in another terminal, while this runs")?;
        self.line("  Tokens first:")?;
        for (variable, who, token) in *tokens {
            let who = self.ink(Ink::Quiet, &format!("# {who}"));
            self.line(&format!("    {variable}={token}  {who}"))?;
        }
        let auth = |variable: &str| format!("-H \"Authorization: Bearer ${variable}\"");
        let (zainab, nadia, erp) = (auth("ZAINAB"), auth("NADIA"), auth("ERP"));
        let batch = batch.replace('\'', "'\\''");
        let places = [
            ("is it well?", format!("curl -s {nadia} {base_url}/health")),
            (
                "Zainab's inbox (Arabic)",
                format!("curl -s {zainab} '{base_url}/v1/notifications?status=unread&limit=5'"),
            ),
            (
                "how many are unread",
                format!("curl -s {nadia} {base_url}/v1/notifications/count"),
            ),
            (
                "Nadia's stream, live",
                format!("curl -N {nadia} {base_url}/v1/notifications/stream"),
            ),
            (
                "be the ERP, by HTTP",
                format!(
                    "curl -s {erp} -H 'Content-Type: application/json' -d '{batch}' {base_url}/v1/events/batch"
                ),
            ),
            ("the database", (*psql).to_owned()),
            ("the e-mails", format!("ls {email_dir}")),
        ];
        for (what, command) in places {
            let what = self.ink(Ink::Strong, what);
            self.line(&format!("  {what}\n    {command}"))?;
        }
        self.line("  In psql, be the ERP by SQL, or see what waits:")?;
        self.line("    select neurolink_emit('inventory', 'stock.low', '{\"product_id\": 7, \"product_name\": \"Fan\", \"warehouse_name\": \"Dora\", \"quantity\": 1, \"reorder_level\": 5}', branch_id => 'BGD');")?;
        self.line("    select * from neurolink_queue_health;")
    }
}

#[cfg(test)]
#[path = "print_tests.rs"]
mod tests;
