//! The files of a new worker, filled in.

use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use super::name::WorkerName;
use super::source::NewSource;

/// The files of a worker of that name: paths below the checkout, and texts.
pub(super) fn files(
    name: &WorkerName,
    source: NewSource,
) -> Result<Vec<(String, String)>, minijinja::Error> {
    let core = format!("workers/{name}");
    let lambda = format!("{core}/lambda");
    let events = format!("events/{name}");
    let (record, work, first, poison) = of_source(source);
    [
        (
            format!("{core}/Cargo.toml"),
            include_str!("templates/core/Cargo.toml.jinja"),
        ),
        (
            format!("{core}/README.md"),
            include_str!("templates/core/README.md.jinja"),
        ),
        (
            format!("{core}/src/lib.rs"),
            include_str!("templates/core/lib.rs.jinja"),
        ),
        (
            format!("{core}/src/config.rs"),
            include_str!("templates/core/config.rs.jinja"),
        ),
        (
            format!("{core}/src/error.rs"),
            include_str!("templates/core/error.rs.jinja"),
        ),
        (format!("{core}/src/record.rs"), record),
        (format!("{core}/src/work.rs"), work),
        (
            format!("{core}/src/worker.rs"),
            include_str!("templates/core/worker.rs.jinja"),
        ),
        (
            format!("{core}/src/worker/tests.rs"),
            include_str!("templates/core/tests.rs.jinja"),
        ),
        (
            format!("{lambda}/Cargo.toml"),
            include_str!("templates/lambda/Cargo.toml.jinja"),
        ),
        (
            format!("{lambda}/src/main.rs"),
            include_str!("templates/lambda/main.rs.jinja"),
        ),
        (
            format!("{lambda}/src/aws.rs"),
            include_str!("templates/lambda/aws.rs.jinja"),
        ),
        (
            format!("{lambda}/tests/binary.rs"),
            include_str!("templates/lambda/binary.rs.jinja"),
        ),
        (
            format!("events/src/replay/workers/{}.rs", name.snake()),
            include_str!("templates/replay/entry.rs.jinja"),
        ),
        (format!("{events}/first.json"), first),
        (format!("{events}/poison.json"), poison),
        (
            format!("cdk/lib/workers/{name}.ts"),
            include_str!("templates/cdk/worker.ts.jinja"),
        ),
    ]
    .into_iter()
    .map(|(path, template)| Ok((path, filled(template, name, source)?)))
    .collect()
}

/// The section of `events/README.md`.
pub(super) fn events_section(
    name: &WorkerName,
    source: NewSource,
) -> Result<String, minijinja::Error> {
    filled(
        include_str!("templates/events/README.md.jinja"),
        name,
        source,
    )
}

/// What the worker may do, for the test of the stack's permissions.
pub(super) fn permissions(
    name: &WorkerName,
    source: NewSource,
) -> Result<String, minijinja::Error> {
    filled(
        include_str!("templates/cdk/permissions.ts.jinja"),
        name,
        source,
    )
}

/// What is so different between sources that it is a template of its own.
fn of_source(source: NewSource) -> (&'static str, &'static str, &'static str, &'static str) {
    match source {
        NewSource::Sqs => (
            include_str!("templates/core/record-sqs.rs.jinja"),
            include_str!("templates/core/work-once.rs.jinja"),
            include_str!("templates/events/sqs-first.json.jinja"),
            include_str!("templates/events/sqs-poison.json.jinja"),
        ),
        NewSource::S3 => (
            include_str!("templates/core/record-s3.rs.jinja"),
            include_str!("templates/core/work-newest.rs.jinja"),
            include_str!("templates/events/s3-first.json.jinja"),
            include_str!("templates/events/s3-poison.json.jinja"),
        ),
        NewSource::DynamoDb => (
            include_str!("templates/core/record-dynamodb.rs.jinja"),
            include_str!("templates/core/work-newest.rs.jinja"),
            include_str!("templates/events/dynamodb-first.json.jinja"),
            include_str!("templates/events/dynamodb-poison.json.jinja"),
        ),
        NewSource::Kinesis => (
            include_str!("templates/core/record-kinesis.rs.jinja"),
            include_str!("templates/core/work-newest.rs.jinja"),
            include_str!("templates/events/kinesis-first.json.jinja"),
            include_str!("templates/events/kinesis-poison.json.jinja"),
        ),
    }
}

