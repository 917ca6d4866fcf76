use flotilla_aws::{Aws, Stack, Target, Where};
use runtime_stub::canned::{Answer, Canned};

use crate::place::{aws, described, place};

#[tokio::test]
async fn the_stack_tells_what_its_things_are_called() {
    let canned = place().await;
    let stack = Stack::find(&aws(&canned).await).await.unwrap();
    assert_eq!(stack.output("UploadsBucket").unwrap(), "uploads");
    let error = stack.output("PostsTable").unwrap_err();
    assert!(error.is_usage());
    assert!(error.to_string().contains("PostsTable"), "{error}");
    let functions: Vec<(String, String)> = stack.functions().into_iter().collect();
    let function = "flotilla-local-thumbnails".to_owned();
    assert_eq!(functions, [("thumbnails".to_owned(), function)]);
    let error = stack.functions_of(&["gallery".to_owned()]).unwrap_err();
    assert!(error.to_string().contains("thumbnails"), "{error}");
}

#[tokio::test]
async fn a_stack_that_is_not_there_says_how_to_deploy_it() {
    let canned = Canned::start().await.unwrap();
    canned.always(Answer::status(400).body(
        "<ErrorResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><Error><Type>Sender</Type>\
         <Code>ValidationError</Code><Message>Stack with id flotilla-local does not exist</Message></Error></ErrorResponse>",
    ));
    let error = Stack::find(&aws(&canned).await).await.unwrap_err();
    assert!(error.is_usage());
    assert!(error.to_string().contains("`flotilla up`"), "{error}");
}

#[tokio::test]
async fn a_stack_without_outputs_has_no_workers() {
    let canned = Canned::start().await.unwrap();
    canned.always(described(&[]));
    let stack = Stack::find(&aws(&canned).await).await.unwrap();
    assert!(stack.functions().is_empty());
}

#[tokio::test]
async fn an_endpoint_where_nobody_answers_is_a_wrong_command() {
    let canned = Canned::start().await.unwrap();
    let endpoint = canned.url();
    drop(canned);
    let target = Target {
        at: Where::Local {
            endpoint,
            region: "us-east-1".to_owned(),
        },
        stage: "local".to_owned(),
    };
    let aws = Aws::at(target).await.unwrap();
    let error = Stack::find(&aws).await.unwrap_err();
    assert!(error.is_usage());
    assert!(error.to_string().contains("cannot be reached"), "{error}");
}
