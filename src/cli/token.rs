//! `neurolink token`: a token such as the ERP makes, signed with the configured secret, under the configured claim names.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};

use crate::cli::{Context, Exit, Outcome};
use crate::config::{Auth, Needs, values};
use crate::kernel::{Error, Result, clock};

const EXAMPLES: &str = "\
Examples:
  neurolink token --sub 17 --roles accountant --branches BGD
  neurolink token --sub erp --roles producer --expires 30d
  curl -H \"Authorization: Bearer $(neurolink token --sub 17)\" localhost:8002/v1/notifications

Whoever holds the token is that user until it expires.";

/// The longest life of a token made here.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// Arguments of `neurolink token`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Who it is for: the user's id
    #[arg(long, value_name = "USER", value_parser = id)]
    sub: String,
    /// Roles, commas between
    #[arg(long, value_name = "ROLE,…", value_delimiter = ',', value_parser = id)]
    roles: Vec<String>,
    /// Branches, commas between; * is all
    #[arg(long, value_name = "BRANCH,…", value_delimiter = ',', value_parser = id)]
    branches: Vec<String>,
    /// How long it holds, such as 30m, 12h, 7d
    #[arg(long, value_name = "DURATION", default_value = "12h", value_parser = life)]
    expires: Duration,
    /// Print JSON: the token, when it expires, its claims
    #[arg(long)]
    json: bool,
}

fn id(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("expected a name, not nothing".to_owned());
    }
    Ok(text.trim().to_owned())
}

fn life(text: &str) -> Result<Duration, String> {
    let life = values::duration(text)?;
    if life < Duration::from_secs(1) || life > LONGEST {
        return Err("expected from 1s to 366d".to_owned());
    }
    Ok(life)
}

/// Prints a token.
///
/// # Errors
/// When no secret is set, or the settings are wrong.
pub async fn run(args: Args, context: &Context) -> Outcome {
    let config = context.config(Needs::TokenSecret)?;
    let holder = Holder {
        sub: &args.sub,
        roles: &args.roles,
        branches: &args.branches,
    };
    let issued = issue(config.auth()?, holder, clock::now(), args.expires)?;
    let output = context.output();
    if args.json {
        output.json(&json!({
            "token": issued.token,
            "expires_at": issued.expires_at.to_string(),
            "claims": issued.claims,
        }))?;
    } else {
        output.line(&issued.token)?;
    }
    Ok(Exit::Done)
}

/// Who a token is for.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// The user's id.
    pub sub: &'a str,
    /// Roles.
    pub roles: &'a [String],
    /// Branches; `*` is all.
    pub branches: &'a [String],
}

/// A token and what it says.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The token, as it stands after `Bearer`.
    pub token: String,
    /// When it expires, to the second.
    pub expires_at: jiff::Timestamp,
    /// Its claims.
    pub claims: Map<String, Value>,
}

/// Makes a token that holds from `now` for `life`. The demo makes its people's tokens with it too.
///
/// # Errors
/// When the moment it expires is beyond the calendar.
pub fn issue(
    auth: &Auth,
    holder: Holder<'_>,
    now: jiff::Timestamp,
    life: Duration,
) -> Result<Issued> {
    let end = jiff::SignedDuration::try_from(life)
        .and_then(|life| now.checked_add(life))
        .and_then(|end| jiff::Timestamp::from_second(end.as_second()));
    let expires_at =
        end.map_err(|error| Error::internal("the token's end can't be reckoned", error))?;
    let mut claims = Map::new();
    let mut claim = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    claim(&auth.subject_claim, json!(holder.sub));
    claim(&auth.roles_claim, json!(holder.roles));
    claim(&auth.branches_claim, json!(holder.branches));
    claim("iat", json!(now.as_second()));
    claim("exp", json!(expires_at.as_second()));
    if let Some(issuer) = &auth.issuer {
        claim("iss", json!(issuer));
    }
    if let Some(audience) = &auth.audience {
        claim("aud", json!(audience));
    }
    let key = EncodingKey::from_secret(auth.secret.expose().as_bytes());
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
        .map_err(|error| Error::internal("the token can't be signed", error))?;
    Ok(Issued {
        token,
        expires_at,
        claims,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use jsonwebtoken::{DecodingKey, Validation};

    const SECRET: &str = "a secret of more than thirty-two bytes";

    fn auth(more: &[(&str, &str)]) -> Auth {
        let config = Config::load(Needs::TokenSecret, |name| match name {
            "JWT_SECRET_KEY" => Some(SECRET.to_owned()),
            _ => more
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned()),
        });
        config.unwrap().auth().unwrap().clone()
    }

    fn issued(auth: &Auth) -> Issued {
        let holder = Holder {
            sub: "17",
            roles: &["accountant".to_owned()],
            branches: &["BGD".to_owned(), "BSR".to_owned()],
        };
        issue(auth, holder, clock::now(), Duration::from_secs(3600)).unwrap()
    }

    #[test]
    fn a_token_holds_under_its_own_secret_and_no_other() {
        let issued = issued(&auth(&[]));
        let check = |secret: &str| {
            jsonwebtoken::decode::<Map<String, Value>>(
                &issued.token,
                &DecodingKey::from_secret(secret.as_bytes()),
                &Validation::new(Algorithm::HS256),
            )
        };
        let claims = check(SECRET).unwrap().claims;
        assert_eq!(claims, issued.claims);
        assert_eq!(claims["sub"], "17");
        assert_eq!(claims["roles"], json!(["accountant"]));
        assert_eq!(claims["branch_ids"], json!(["BGD", "BSR"]));
        let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!(life, 3600);
        assert!(claims.get("iss").is_none() && claims.get("aud").is_none());
        assert!(check("another secret of more than 32 bytes").is_err());
    }

    #[test]
    fn claims_have_the_names_and_the_issuer_that_are_set() {
        let auth = auth(&[
            ("NEUROLINK_JWT_SUBJECT_CLAIM", "uid"),
            ("NEUROLINK_JWT_ROLES_CLAIM", "groups"),
            ("NEUROLINK_JWT_BRANCHES_CLAIM", "sites"),
            ("NEUROLINK_JWT_ISSUER", "tsh-erp"),
            ("NEUROLINK_JWT_AUDIENCE", "neurolink"),
        ]);
        let claims = issued(&auth).claims;
        let names: Vec<&String> = claims.keys().collect();
        assert_eq!(names, ["aud", "exp", "groups", "iat", "iss", "sites", "uid"]);
    }

    #[test]
    fn a_tokens_life_has_bounds_and_names_arent_empty() {
        assert!(life("12h").is_ok());
        assert!(life("0s").is_err());
        assert!(life("2y").is_err());
        assert!(life("367d").is_err());
        assert!(id(" ").is_err());
        assert_eq!(id(" BGD "), Ok("BGD".to_owned()));
    }
}
