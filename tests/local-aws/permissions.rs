//! Least privilege, with the authorisation of local AWS turned on: `flotilla up --authorise`.

use std::fmt::Debug;

use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::stack::Stack;

/// The stack as a worker's role sees it.
async fn acting_as(function: &str) -> Stack {
    let mut stack = Stack::running();
    let get = stack
        .lambda
        .get_function_configuration()
        .function_name(stack.output(function));
    let role = get.send().await.unwrap().role.unwrap();
    let assume = aws_sdk_sts::Client::new(&stack.sdk)
        .assume_role()
        .role_arn(role)
        .role_session_name("least-privilege");
    let session = assume.send().await.unwrap().credentials.unwrap();
    let credentials = Credentials::new(
        session.access_key_id,
        session.secret_access_key,
        Some(session.session_token),
        None,
        "worker",
    );
    let provider = SharedCredentialsProvider::new(credentials);
    stack.sdk = stack
        .sdk
        .to_builder()
        .credentials_provider(provider)
        .build();
    stack.connect();
    stack
}

fn is_denied<T: Debug, E: ProvideErrorMetadata + Debug>(answer: &Result<T, E>) -> bool {
    let code = answer.as_ref().err().and_then(ProvideErrorMetadata::code);
    matches!(code, Some("AccessDenied" | "AccessDeniedException"))
}

async fn read(stack: &Stack, table: &str, key: &str) -> bool {
    let get = stack
        .dynamodb
        .get_item()
        .table_name(stack.output(table))
        .key(key, AttributeValue::S("nobody".to_owned()));
    is_denied(&get.send().await)
}

#[tokio::test]
#[ignore = "needs local AWS with its authorisation: cargo run -- up --authorise"]
async fn a_worker_may_do_its_own_work_and_nobody_elses() {
    let gallery = acting_as("GalleryFunction").await;
    assert!(!read(&gallery, "CatalogueTable", "photo").await);
    assert!(read(&gallery, "SubscribersTable", "id").await);
    assert!(read(&gallery, "AddressesTable", "address").await);
    let uploads = gallery.output("UploadsBucket");
    let get = gallery.s3.get_object().bucket(uploads).key("a.jpg");
    assert!(is_denied(&get.send().await));

    let audit = acting_as("UploadAuditFunction").await;
    let bucket = audit.output("AuditBucket");
    let put = |key: &str, body: &'static [u8]| {
        let put = audit.s3.put_object().bucket(bucket).key(key);
        put.body(aws_sdk_s3::primitives::ByteStream::from_static(body))
            .send()
    };
    assert!(!is_denied(&put("uploads/permission.jsonl", b"{}\n").await));
    assert!(is_denied(&put("elsewhere/permission.jsonl", b"{}\n").await));
    // The record is append-only: nothing in it can be read, changed or deleted by who writes it.
    let delete = audit.s3.delete_object().bucket(bucket);
    assert!(is_denied(
        &delete.key("uploads/permission.jsonl").send().await
    ));
}
