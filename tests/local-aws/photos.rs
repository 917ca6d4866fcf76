//! Photos: A1 and A3 of the fleet.

use aws_sdk_dynamodb::types::AttributeValue;
use fixtures::encode::JpegOptions;
use serde_json::Value;

use crate::stack::{Stack, fresh, until, until_true};

fn jpeg(seed: u64) -> Vec<u8> {
    fixtures::encode::jpeg(&fixtures::photo(1_200, 900, seed), &JpegOptions::default())
}

async fn put(stack: &Stack, key: &str, bytes: Vec<u8>) {
    let put = stack.s3.put_object().bucket(stack.output("UploadsBucket"));
    put.key(key).body(bytes.into()).send().await.unwrap();
}

/// A key as it stands in those of its thumbnails: every byte but letters, digits and `.`, `_`, `-`, `/` as `~XX`.
fn escaped(key: &str) -> String {
    key.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'/' => {
                char::from(byte).to_string()
            }
            _ => format!("~{byte:02X}"),
        })
        .collect()
}

fn manifest_key(stack: &Stack, key: &str) -> String {
    let bucket = stack.output("UploadsBucket");
    format!("manifests/{bucket}/{}.json", escaped(key))
}

async fn manifest(stack: &Stack, key: &str) -> Value {
    let manifest_key = manifest_key(stack, key);
    let manifest = until("manifest", || {
        stack.object("ThumbnailsBucket", &manifest_key)
    })
    .await;
    serde_json::from_slice(&manifest).unwrap()
}

/// The lines of the audit about a key.
async fn audit(stack: &Stack, key: &str) -> Vec<Value> {
    let mut lines = Vec::new();
    for object in stack.keys("AuditBucket", "uploads/").await {
        let text = stack
            .object("AuditBucket", &object)
            .await
            .unwrap_or_default();
        let text = String::from_utf8(text).unwrap();
        let parsed = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.extend(parsed.filter(|line| line["key"] == key));
    }
    lines
}

#[tokio::test]
#[ignore = "needs local AWS: cargo run -- up"]
async fn a_photo_gets_every_thumbnail_and_its_manifest_and_loses_them_when_it_is_deleted() {
    let stack = Stack::running();
    let key = format!("{}/chụp ở phố+1.jpg", fresh("ann"));
    put(&stack, &key, jpeg(1)).await;
    let manifest = manifest(&stack, &key).await;
    let outputs = manifest["outputs"].as_array().unwrap();
    let widths: Vec<_> = outputs
        .iter()
        .map(|output| output["width"].as_u64())
        .collect();
    assert_eq!(widths, [128, 256, 512, 1024].map(Some), "{manifest}");
    for output in outputs {
        let key = output["key"].as_str().unwrap();
        let thumbnail = stack.object("ThumbnailsBucket", key).await.unwrap();
        assert!(thumbnail.starts_with(b"\xFF\xD8"), "{key} is no JPEG");
    }

    let folder = format!(
        "thumbnails/{}/{}/",
        stack.output("UploadsBucket"),
        escaped(&key)
    );
    assert!(!stack.keys("ThumbnailsBucket", &folder).await.is_empty());

    let delete = stack.s3.delete_object();
    let delete = delete.bucket(stack.output("UploadsBucket")).key(&key);
    delete.send().await.unwrap();
    until_true("end of the thumbnails", || async {
        stack.keys("ThumbnailsBucket", &folder).await.is_empty()
    })
    .await;
    let manifest_key = manifest_key(&stack, &key);
    until_true("end of the manifest", || async {
        stack
            .object("ThumbnailsBucket", &manifest_key)
            .await
            .is_none()
    })
    .await;
}

/// The keys of an owner's photos, newest first, as a site would ask for them.
async fn catalogue(stack: &Stack, owner: &str) -> Vec<String> {
    let query = stack
        .dynamodb
        .query()
        .table_name(stack.output("CatalogueTable"))
        .index_name("by-owner")
        .key_condition_expression("#owner = :owner")
        .expression_attribute_names("#owner", "owner")
        .expression_attribute_values(":owner", AttributeValue::S(owner.to_owned()))
        .scan_index_forward(false);
    let items = query.send().await.unwrap().items.unwrap_or_default();
    items
        .iter()
        .map(|item| item["photo"].as_s().unwrap().clone())
        .collect()
}

#[tokio::test]
#[ignore = "needs local AWS: cargo run -- up"]
async fn an_upload_reaches_every_subscriber_and_the_catalogue_lists_the_newest_first() {
    let stack = Stack::running();
    let owner = fresh("bob");
    let keys = [format!("{owner}/first.jpg"), format!("{owner}/second.jpg")];
    for (seed, key) in [2, 3].into_iter().zip(&keys) {
        put(&stack, key, jpeg(seed)).await;
        manifest(&stack, key).await;
        let lines = until("line in the audit", || async {
            Some(audit(&stack, key).await).filter(|lines| !lines.is_empty())
        })
        .await;
        assert_eq!(lines.len(), 1, "{lines:?}");
    }
    let bucket = stack.output("UploadsBucket");
    let expected = [
        format!("{bucket}/{}", keys[1]),
        format!("{bucket}/{}", keys[0]),
    ];
    until_true("catalogue with both photos", || async {
        catalogue(&stack, &owner).await == expected
    })
    .await;

    let delete = stack.s3.delete_object().bucket(bucket).key(&keys[1]);
    delete.send().await.unwrap();
    until_true("catalogue without the deleted photo", || async {
        catalogue(&stack, &owner).await == expected[1..]
    })
    .await;
}
