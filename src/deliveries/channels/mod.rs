//! Station 8: one file per channel. A channel turns an [`Outgoing`] into a provider's call and its answer into a
//! receipt or a typed error. To add one: a file here, a line in the registration, its page, its test.

pub mod email;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::config::Config;
use crate::deliveries::model::{Outgoing, Receipt, SendError};
use crate::kernel::{ChannelKind, Result};

/// A try under way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Receipt, SendError>> + Send + 'a>>;

/// A way out.
pub trait Channel: Send + Sync {
    /// Which it is.
    fn kind(&self) -> ChannelKind;
    /// No try lasts longer; a try isn't begun unless the rest of its lease is longer than this.
    fn timeout(&self) -> Duration;
    /// How many tries may be under way at once on this node.
    fn concurrency(&self) -> usize;
    /// Tries once. Must be safe to drop at any await.
    fn send<'a>(&'a self, delivery: &'a Outgoing) -> Sending<'a>;
}

/// The registration: every channel the settings configure. A kind that isn't among them is *not configured*; in-app
/// isn't either, since its delivery is the notification's own commit.
///
/// # Errors
/// `Invalid`, naming the settings a channel can't be made of.
pub fn configured(config: &Config) -> Result<Vec<Arc<dyn Channel>>> {
    let mut channels: Vec<Arc<dyn Channel>> = Vec::new();
    if let Some(email) = email::EmailChannel::from_config(&config.email, config.erp_url.as_deref())?
    {
        channels.push(Arc::new(email));
    }
    Ok(channels)
}
