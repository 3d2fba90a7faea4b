//! Tokens: what is taken, what is refused, who may what.

use super::*;
use crate::kernel::{Secret, clock};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn settings() -> config::Auth {
    config::Auth {
        secret: Secret::new(SECRET),
        issuer: None,
        audience: None,
        subject_claim: "sub".to_owned(),
        roles_claim: "roles".to_owned(),
        branches_claim: "branch_ids".to_owned(),
        admin_role: "admin".to_owned(),
        producer_role: "producer".to_owned(),
        auditor_role: "auditor".to_owned(),
    }
}

fn now() -> i64 {
    clock::now().as_second()
}

fn token(algorithm: Algorithm, claims: &Value) -> String {
    encode(
        &Header::new(algorithm),
        claims,
        &EncodingKey::from_secret(SECRET.as_bytes()),
    )
    .unwrap()
}

fn verify(settings: &config::Auth, claims: &Value) -> Result<Principal> {
    Authenticator::new(settings).verify(&token(Algorithm::HS256, claims))
}

fn code(result: &Result<Principal>) -> &'static str {
    match result {
        Err(Error::Unauthenticated { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn roles_and_branches_come_in_every_usual_shape() {
    let exp = now() + 60;
    for (claims, branches) in [
        (
            json!({"sub": "u1", "exp": exp, "roles": ["producer", "x"], "branch_ids": ["b1", 2]}),
            vec!["b1", "2"],
        ),
        (
            json!({"sub": 17, "exp": exp, "roles": "x producer", "branch_ids": "b1,b2"}),
            vec!["b1", "b2"],
        ),
        (
            json!({"sub": "u1", "exp": exp, "role": "producer", "branch_id": 9}),
            vec!["9"],
        ),
        (
            json!({"sub": "u1", "exp": exp as f64 + 0.5, "role": "producer"}),
            vec![],
        ),
    ] {
        let principal = verify(&settings(), &claims).unwrap();
        assert!(principal.is_producer && !principal.is_admin && !principal.is_auditor);
        assert_eq!(principal.branch_ids, branches);
        assert!(["u1", "17"].contains(&principal.subject.as_str()));
    }
}

#[test]
fn names_of_claims_and_roles_are_settings() {
    let settings = config::Auth {
        subject_claim: "uid".to_owned(),
        roles_claim: "groups".to_owned(),
        admin_role: "root".to_owned(),
        ..settings()
    };
    let claims = json!({"uid": "u1", "exp": now() + 60, "groups": ["root"]});
    let principal = verify(&settings, &claims).unwrap();
    assert!(principal.is_admin && principal.subject == "u1");
}

#[test]
fn a_token_without_a_future_expiry_is_refused() {
    let s = settings();
    assert_eq!(code(&verify(&s, &json!({"sub": "u"}))), "token_invalid");
    assert_eq!(
        code(&verify(&s, &json!({"sub": "u", "exp": "soon"}))),
        "token_invalid"
    );
    assert_eq!(
        code(&verify(&s, &json!({"sub": "u", "exp": now() - 10}))),
        "token_expired"
    );
    let early = json!({"sub": "u", "exp": now() + 60, "nbf": now() + 30});
    assert_eq!(code(&verify(&s, &early)), "token_invalid");
    assert_eq!(
        code(&verify(&s, &json!({"exp": now() + 60}))),
        "token_invalid"
    );
    assert_eq!(
        code(&verify(
            &s,
            &json!({"sub": "u", "exp": now() + 60, "roles": {}})
        )),
        "token_invalid"
    );
}

#[test]
fn issuer_and_audience_are_required_once_set() {
    let s = config::Auth {
        issuer: Some("erp".to_owned()),
        audience: Some("neurolink".to_owned()),
        ..settings()
    };
    let exp = now() + 60;
    let good = json!({"sub": "u", "exp": exp, "iss": "erp", "aud": ["x", "neurolink"]});
    assert!(verify(&s, &good).is_ok());
    for bad in [
        json!({"sub": "u", "exp": exp}),
        json!({"sub": "u", "exp": exp, "iss": "erp"}),
        json!({"sub": "u", "exp": exp, "iss": "other", "aud": "neurolink"}),
        json!({"sub": "u", "exp": exp, "iss": "erp", "aud": "other"}),
    ] {
        assert_eq!(code(&verify(&s, &bad)), "token_invalid", "{bad}");
    }
    let elsewhere = json!({"sub": "u", "exp": exp, "iss": "x", "aud": "y"});
    assert!(verify(&settings(), &elsewhere).is_ok());
}

#[test]
fn no_other_algorithm_and_no_other_secret_is_taken() {
    let claims = json!({"sub": "u", "exp": now() + 60});
    let authenticator = Authenticator::new(&settings());
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let refused = authenticator.verify(&token(algorithm, &claims));
        assert_eq!(code(&refused), "token_invalid");
    }
    let good = token(Algorithm::HS256, &claims);
    let parts: Vec<&str> = good.split('.').collect();
    // {"alg":"none","typ":"JWT"}
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]);
    assert_eq!(code(&authenticator.verify(&none)), "token_invalid");
    let other = encode(
        &Header::default(),
        &claims,
        &EncodingKey::from_secret(&[7; 32]),
    )
    .unwrap();
    assert_eq!(code(&authenticator.verify(&other)), "token_invalid");
    for rubbish in ["", ".", "a.b.c", "..", &good[..good.len() - 2]] {
        assert_eq!(code(&authenticator.verify(rubbish)), "token_invalid");
    }
}

#[test]
fn access_is_by_role_and_admins_may_everything() {
    let a = Authenticator::new(&settings());
    let admit = |header: &str, access| {
        let mut headers = HeaderMap::new();
        if !header.is_empty() {
            headers.insert(AUTHORIZATION, header.parse().unwrap());
        }
        a.admit(&headers, access)
    };
    let with = |roles: &str| {
        let claims = json!({"sub": "u", "exp": now() + 60, "roles": roles});
        format!("bearer {}", token(Algorithm::HS256, &claims))
    };
    for (roles, may) in [
        ("", vec![Access::Public, Access::Anyone]),
        (
            "producer",
            vec![Access::Public, Access::Anyone, Access::Producer],
        ),
        (
            "auditor",
            vec![Access::Public, Access::Anyone, Access::Auditor],
        ),
        (
            "admin",
            vec![
                Access::Public,
                Access::Anyone,
                Access::Producer,
                Access::Auditor,
                Access::Admin,
            ],
        ),
    ] {
        for access in [
            Access::Public,
            Access::Anyone,
            Access::Producer,
            Access::Auditor,
            Access::Admin,
        ] {
            match admit(&with(roles), access) {
                Ok(Some(_)) => assert!(may.contains(&access), "{roles} {access:?}"),
                Err(Error::Forbidden(_)) => {
                    assert!(!may.contains(&access), "{roles} {access:?}")
                }
                other => panic!("{other:?}"),
            }
        }
    }
    let missing = admit("", Access::Anyone);
    assert!(matches!(
        missing,
        Err(Error::Unauthenticated {
            code: "token_missing",
            ..
        })
    ));
    let basic = admit("Basic eDp5", Access::Anyone);
    assert!(matches!(
        basic,
        Err(Error::Unauthenticated {
            code: "token_invalid",
            ..
        })
    ));
    assert!(admit("Bearer rubbish", Access::Public).unwrap().is_none());
}
