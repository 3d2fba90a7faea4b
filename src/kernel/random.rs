//! The home of randomness: secrets from the system's source, jitter from the thread's.

use base64::Engine as _;
use rand::{Rng as _, TryRngCore as _};

/// In 0..1, for jitter.
#[must_use]
pub fn unit() -> f64 {
    rand::rng().random()
}

/// A fresh incarnation or message id.
#[must_use]
pub fn uuid() -> uuid::Uuid {
    uuid::Uuid::now_v7()
}

/// A secret of `bytes` random bytes from the operating system, in URL-safe base64.
///
/// # Errors
/// When the operating system gives no randomness.
pub fn secret(bytes: usize) -> crate::kernel::Result<String> {
    let mut raw = vec![0u8; bytes];
    rand::rngs::OsRng.try_fill_bytes(&mut raw).map_err(|e| {
        crate::kernel::Error::internal("no randomness from the operating system", e)
    })?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(raw))
}
