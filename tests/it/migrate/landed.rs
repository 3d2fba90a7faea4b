//! What landed stays: migrations that databases have.

use sha2::{Digest as _, Sha256};

/// A database that has them refuses a text that differs: what has landed is changed by a new migration.
#[test]
fn migrations_that_landed_are_as_they_were() {
    for (text, landed) in [
        (
            include_str!("../../../sql/migrations/V0001__line.sql"),
            "bf7a4b57e0a61217c1285b262b54272901279e9c06db511947eec02c8be99a9f",
        ),
        (
            include_str!("../../../sql/migrations/V0002__surface.sql"),
            "767f6cf7dd796345cc8d95a86f41f840d24cd5fbc1e0f2afd0fe9949a4af29e0",
        ),
        (
            include_str!("../../../sql/migrations/V0003__trust.sql"),
            "f1897d4da1759230335414b3d1d915f8b9a195d0fff57662bf62c937baef0e93",
        ),
    ] {
        let hash = Sha256::digest(text.as_bytes());
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, landed, "{}", text.lines().next().unwrap_or_default());
    }
}