fn filled(
    template: &str,
    name: &WorkerName,
    source: NewSource,
) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    let pascal = name.pascal();
    let words = context! {
        name => name.kebab(),
        snake => name.snake(),
        shout => name.shout(),
        camel => name.camel(),
        // The name that CloudFormation gives to what the worker reads holds the path of its construct.
        source_id => match source {
            NewSource::DynamoDb => format!("Tables{pascal}Source"),
            NewSource::Sqs | NewSource::S3 | NewSource::Kinesis => format!("{pascal}Source"),
        },
        imports => {
            // As rustfmt sorts them.
            let mut imports = ["Config".to_owned(), format!("{pascal}Worker")];
            imports.sort();
            imports.join(", ")
        },
        pascal,
        ..Value::from(Serde(source.words()))
    };
    let text = environment.render_str(template, words)?;
    Ok(format!("{}\n", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use clap::ValueEnum as _;
    use serde_json::Value;

    use super::*;

    /// The shortest name, one of two words, and the longest: a line that is broken for one must be for all.
    const NAMES: [&str; 3] = ["o", "order-totals", "abcdefghijklmnopqrstuvwxyz-efg"];

    /// Every file of every source and name.
    fn all() -> impl Iterator<Item = (String, String)> {
        let sources = NewSource::value_variants().iter();
        let pairs = sources.flat_map(|source| NAMES.map(|name| (*source, name)));
        pairs.flat_map(|(source, name)| files(&name.parse().unwrap(), source).unwrap())
    }

    fn formatted(text: &str) -> String {
        let mut rustfmt = Command::new("rustfmt")
            .args(["--edition", "2024", "--emit", "stdout"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = rustfmt.stdin.take().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        drop(stdin);
        let output = rustfmt.wait_with_output().unwrap();
        assert!(output.status.success(), "{text}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn rust_is_as_rustfmt_leaves_it_whatever_the_name() {
        for (path, text) in all() {
            if std::path::Path::new(&path)
                .extension()
                .is_some_and(|kind| kind == "rs")
                // Its modules are files, which are not there.
                && !path.ends_with("lib.rs")
                && !path.ends_with("main.rs")
            {
                let text = text.replace("#[cfg(test)]\nmod tests;\n", "");
                assert_same_lines(&path, &text, &formatted(&text));
            }
        }
    }

    fn assert_same_lines(path: &str, text: &str, formatted: &str) {
        for (line, (is, should_be)) in text.lines().zip(formatted.lines()).enumerate() {
            assert_eq!(is, should_be, "{path}:{}", line + 1);
        }
        assert_eq!(text.trim_end(), formatted.trim_end(), "{path}");
    }

    #[test]
    fn files_end_in_one_line_break_and_have_no_space_at_an_end() {
        for (path, text) in all() {
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{path}");
            let trailing = text.lines().find(|line| line.ends_with(' '));
            assert_eq!(trailing, None, "{path}");
            assert!(!text.contains("\n\n\n"), "{path}: {text}");
        }
    }

    #[test]
    fn captured_events_say_which_source_they_come_from() {
        for (path, text) in all() {
            if path.starts_with("events/") && !path.starts_with("events/src/") {
                let event: Value = serde_json::from_str(&text).unwrap();
                for record in event["Records"].as_array().unwrap() {
                    let source = record["eventSourceARN"].as_str().unwrap();
                    assert!(source.contains("flotilla-dev-"), "{path}: {source}");
                }
            }
        }
    }
}
