//! A broken record and a broken worker harm nobody else.

use aws_sdk_sqs::types::QueueAttributeName;
use fixtures::encode::JpegOptions;
use serde_json::{Value, json};

use crate::stack::{Stack, fresh, until, until_true};

async fn put(stack: &Stack, key: &str) {
    let photo = fixtures::encode::jpeg(&fixtures::photo(300, 200, 7), &JpegOptions::default());
    let put = stack.s3.put_object().bucket(stack.output("UploadsBucket"));
    put.key(key).body(photo.into()).send().await.unwrap();
}

async fn attribute(stack: &Stack, queue: &str, name: QueueAttributeName) -> String {
    let get = stack
        .sqs
        .get_queue_attributes()
        .queue_url(stack.output(queue))
        .attribute_names(name.clone());
    let attributes = get.send().await.unwrap().attributes.unwrap();
    attributes[&name].clone()
}

async fn depth(stack: &Stack, queue: &str) -> u64 {
    let name = QueueAttributeName::ApproximateNumberOfMessages;
    attribute(stack, queue, name).await.parse().unwrap()
}

async fn hide_for(stack: &Stack, queue: &str, seconds: &str) {
    let set = stack
        .sqs
        .set_queue_attributes()
        .queue_url(stack.output(queue))
        .attributes(QueueAttributeName::VisibilityTimeout, seconds);
    set.send().await.unwrap();
}

#[tokio::test]
#[ignore = "needs local AWS: cargo run -- up"]
async fn what_fails_again_and_again_ends_in_the_dead_letters_and_the_photos_behind_it_do_not_wait()
{
    let stack = Stack::running();
    // A notice about a bucket that does not exist: an operator could mend that, so the worker retries.
    let missing = fresh("no-such-bucket");
    let notice = json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": "2026-03-14T09:26:53.000Z",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": { "name": missing },
            "object": { "key": "a.jpg", "size": 100, "sequencer": "0A1B2C3D4E5F678901" },
        },
    }] });
    let before = depth(&stack, "ThumbnailsDeadLetters").await;
    // Five tries would take an hour at the time that messages are hidden for.
    let hidden = attribute(
        &stack,
        "ThumbnailsQueue",
        QueueAttributeName::VisibilityTimeout,
    )
    .await;
    hide_for(&stack, "ThumbnailsQueue", "2").await;
    stack.publish("UploadsTopic", &notice).await;

    let key = format!("{}/behind.jpg", fresh("carol"));
    put(&stack, &key).await;
    let manifest = format!("manifests/{}/{key}.json", stack.output("UploadsBucket"));
    until("manifest of the photo behind", || {
        stack.object("ThumbnailsBucket", &manifest)
    })
    .await;

    until_true("message among the dead letters", || async {
        depth(&stack, "ThumbnailsDeadLetters").await > before
    })
    .await;
    hide_for(&stack, "ThumbnailsQueue", &hidden).await;
    assert_eq!(depth(&stack, "UploadAuditDeadLetters").await, 0);

    // The alarm looks at this very queue.
    let template = std::fs::read(
        stack
            .root
            .join(".flotilla/cdk.out/flotilla-local.template.json"),
    );
    let template: Value = serde_json::from_slice(&template.unwrap()).unwrap();
    let resources = template["Resources"].as_object().unwrap();
    let queue = stack.output("ThumbnailsDeadLetters").rsplit('/').next();
    let (id, _) = resources
        .iter()
        .find(|(_, resource)| resource["Properties"]["QueueName"].as_str() == queue)
        .unwrap();
    let alarm = resources.values().find(|resource| {
        let alarm = &resource["Properties"];
        resource["Type"] == "AWS::CloudWatch::Alarm"
            && alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
            && alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0] == id.as_str()
    });
    assert!(alarm.is_some(), "no alarm looks at {id}");
}

#[tokio::test]
#[ignore = "needs local AWS: cargo run -- up"]
async fn poison_is_rejected_and_kept_by_each_worker_that_meets_it() {
    let stack = Stack::running();
    let before = stack
        .keys("ThumbnailsBucket", "rejected/thumbnails/")
        .await
        .len();
    let audited = stack
        .keys("AuditBucket", "rejected/upload-audit/")
        .await
        .len();
    stack
        .publish("UploadsTopic", &json!({ "poison": fresh("p") }))
        .await;
    until_true("rejection by thumbnails", || async {
        stack
            .keys("ThumbnailsBucket", "rejected/thumbnails/")
            .await
            .len()
            > before
    })
    .await;
    until_true("rejection by upload-audit", || async {
        stack
            .keys("AuditBucket", "rejected/upload-audit/")
            .await
            .len()
            > audited
    })
    .await;
}

#[tokio::test]
#[ignore = "needs local AWS: cargo run -- up"]
async fn a_worker_that_is_down_holds_up_no_other_and_catches_up() {
    let stack = Stack::running();
    let mappings = stack
        .lambda
        .list_event_source_mappings()
        .function_name(stack.output("UploadAuditFunction"));
    let mappings = mappings
        .send()
        .await
        .unwrap()
        .event_source_mappings
        .unwrap();
    let mapping = mappings[0].uuid.clone().unwrap();
    let enable = async |enabled: bool| {
        let update = stack.lambda.update_event_source_mapping();
        update.uuid(&mapping).enabled(enabled).send().await.unwrap();
    };
    enable(false).await;
    let key = format!("{}/alone.jpg", fresh("dave"));
    put(&stack, &key).await;
    let manifest = format!("manifests/{}/{key}.json", stack.output("UploadsBucket"));
    until("manifest", || stack.object("ThumbnailsBucket", &manifest)).await;
    // Its own event waits for it.
    until_true("message in the queue of the audit", || async {
        depth(&stack, "UploadAuditQueue").await > 0
    })
    .await;
    enable(true).await;
    until_true("empty queue of the audit", || async {
        depth(&stack, "UploadAuditQueue").await == 0
    })
    .await;
}
