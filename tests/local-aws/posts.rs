//! Posts and the cache before them: A5 of the fleet.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::stack::{Stack, fresh, until};

#[tokio::test]
#[ignore = "needs local AWS: cargo run -- up"]
async fn an_edited_post_leaves_the_cache() {
    let stack = Stack::running();
    let cloudfront = aws_sdk_cloudfront::Client::new(&stack.sdk);
    let slug = fresh("hello");
    for title in ["Hello", "Hello again"] {
        let put = stack
            .dynamodb
            .put_item()
            .table_name(stack.output("PostsTable"))
            .item("slug", AttributeValue::S(slug.clone()))
            .item("title", AttributeValue::S(title.to_owned()))
            .item("status", AttributeValue::S("published".to_owned()));
        put.send().await.unwrap();
    }
    let path = format!("/posts/{slug}");
    until("invalidation of the post", || async {
        let distribution = stack.output("DistributionId");
        let list = cloudfront
            .list_invalidations()
            .distribution_id(distribution);
        let list = list.send().await.unwrap().invalidation_list?;
        for invalidation in list.items() {
            let get = cloudfront.get_invalidation().distribution_id(distribution);
            let got = get.id(invalidation.id()).send().await.unwrap();
            let batch = got.invalidation?.invalidation_batch?;
            if batch
                .paths?
                .items()
                .iter()
                .any(|item| item.starts_with(&path))
            {
                return Some(());
            }
        }
        None
    })
    .await;
}
