//! A mail as its reader would see it, drawn without sending one: by the layout that draws those that are sent. Comes from previews
//! with a delivery's texts, goes back to them. Pure.

use super::language::Language;
use super::layout::{Layout, Page};
use super::{address, message};
use crate::config::Email;
use crate::deliveries::model::Outgoing;
use crate::kernel::{Error, Result};

/// What stands in the last line where nobody has said who sends.
const SENDER: &str = "NeuroLink";

/// A mail's parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// One line.
    pub subject: String,
    /// The plain alternative.
    pub text: String,
    /// The other.
    pub html: String,
}

/// Draws mails, also where e-mail isn't configured.
pub struct Drawing(Layout);

impl Drawing {
    /// As mails of these settings look.
    ///
    /// # Errors
    /// `Internal`, when the layout's own template is broken.
    pub fn from_config(email: &Email, erp_url: Option<&str>) -> Result<Self> {
        let sender = address::parse_sender(&email.from).ok();
        let name = sender.map_or_else(
            || SENDER.to_owned(),
            |sender| sender.name.unwrap_or_else(|| sender.email.to_string()),
        );
        Ok(Self(Layout::new(name, erp_url)?))
    }

    /// The mail of a delivery.
    ///
    /// # Errors
    /// When the layout can't be drawn.
    pub fn draw(&self, delivery: &Outgoing) -> Result<Drawn> {
        let language = Language::of(&delivery.locale);
        let Page { text, html } = self
            .0
            .page(delivery, &language)
            .map_err(|error| Error::broken(error.to_string()))?;
        Ok(Drawn {
            subject: message::subject(delivery),
            text,
            html,
        })
    }
}
