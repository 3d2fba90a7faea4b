//! Deliveries as auditors see them: without addresses (`kernel::mask`). Pure.

use crate::deliveries::log::{Attempt, Delivery};
use crate::kernel::mask::{address, text};

/// A delivery as auditors see it.
#[must_use]
pub fn delivery(mut delivery: Delivery) -> Delivery {
    let own = delivery.address.take();
    delivery.last_error = delivery.last_error.map(|e| text(&e, own.as_deref()));
    delivery.address = own.as_deref().map(address);
    delivery
}

/// An attempt at a delivery to `own`, as auditors see it.
#[must_use]
pub fn attempt(mut attempt: Attempt, own: Option<&str>) -> Attempt {
    attempt.error = attempt.error.map(|e| text(&e, own));
    attempt
}
