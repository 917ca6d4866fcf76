//! A worker's own table.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use fleet::table::{Condition, Item, Key, Table, TableError, Write, Written};
use serde_dynamo::aws_sdk_dynamodb_1::{from_item, to_attribute_value};

use crate::failure::{Kind, kind, kind_of_code};

type Attributes = HashMap<String, AttributeValue>;

/// A table of the items of one worker. Reads are consistent; one write is a `PutItem` or an `UpdateItem`, several are a
/// `TransactWriteItems`, at twice the price for each.
#[derive(Debug, Clone)]
pub struct DynamoTable {
    client: Client,
    table: String,
    partition_key: &'static str,
    sort_key: Option<&'static str>,
}

impl DynamoTable {
    /// The table of that name, whose key attributes (S) have these names.
    pub fn new(
        client: Client,
        table: &str,
        partition_key: &'static str,
        sort_key: Option<&'static str>,
    ) -> Self {
        Self {
            client,
            table: table.to_owned(),
            partition_key,
            sort_key,
        }
    }

    fn key(&self, key: &Key) -> Attributes {
        let partition = (self.partition_key, Some(&key.partition));
        let sort = (self.sort_key.unwrap_or_default(), key.sort.as_ref());
        [partition, sort]
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), AttributeValue::S(value?.clone()))))
            .collect()
    }

    /// A condition, and a `Put` or an `Update` in the terms of the API.
    fn statement(&self, write: &Write) -> Result<Statement, TableError> {
        let mut expression = Expression::default();
        let condition = self.condition(write.condition(), &mut expression)?;
        Ok(match write {
            Write::Put { key, item, .. } => {
                let mut attributes = attributes(item)?;
                attributes.extend(self.key(key));
                Statement::Put {
                    item: attributes,
                    condition,
                    expression,
                }
            }
            Write::Update { key, set, add, .. } => {
                let mut sets = Vec::with_capacity(set.len());
                for (name, value) in set {
                    let value = attribute(value)?;
                    sets.push(format!(
                        "{} = {}",
                        expression.name(name),
                        expression.value(value)
                    ));
                }
                let adds: Vec<String> = add
                    .iter()
                    .map(|(name, amount)| {
                        let amount = AttributeValue::N(amount.to_string());
                        format!("{} {}", expression.name(name), expression.value(amount))
                    })
                    .collect();
                let clauses = [("SET", sets), ("ADD", adds)]
                    .into_iter()
                    .filter(|(_, parts)| !parts.is_empty())
                    .map(|(verb, parts)| format!("{verb} {}", parts.join(", ")))
                    .collect::<Vec<_>>();
                Statement::Update {
                    key: self.key(key),
                    update: clauses.join(" "),
                    condition,
                    expression,
                }
            }
        })
    }

    fn condition(
        &self,
        condition: &Condition,
        expression: &mut Expression,
    ) -> Result<Option<String>, TableError> {
        Ok(match condition {
            Condition::None => None,
            Condition::Absent => Some(format!(
                "attribute_not_exists({})",
                expression.name(self.partition_key)
            )),
            Condition::Present => Some(format!(
                "attribute_exists({})",
                expression.name(self.partition_key)
            )),
            Condition::Equal(name, value) => {
                let value = attribute(value)?;
                Some(format!(
                    "{} = {}",
                    expression.name(name),
                    expression.value(value)
                ))
            }
        })
    }

    async fn write_one(&self, statement: Statement) -> Result<Written, TableError> {
        match statement {
            Statement::Put {
                item,
                condition,
                expression,
            } => {
                let put = self
                    .client
                    .put_item()
                    .table_name(&self.table)
                    .set_item(Some(item))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(expression.names())
                    .set_expression_attribute_values(expression.values());
                written(put.send().await, |error| {
                    matches!(error, PutItemError::ConditionalCheckFailedException(_))
                })
            }
            Statement::Update {
                key,
                update,
                condition,
                expression,
            } => {
                let update = self
                    .client
                    .update_item()
                    .table_name(&self.table)
                    .set_key(Some(key))
                    .set_update_expression(Some(update).filter(|update| !update.is_empty()))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(expression.names())
                    .set_expression_attribute_values(expression.values());
                written(update.send().await, |error| {
                    matches!(error, UpdateItemError::ConditionalCheckFailedException(_))
                })
            }
        }
    }

    async fn write_all(&self, statements: Vec<Statement>) -> Result<Written, TableError> {
        let writes = statements
            .into_iter()
            .map(|statement| statement.in_transaction(&self.table))
            .collect::<Result<Vec<_>, _>>()?;
        // Without a token of ours the SDK makes one for the call, so its own retries of it happen once.
        let transaction = self
            .client
            .transact_write_items()
            .set_transact_items(Some(writes));
        let Err(error) = transaction.send().await else {
            return Ok(Written::Yes);
        };
        if let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) =
            error.as_service_error()
        {
            return cancelled(
                canceled
                    .cancellation_reasons()
                    .iter()
                    .filter_map(|reason| reason.code()),
            );
        }
        Err(failure(&error))
    }
}

