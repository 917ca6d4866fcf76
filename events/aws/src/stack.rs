//! The deployed stack, and what it calls its things.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::error::ProvideErrorMetadata as _;

use crate::aws::Aws;
use crate::error::{CallError, LiveError};

/// What a worker's output begins with its name and ends with.
const FUNCTION: &str = "Function";

/// The stack of one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    name: String,
    outputs: BTreeMap<String, String>,
}

impl Stack {
    /// Finds the stack of the stage.
    pub async fn find(aws: &Aws) -> Result<Self, LiveError> {
        let name = format!("flotilla-{}", aws.target.stage);
        let described = aws
            .cloudformation()
            .describe_stacks()
            .stack_name(&name)
            .send()
            .await;
        let stacks = match described {
            Ok(described) => described.stacks.unwrap_or_default(),
            // CloudFormation has no code of its own for a stack that is not there.
            Err(error)
                if error.as_service_error().is_some_and(|refused| {
                    refused
                        .message()
                        .unwrap_or_default()
                        .contains("does not exist")
                }) =>
            {
                Vec::new()
            }
            Err(error) => {
                return Err(CallError::new(format!("looking for the stack {name}"), &error).into());
            }
        };
        let Some(stack) = stacks.into_iter().next() else {
            return Err(LiveError::Usage(missing(&name, aws)));
        };
        let outputs = stack
            .outputs
            .unwrap_or_default()
            .into_iter()
            .filter_map(|output| Some((output.output_key?, output.output_value?)))
            .collect();
        Ok(Self { name, outputs })
    }

    /// The output of that key, such as `UploadsBucket`.
    pub fn output(&self, key: &str) -> Result<&str, LiveError> {
        self.outputs.get(key).map(String::as_str).ok_or_else(|| {
            LiveError::Usage(format!(
                "the stack {} has no output {key}: deploy it anew from this checkout",
                self.name
            ))
        })
    }

    /// Every worker with its function's name, in the order of the workers' names.
    pub fn functions(&self) -> BTreeMap<String, String> {
        self.outputs
            .iter()
            .filter(|(key, _)| key.ends_with(FUNCTION))
            .map(|(_, function)| {
                let worker = function
                    .strip_prefix(&self.name)
                    .and_then(|rest| rest.strip_prefix('-'))
                    .unwrap_or(function);
                (worker.to_owned(), function.clone())
            })
            .collect()
    }

    /// The functions of those workers, or of all when none is named.
    pub fn functions_of(&self, workers: &[String]) -> Result<BTreeMap<String, String>, LiveError> {
        let mut functions = self.functions();
        for worker in workers {
            if !functions.contains_key(worker) {
                let known: Vec<&str> = functions.keys().map(String::as_str).collect();
                return Err(LiveError::Usage(format!(
                    "the stack {} has no worker {worker}: choose one of {}",
                    self.name,
                    known.join(", ")
                )));
            }
        }
        if !workers.is_empty() {
            functions.retain(|worker, _| workers.contains(worker));
        }
        Ok(functions)
    }
}

fn missing(name: &str, aws: &Aws) -> String {
    let target = &aws.target;
    let stage = &target.stage;
    if target.is_local() {
        format!(
            "there is no stack {name} in {target}: deploy it with `flotilla up`, or name another stage with --stage"
        )
    } else {
        format!(
            "there is no stack {name} in the {target}: deploy it in cdk/ with `npx cdk deploy -c stage={stage}`, or name \
             another stage with --stage"
        )
    }
}
