//! Who is calling. Comes in: the `Authorization` header. Goes out: a [`Principal`], or why not. Tokens are HS256 JWTs
//! made by the ERP with a secret both know; `exp` is required, and no other algorithm is taken, `none` least of all.

use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Map, Value};

use super::route::{Access, Principal};
use crate::config;
use crate::kernel::{Error, Result};

/// How far clocks may differ, in seconds.
const LEEWAY: u64 = 5;

/// Verifies tokens. Cheap to clone.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    key: DecodingKey,
    validation: Validation,
    settings: config::Auth,
}

impl Authenticator {
    /// With the settings' secret, claim and role names.
    #[must_use]
    pub fn new(settings: &config::Auth) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        let mut required = vec!["exp"];
        if let Some(issuer) = &settings.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        // Without a setting we don't know our own name: tokens made for several services are then as good as any.
        validation.validate_aud = settings.audience.is_some();
        if let Some(audience) = &settings.audience {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        validation.set_required_spec_claims(&required);
        Self(Arc::new(Inner {
            key: DecodingKey::from_secret(settings.secret.expose().as_bytes()),
            validation,
            settings: settings.clone(),
        }))
    }

    /// Who a token speaks for.
    ///
    /// # Errors
    /// `Unauthenticated`: `token_expired`, `token_invalid`.
    pub fn verify(&self, token: &str) -> Result<Principal> {
        let Inner {
            key,
            validation,
            settings,
        } = &*self.0;
        let claims = decode::<Map<String, Value>>(token, key, validation)
            .map_err(|fault| refusal(fault.kind()))?
            .claims;
        let subject = claims
            .get(&settings.subject_claim)
            .and_then(id)
            .filter(|s| !s.is_empty() && s.len() <= 128 && !s.contains('\0'))
            .ok_or_else(|| invalid("the token names no subject"))?;
        let roles = list(&claims, &settings.roles_claim)?;
        let has = |role: &str| roles.iter().any(|own| own == role);
        Ok(Principal {
            subject,
            is_admin: has(&settings.admin_role),
            is_producer: has(&settings.producer_role),
            is_auditor: has(&settings.auditor_role),
            branch_ids: list(&claims, &settings.branches_claim)?,
            expires_at: claims
                .get("exp")
                .and_then(Value::as_f64)
                .and_then(|seconds| jiff::Timestamp::from_second(seconds as i64).ok()),
        })
    }

    /// Who sent these headers, if a route of this access wants to know. On a public route a token that doesn't hold is
    /// as good as none: probes and links must not break because a browser added an old token.
    ///
    /// # Errors
    /// `Unauthenticated` as [`Self::verify`], or `token_missing`; `Forbidden` for a caller without the right.
    pub fn admit(&self, headers: &HeaderMap, access: Access) -> Result<Option<Principal>> {
        let caller = match bearer(headers) {
            Ok(Some(token)) => self.verify(token).map(Some),
            Ok(None) => Ok(None),
            Err(fault) => Err(fault),
        };
        if access == Access::Public {
            return Ok(caller.unwrap_or_default());
        }
        let Some(principal) = caller? else {
            return Err(Error::Unauthenticated {
                code: "token_missing",
                detail: "a bearer token is needed: `Authorization: Bearer …`".to_owned(),
            });
        };
        let settings = &self.0.settings;
        let (allowed, role) = match access {
            Access::Public | Access::Anyone => (true, ""),
            Access::Producer => (
                principal.is_producer || principal.is_admin,
                &*settings.producer_role,
            ),
            Access::Auditor => (
                principal.is_auditor || principal.is_admin,
                &*settings.auditor_role,
            ),
            Access::Admin => (principal.is_admin, &*settings.admin_role),
        };
        if allowed {
            Ok(Some(principal))
        } else {
            Err(Error::Forbidden(format!("this needs the role `{role}`")))
        }
    }
}

fn invalid(detail: &str) -> Error {
    Error::Unauthenticated {
        code: "token_invalid",
        detail: detail.to_owned(),
    }
}

fn refusal(kind: &ErrorKind) -> Error {
    match kind {
        ErrorKind::ExpiredSignature => Error::Unauthenticated {
            code: "token_expired",
            detail: "the token has expired".to_owned(),
        },
        ErrorKind::ImmatureSignature => invalid("the token is not valid yet"),
        ErrorKind::InvalidIssuer => invalid("the token has another issuer"),
        ErrorKind::InvalidAudience => invalid("the token is for another audience"),
        ErrorKind::MissingRequiredClaim(name) => {
            invalid(&format!("the token has no usable `{name}`"))
        }
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => {
            invalid("the token is not signed with HS256")
        }
        // Not said apart: who guesses shouldn't learn how far the guess got.
        _ => invalid("the token is malformed or signed with another secret"),
    }
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    match text.split_once(' ') {
        Some((scheme, token))
            if scheme.eq_ignore_ascii_case("bearer") && values.next().is_none() =>
        {
            Ok(Some(token.trim()))
        }
        _ => Err(invalid(
            "the `Authorization` header is not one `Bearer` token",
        )),
    }
}

/// A string, or a whole number as its digits.
fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(n) if n.is_i64() || n.is_u64() => Some(n.to_string()),
        _ => None,
    }
}

/// The claim `name`, or its singular: an array, or one text with spaces or commas between, or one number.
fn list(claims: &Map<String, Value>, name: &str) -> Result<Vec<String>> {
    // branch_ids → branch_id, roles → role.
    let singular = name.strip_suffix('s').unwrap_or(name);
    let odd = || {
        invalid(&format!(
            "the token's `{name}` is neither text nor a list of texts"
        ))
    };
    match claims.get(name).or_else(|| claims.get(singular)) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(|item| id(item).ok_or_else(odd)).collect(),
        Some(Value::String(text)) => Ok(text
            .split([' ', ','])
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()),
        Some(other) => Ok(vec![id(other).ok_or_else(odd)?]),
    }
}

#[cfg(test)]
mod tests;
