//! What local AWS knows of stacks, asked as the AWS CLI asks.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::clock::Utc;
use super::http::Answer;
use super::server::{ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, Server};
use super::signature::Signer;
use super::{LocalError, http};

/// When a stack was last changed, as the server tells it; `None` when it has no such stack, or one that did not become
/// whole.
pub(super) fn stack_changed(server: &Server, stack: &str) -> Result<Option<String>, LocalError> {
    let answer = ask(
        server,
        &[("Action", "DescribeStacks"), ("StackName", stack)],
    )?;
    // A stack that does not exist is a ValidationError, 400.
    Ok((answer.status == 200)
        .then(|| last_change(&answer.body))
        .flatten())
}

/// Makes a stack of a template. The server is done with a small one when it answers.
pub(super) fn create_stack(server: &Server, stack: &str, template: &str) -> Result<(), LocalError> {
    let answer = ask(
        server,
        &[
            ("Action", "CreateStack"),
            ("StackName", stack),
            ("TemplateBody", template),
        ],
    )?;
    if answer.status == 200 {
        return Ok(());
    }
    Err(LocalError::Answer {
        what: "local AWS",
        problem: format!("{stack}: {}", answer.body.trim()),
    })
}

fn ask(server: &Server, parameters: &[(&str, &str)]) -> Result<Answer, LocalError> {
    let body = form(parameters);
    let signer = Signer {
        access_key_id: ACCESS_KEY_ID,
        secret_access_key: SECRET_ACCESS_KEY,
        region: REGION,
        service: "cloudformation",
        date: &Utc::now().basic(),
    };
    let host = format!("127.0.0.1:{}", server.port);
    let headers = signer.headers(&host, &body);
    http::request(server.port, "POST", "/", &headers, &body).map_err(LocalError::Server)
}

fn form(parameters: &[(&str, &str)]) -> String {
    parameters
        .iter()
        .fold("Version=2010-05-15".to_owned(), |form, (name, value)| {
            format!(
                "{form}&{name}={}",
                utf8_percent_encode(value, NON_ALPHANUMERIC)
            )
        })
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
    fn a_form_carries_any_text() {
        assert_eq!(
            form(&[("TemplateBody", "{\"a\": 1}")]),
            "Version=2010-05-15&TemplateBody=%7B%22a%22%3A%201%7D"
        );
    }

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
