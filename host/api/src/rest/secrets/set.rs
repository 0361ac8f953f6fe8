//! `PUT /secrets/{name}`: sets a secret.

use axum::extract::State;
use orgata_engine::Engine;
use orgata_model::SecretName;
use secrecy::SecretString;
use serde_json::Value;

use crate::app::Caller;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::wire::error::ErrorBody;
use crate::wire::secret::{SecretBody, SecretView};

/// Set a secret
///
/// New, or instead of what it was. Plugins that were granted it see it with their next call; nothing is started again.
#[utoipa::path(
    put,
    path = "/api/v1/secrets/{name}",
    operation_id = "setSecret",
    tag = "secrets",
    params(("name" = String, Path, description = "Its name, such as `TWILIO_TOKEN`")),
    request_body = SecretBody,
    responses(
        (status = 200, description = "It is kept, sealed", body = SecretView),
        (status = "default", description = "An error", body = ErrorBody),
    )
)]
pub(crate) async fn set(
    State(engine): State<Engine>,
    Caller(principal): Caller,
    Path(name): Path<SecretName>,
    Json(body): Json<Value>,
) -> Result<Json<SecretView>, ApiError> {
    let info = engine.set_secret(&principal, &name, value(body)?).await?;
    Ok(Json(SecretView::from(&info)))
}

/// Read by hand: whatever is wrong with it, the value is not repeated.
fn value(body: Value) -> Result<SecretString, ApiError> {
    match body {
        Value::Object(mut fields) if fields.len() == 1 => match fields.remove("value") {
            Some(Value::String(value)) => Ok(SecretString::from(value)),
            _ => Err(shape()),
        },
        _ => Err(shape()),
    }
}

fn shape() -> ApiError {
    ApiError::bad_request("the body does not fit: send { \"value\": \"…\" }, a text and nothing else")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_that_does_not_fit_is_not_told_back() {
        assert!(value(json!({ "value": "x" })).is_ok());
        for wrong in [json!({ "value": 424242 }), json!({ "vaule": "424242" }), json!("424242"), json!({})] {
            let told = value(wrong).unwrap_err();
            assert!(!told.message().contains("424242"), "{}", told.message());
        }
    }
}
