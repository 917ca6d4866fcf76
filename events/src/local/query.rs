//! What local AWS knows of a stack.

use super::clock::Utc;
use super::server::{ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, Server};
use super::signature::Signer;
use super::{LocalError, http};

/// When a stack was last changed, as the server tells it; `None` when it has no such stack, or one that did not become
/// whole.
pub(super) fn stack_changed(server: &Server, stack: &str) -> Result<Option<String>, LocalError> {
    let body = format!("Action=DescribeStacks&Version=2010-05-15&StackName={stack}");
    let signer = Signer {
        access_key_id: ACCESS_KEY_ID,
        secret_access_key: SECRET_ACCESS_KEY,
        region: REGION,
        service: "cloudformation",
        date: &Utc::now().basic(),
    };
    let host = format!("127.0.0.1:{}", server.port);
    let answer = http::request(
        server.port,
        "POST",
        "/",
        &signer.headers(&host, &body),
        &body,
    )
    .map_err(LocalError::Server)?;
    // A stack that does not exist is a ValidationError, 400.
    Ok((answer.status == 200)
        .then(|| last_change(&answer.body))
        .flatten())
}

fn last_change(answer: &str) -> Option<String> {
    let status = element(answer, "StackStatus")?;
    let whole = status.ends_with("_COMPLETE") && !status.contains("ROLLBACK");
    let time = element(answer, "LastUpdatedTime").or_else(|| element(answer, "CreationTime"))?;
    whole.then(|| time.to_owned())
}

/// The text of the first element of this name.
fn element<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_stack_has_a_last_change() {
        let answer = |status: &str, updated: &str| {
            format!(
                "<Stacks><member><CreationTime>2026-11-23T08:00:00Z</CreationTime>{updated}\
                 <StackStatus>{status}</StackStatus></member></Stacks>"
            )
        };
        let updated = "<LastUpdatedTime>2026-11-23T09:00:00Z</LastUpdatedTime>";
        for (status, updated, change) in [
            ("CREATE_COMPLETE", "", Some("2026-11-23T08:00:00Z")),
            ("UPDATE_COMPLETE", updated, Some("2026-11-23T09:00:00Z")),
            ("UPDATE_ROLLBACK_COMPLETE", updated, None),
            ("CREATE_IN_PROGRESS", "", None),
        ] {
            assert_eq!(
                last_change(&answer(status, updated)).as_deref(),
                change,
                "{status}"
            );
        }
    }
}
