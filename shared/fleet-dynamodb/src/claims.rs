//! Claims in a DynamoDB table.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use fleet::claim::{Claim, ClaimError, ClaimTable, Replaced, State};

use crate::failure::{Kind, kind};

/// The table's partition key.
pub(crate) const KEY: &str = "claim";

/// Claims in a table with the partition key `claim` (S) and the TTL attribute `expires_at`.
///
/// Each step is one conditional put: what is there and what is written are decided in one place at one time. The SDK may
/// try a put again whose answer was lost; [`fleet::claim`] then finds its own claim and takes it for what it is.
#[derive(Debug, Clone)]
pub struct DynamoClaims {
    client: Client,
    table: String,
}

impl DynamoClaims {
    /// Claims in the table of that name.
    pub fn new(client: Client, table: &str) -> Self {
        Self {
            client,
            table: table.to_owned(),
        }
    }

    fn put(&self, key: &str, claim: &Claim) -> PutItemFluentBuilder {
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item(key, claim)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

impl ClaimTable for DynamoClaims {
    async fn insert(&self, key: &str, claim: &Claim) -> Result<Option<Claim>, ClaimError> {
        let put = self
            .put(key, claim)
            .condition_expression("attribute_not_exists(#claim)")
            .expression_attribute_names("#claim", KEY);
        match written(put).await? {
            Written::Yes => Ok(None),
            Written::No(Some(standing)) => Ok(Some(standing)),
            // Only tables that do not know ALL_OLD say so; without what stands there, nobody can go on.
            Written::No(None) => Err(ClaimError::Unavailable(
                "the table refused a claim and did not say what stands there".to_owned(),
            )),
        }
    }

    async fn replace(
        &self,
        key: &str,
        revision: u64,
        claim: &Claim,
    ) -> Result<Replaced, ClaimError> {
        let put = self
            .put(key, claim)
            .condition_expression("#revision = :revision")
            .expression_attribute_names("#revision", "revision")
            .expression_attribute_values(":revision", number(&revision));
        Ok(match written(put).await? {
            Written::Yes => Replaced::Yes,
            Written::No(standing) => Replaced::No(standing),
        })
    }
}

enum Written {
    Yes,
    No(Option<Claim>),
}

async fn written(put: PutItemFluentBuilder) -> Result<Written, ClaimError> {
    let Err(error) = put.send().await else {
        return Ok(Written::Yes);
    };
    if let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
        return failed.item().map(claim).transpose().map(Written::No);
    }
    Err(failure(&error))
}

/// What an error means for a claim, none of which is permanent.
fn failure(error: &SdkError<PutItemError, HttpResponse>) -> ClaimError {
    let (kind, reason) = kind(error);
    match kind {
        // An invalid item is a table with another key: an operator must mend that too.
        Kind::Denied | Kind::Invalid => ClaimError::Denied(reason),
        Kind::Throttled => ClaimError::Throttled(reason),
        Kind::Unavailable => ClaimError::Unavailable(reason),
    }
}

fn number(value: &impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn item(key: &str, claim: &Claim) -> HashMap<String, AttributeValue> {
    let string = |value: &str| AttributeValue::S(value.to_owned());
    // Taken apart so that a new field does not compile until it is stored.
    let Claim {
        state,
        owner,
        until_ms,
        attempts,
        receipt,
        revision,
        expires_at,
    } = claim;
    let receipt = receipt
        .as_deref()
        .map(|receipt| ("receipt", string(receipt)));
    [
        (KEY, string(key)),
        ("state", string(name(*state))),
        ("owner", string(owner)),
        ("until_ms", number(until_ms)),
        ("attempts", number(attempts)),
        ("revision", number(revision)),
        ("expires_at", number(expires_at)),
    ]
    .into_iter()
    .chain(receipt)
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn name(state: State) -> &'static str {
    match state {
        State::Working => "working",
        State::Unknown => "unknown",
        State::Done => "done",
        State::Free => "free",
    }
}

fn claim(item: &HashMap<String, AttributeValue>) -> Result<Claim, ClaimError> {
    let states = [State::Working, State::Unknown, State::Done, State::Free];
    let state = text(item, "state")?;
    Ok(Claim {
        state: states
            .into_iter()
            .find(|known| name(*known) == state)
            .ok_or_else(|| unreadable("state"))?,
        owner: text(item, "owner")?,
        until_ms: parsed(item, "until_ms")?,
        attempts: parsed(item, "attempts")?,
        receipt: text(item, "receipt").ok(),
        revision: parsed(item, "revision")?,
        expires_at: parsed(item, "expires_at")?,
    })
}

fn text(
    item: &HashMap<String, AttributeValue>,
    attribute: &'static str,
) -> Result<String, ClaimError> {
    item.get(attribute)
        .and_then(|value| value.as_s().ok())
        .cloned()
        .ok_or_else(|| unreadable(attribute))
}

fn parsed<T: std::str::FromStr>(
    item: &HashMap<String, AttributeValue>,
    attribute: &'static str,
) -> Result<T, ClaimError> {
    item.get(attribute)
        .and_then(|value| value.as_n().ok()?.parse().ok())
        .ok_or_else(|| unreadable(attribute))
}

/// Somebody else wrote into the table.
fn unreadable(attribute: &str) -> ClaimError {
    ClaimError::Unavailable(format!(
        "a claim's attribute {attribute} is missing or cannot be read"
    ))
}
