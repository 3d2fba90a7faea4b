//! Callers whose tokens speak for some branches only.

use serde_json::{Value, json};

use super::app::App;
use super::http::SECRET;

/// A token of an hour for these roles and branches.
pub fn token_of(roles: &[&str], branches: &[&str]) -> String {
    let exp = jiff::Timestamp::now().as_second() + 3600;
    let claims = json!({"sub": "limited", "roles": roles, "branch_ids": branches, "exp": exp});
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

/// A request by somebody with these roles in these branches. Status and body (null when it is no JSON).
pub async fn call_of(
    app: &App,
    method: &str,
    path: &str,
    roles: &[&str],
    branches: &[&str],
) -> (u16, Value) {
    let response = app
        .client
        .request(method.parse().unwrap(), format!("{}{path}", app.base))
        .bearer_auth(token_of(roles, branches))
        .send()
        .await
        .unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}
