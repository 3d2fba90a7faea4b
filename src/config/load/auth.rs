//! Who is who: the secret, the claims' and the roles' names. From the reader to `Auth`.

use crate::config::reader::{Reader, Reported};
use crate::config::{Auth, Needs, values};
use crate::kernel::Secret;

/// Shorter secrets can be guessed from a single token (RFC 7518 §3.2 asks as many bytes as the hash has).
const SECRET_BYTES: usize = 32;

pub(super) fn auth(r: &mut Reader<'_>, needs: Needs) -> Result<Option<Auth>, Reported> {
    let secret = r.optional("JWT_SECRET_KEY", secret);
    let secret = match (secret, needs) {
        (Ok(None), Needs::TokenSecret) => Err(r.fault(
            "JWT_SECRET_KEY",
            "is not set",
            "tokens are signed with it; give the secret the ERP signs with, or make one with `openssl rand -base64 48`",
        )),
        (secret, _) => secret,
    };
    let issuer = r.optional("NEUROLINK_JWT_ISSUER", |t| Ok(t.to_owned()));
    let audience = r.optional("NEUROLINK_JWT_AUDIENCE", |t| Ok(t.to_owned()));
    let subject = distinct(r, CLAIMS, RESERVED);
    let roles = distinct(r, ROLES, &[]);
    let (secret, issuer, audience) = (secret?, issuer?, audience?);
    let [subject_claim, roles_claim, branches_claim] = subject?;
    let [admin_role, producer_role, auditor_role] = roles?;
    Ok(secret.map(|secret| Auth {
        secret,
        issuer,
        audience,
        subject_claim,
        roles_claim,
        branches_claim,
        admin_role,
        producer_role,
        auditor_role,
    }))
}

const CLAIMS: [&str; 3] = [
    "NEUROLINK_JWT_SUBJECT_CLAIM",
    "NEUROLINK_JWT_ROLES_CLAIM",
    "NEUROLINK_JWT_BRANCHES_CLAIM",
];
const ROLES: [&str; 3] = [
    "NEUROLINK_ROLE_ADMIN",
    "NEUROLINK_ROLE_PRODUCER",
    "NEUROLINK_ROLE_AUDITOR",
];
/// Claims whose meaning RFC 7519 fixes.
const RESERVED: &[&str] = &["exp", "nbf", "iat", "iss", "aud", "jti"];

/// Three names that must differ: the same claim or role for two things would give rights by accident.
fn distinct(
    r: &mut Reader<'_>,
    settings: [&'static str; 3],
    reserved: &[&str],
) -> Result<[String; 3], Reported> {
    let [a, b, c] = settings.map(|setting| r.value(setting, values::name));
    let names = [a?, b?, c?];
    let mut result = Ok(());
    for (index, name) in names.iter().enumerate() {
        if reserved.contains(&name.as_str()) {
            let right = "this claim has a fixed meaning of its own; expected another name";
            result = Err(r.fault(settings[index], format!("is `{name}`"), right));
        }
        if let Some(earlier) = names[..index].iter().position(|other| other == name) {
            let right = format!(
                "{} is that already; expected another name",
                settings[earlier]
            );
            result = Err(r.fault(settings[index], format!("is `{name}`"), right));
        }
    }
    result.map(|()| names)
}

fn secret(text: &str) -> Result<Secret, String> {
    if text.len() < SECRET_BYTES {
        return Err(format!(
            "it has {} bytes, at least {SECRET_BYTES} are needed; `openssl rand -base64 48` makes one",
            text.len()
        ));
    }
    Ok(Secret::new(text))
}
