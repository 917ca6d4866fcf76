//! Rejections in the table of the claims.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use fleet::rejection::{KeepError, Rejection, Rejections};

use crate::claims::KEY;
use crate::failure::kind;

/// Rejections under `rejected#NAME`, the JSON in the attribute `rejection`. They have no TTL: an operator removes them.
///
/// An item of DynamoDB holds 400 KB. A record near that size cannot be kept, stays a retry, and reaches the stream's
/// on-failure destination whole.
#[derive(Debug, Clone)]
pub struct DynamoRejections {
    client: Client,
    table: String,
}

impl DynamoRejections {
    /// Rejections in the table of that name.
    pub fn new(client: Client, table: &str) -> Self {
        Self {
            client,
            table: table.to_owned(),
        }
    }
}

impl Rejections for DynamoRejections {
    async fn keep(&self, name: &str, rejection: &Rejection) -> Result<(), KeepError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item(KEY, AttributeValue::S(format!("rejected#{name}")))
            .item("worker", AttributeValue::S(rejection.worker.clone()))
            .item("kind", AttributeValue::S(rejection.kind.clone()))
            .item("reason", AttributeValue::S(rejection.reason.clone()))
            .item("rejection", AttributeValue::S(rejection.to_json()))
            .condition_expression("attribute_not_exists(#claim)")
            .expression_attribute_names("#claim", KEY);
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(KeepError(kind(&error).1)),
            },
        }
    }
}
