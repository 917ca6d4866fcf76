//! A stack that is there, and nothing behind it but canned answers.

use flotilla_aws::{Aws, Target, Where};
use runtime_stub::canned::{Answer, Canned, Received};

/// What the stack of these tests calls its things.
pub(crate) const OUTPUTS: [(&str, &str); 6] = [
    ("UploadsBucket", "uploads"),
    ("ThumbnailsBucket", "thumbs"),
    ("SubscribersTable", "subscribers"),
    ("ClaimsTable", "claims"),
    ("AddressesTable", "addresses"),
    ("ThumbnailsFunction", "flotilla-local-thumbnails"),
];

/// An endpoint where the stack is deployed.
pub(crate) async fn place() -> Canned {
    let canned = Canned::start().await.unwrap();
    canned.on(
        |request| query(request).contains("Action=DescribeStacks"),
        [described(&OUTPUTS)],
    );
    // No log group is there yet.
    canned.on(
        |request| request.operation() == "FilterLogEvents",
        [missing_group()],
    );
    canned
}

/// Local AWS at that endpoint.
pub(crate) async fn aws(canned: &Canned) -> Aws {
    let target = Target {
        at: Where::Local {
            endpoint: canned.url(),
            region: "us-east-1".to_owned(),
        },
        stage: "local".to_owned(),
    };
    Aws::at(target).await.unwrap()
}

/// The body of a request of the query protocol.
pub(crate) fn query(request: &Received) -> String {
    String::from_utf8_lossy(&request.body).into_owned()
}

pub(crate) fn described(outputs: &[(&str, &str)]) -> Answer {
    let outputs: Vec<String> = outputs
        .iter()
        .map(|(key, value)| {
            format!(
                "<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>"
            )
        })
        .collect();
    let outputs = outputs.concat();
    Answer::status(200).body(format!(
        "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult>\
         <Stacks><member><StackName>flotilla-local</StackName><CreationTime>2026-03-14T09:26:53Z</CreationTime>\
         <StackStatus>CREATE_COMPLETE</StackStatus><Outputs>{outputs}</Outputs></member></Stacks>\
         </DescribeStacksResult></DescribeStacksResponse>"
    ))
}

fn missing_group() -> Answer {
    json_error(
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
}

/// An error of the JSON protocols.
pub(crate) fn json_error(code: &str, message: &str) -> Answer {
    Answer::status(400)
        .header("content-type", "application/x-amz-json-1.1")
        .body(serde_json::json!({ "__type": code, "message": message }).to_string())
}

/// A success of the JSON protocols.
pub(crate) fn json(body: &serde_json::Value) -> Answer {
    Answer::status(200)
        .header("content-type", "application/x-amz-json-1.0")
        .body(body.to_string())
}