impl Table for DynamoTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(self.key(key)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failure(&error))?;
        let Some(mut attributes) = answer.item else {
            return Ok(None);
        };
        attributes.remove(self.partition_key);
        if let Some(sort_key) = self.sort_key {
            attributes.remove(sort_key);
        }
        // Somebody else wrote binary into it.
        from_item(attributes)
            .map(Some)
            .map_err(|error| TableError::Unavailable(format!("an item cannot be read: {error}")))
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Written, TableError> {
        let statements = writes
            .iter()
            .map(|write| self.statement(write))
            .collect::<Result<Vec<_>, _>>()?;
        match <[Statement; 1]>::try_from(statements) {
            Ok([statement]) => self.write_one(statement).await,
            Err(statements) => self.write_all(statements).await,
        }
    }
}

/// A write in the terms of the API.
enum Statement {
    Put {
        item: Attributes,
        condition: Option<String>,
        expression: Expression,
    },
    Update {
        key: Attributes,
        update: String,
        condition: Option<String>,
        expression: Expression,
    },
}

impl Statement {
    fn in_transaction(self, table: &str) -> Result<TransactWriteItem, TableError> {
        let write = TransactWriteItem::builder();
        let write = match self {
            Self::Put {
                item,
                condition,
                expression,
            } => write.put(
                Put::builder()
                    .table_name(table)
                    .set_item(Some(item))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(expression.names())
                    .set_expression_attribute_values(expression.values())
                    .build()
                    .map_err(|error| TableError::Invalid(error.to_string()))?,
            ),
            Self::Update {
                key,
                update,
                condition,
                expression,
            } => write.update(
                Update::builder()
                    .table_name(table)
                    .set_key(Some(key))
                    .update_expression(update)
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(expression.names())
                    .set_expression_attribute_values(expression.values())
                    .build()
                    .map_err(|error| TableError::Invalid(error.to_string()))?,
            ),
        };
        Ok(write.build())
    }
}

/// Placeholders: a name such as `status` or `hour` may be a reserved word.
#[derive(Default)]
struct Expression {
    names: Names,
    values: Attributes,
}

type Names = HashMap<String, String>;

impl Expression {
    fn name(&mut self, name: &str) -> String {
        let placeholder = format!("#n{}", self.names.len());
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    /// The API refuses empty maps.
    fn names(&self) -> Option<Names> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    fn values(&self) -> Option<Attributes> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }
}

fn attributes(item: &Item) -> Result<Attributes, TableError> {
    item.iter()
        .map(|(name, value)| Ok((name.clone(), attribute(value)?)))
        .collect()
}

fn attribute(value: &serde_json::Value) -> Result<AttributeValue, TableError> {
    to_attribute_value(value).map_err(|error| TableError::Invalid(error.to_string()))
}

fn written<T, E>(
    result: Result<T, SdkError<E, HttpResponse>>,
    is_refusal: impl Fn(&E) -> bool,
) -> Result<Written, TableError>
where
    E: aws_sdk_dynamodb::error::ProvideErrorMetadata + std::error::Error + 'static,
{
    match result {
        Ok(_) => Ok(Written::Yes),
        Err(error) if error.as_service_error().is_some_and(is_refusal) => Ok(Written::Refused),
        Err(error) => Err(failure(&error)),
    }
}

/// A transaction was cancelled for these reasons, one for each write. What can never succeed weighs most; then whatever is
/// worth another try, since a condition may hold by then; a condition that does not hold comes last.
fn cancelled<'a>(codes: impl Iterator<Item = &'a str>) -> Result<Written, TableError> {
    let mut refused = false;
    let mut error = None;
    for code in codes {
        match code {
            "None" => {}
            "ConditionalCheckFailed" => refused = true,
            code => {
                let reason = format!("the transaction was cancelled: {code}");
                match kind_of_code(code) {
                    Kind::Invalid => return Err(TableError::Invalid(reason)),
                    other => error = Some(meaning(other, reason)),
                }
            }
        }
    }
    match (error, refused) {
        (Some(error), _) => Err(error),
        (None, true) => Ok(Written::Refused),
        (None, false) => Err(TableError::Unavailable(
            "the transaction was cancelled without a reason".to_owned(),
        )),
    }
}

fn failure<E>(error: &SdkError<E, HttpResponse>) -> TableError
where
    E: aws_sdk_dynamodb::error::ProvideErrorMetadata + std::error::Error + 'static,
{
    let (kind, reason) = kind(error);
    meaning(kind, reason)
}

fn meaning(kind: Kind, reason: String) -> TableError {
    match kind {
        Kind::Denied => TableError::Denied(reason),
        Kind::Throttled => TableError::Throttled(reason),
        Kind::Unavailable => TableError::Unavailable(reason),
        Kind::Invalid => TableError::Invalid(reason),
    }
}
