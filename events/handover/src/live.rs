//! The commands that talk to AWS, as a person types them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

/// The commands that talk to AWS.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
#[expect(
    missing_docs,
    reason = "a variant's comment would be its command's help, which the structure's comment is"
)]
pub enum Live {
    Put(Put),
    Subscribe(Subscribe),
    Tail(Tail),
    Mail(Mail),
}

/// What `flotilla-aws` takes: what `flotilla` takes too, and what only `flotilla` asks for.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum AwsCommand {
    /// Typed by a person.
    #[command(flatten)]
    Live(Live),
    /// Invoke deployed functions: asks and answers as lines of JSON, for `flotilla replay --against`
    #[command(hide = true)]
    Invoke(Place),
}

/// Which AWS, and which stack there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Place {
    /// Local AWS or an account.
    #[arg(
        long,
        value_enum,
        value_name = "WHERE",
        help = "Local AWS or an account [default: AWS_ENDPOINT_URL if it is set, else the local AWS if it is up, else the \
                account of AWS_PROFILE, AWS_REGION and the other standard variables]"
    )]
    pub against: Option<Against>,
    /// The stage of the stack [default: that of `flotilla up` in local AWS, dev in an account]
    #[arg(long, value_name = "NAME")]
    pub stage: Option<String>,
}

/// Local AWS or an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Against {
    /// What `flotilla up` started on this machine
    Local,
    /// An account, by the standard AWS variables
    Aws,
}

/// Put photos into the uploads bucket, and wait for their thumbnails.
///
/// Each photo goes to OWNER/FILENAME. S3 then tells the fleet of it, and the manifest that the thumbnail worker writes last
/// says that all thumbnails are there.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Exit status: 0 every photo has its thumbnails, 1 some have not, 2 the command was wrong or AWS cannot be reached.\n\
\n\
Examples:\n  \
    flotilla put events/objects/myblog-uploads/photos/harbour.jpg\n  \
    flotilla put ~/Pictures/*.jpg --owner ann --out /tmp/thumbnails\n  \
    flotilla put cat.jpg --key albums/cats/1.jpg --no-wait\n  \
    AWS_PROFILE=blog flotilla put cat.jpg --against aws --stage dev"
)]
pub struct Put {
    /// Photos
    #[arg(value_name = "PHOTO", required = true)]
    pub photos: Vec<PathBuf>,
    /// The first part of the key: whose photos they are
    #[arg(long, value_name = "NAME", default_value = "me", value_parser = owner)]
    pub owner: String,
    /// The whole key, for a single photo, instead of OWNER/FILENAME
    #[arg(long, value_name = "KEY", conflicts_with = "owner", value_parser = key)]
    pub key: Option<String>,
    /// Save the thumbnails into this folder, as FOLDER/KEY/SIZE.EXTENSION
    #[arg(long, value_name = "FOLDER", conflicts_with = "no_wait")]
    pub out: Option<PathBuf>,
    /// The longest wait for the thumbnails of a photo: 500ms, 30s, 5m
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub wait: Duration,
    /// Do not wait for the thumbnails
    #[arg(long)]
    pub no_wait: bool,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
    /// Where.
    #[command(flatten)]
    pub place: Place,
}

/// Subscribe an address, and wait until its welcome mail went out.
///
/// Writes a row into the subscribers table, whose stream tells the welcome-mail worker. Somebody who is subscribed already
/// gets no second mail. In an account this sends a real mail.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "Exit status: 0 the mail went out, now or before, 1 it did not, 2 the command was wrong or AWS cannot be reached.\n\
\n\
Examples:\n  \
    flotilla subscribe ann@example.com --name Ann\n  \
    flotilla subscribe anh@example.com --name Ánh --locale vi && flotilla mail latest"
)]
pub struct Subscribe {
    /// The address
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    /// Whom the mail greets
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The language of the mail, such as en or vi
    #[arg(long, value_name = "LOCALE")]
    pub locale: Option<String>,
    /// The longest wait for the mail: 500ms, 30s, 5m
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub wait: Duration,
    /// Do not wait for the mail
    #[arg(long)]
    pub no_wait: bool,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
    /// Where.
    #[command(flatten)]
    pub place: Place,
}

/// Show what the workers do, one line for each record, as it happens.
///
/// Reads the logs of every worker of the stack: what came in, from where, its fate and why, what changed, how long it took.
/// Ends on Ctrl-C.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = "A worker's time and counts are of the whole batch, and shown at its last record. Logs reach CloudWatch some seconds late.\n\
\n\
Examples:\n  \
    flotilla tail\n  \
    flotilla tail --worker thumbnails --since 1h --once\n  \
    flotilla tail --json | jq 'select(.fate != \"done\")'"
)]
pub struct Tail {
    /// Only this worker; may be given several times
    #[arg(long, value_name = "NAME")]
    pub worker: Vec<String>,
    /// How far back to begin: 30s, 5m, 2h, 1d
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub since: Duration,
    /// Show what is there and end
    #[arg(long)]
    pub once: bool,
    /// Print a JSON document for each record, one a line
    #[arg(long)]
    pub json: bool,
    /// Where.
    #[command(flatten)]
    pub place: Place,
}

/// Look into the outbox of local AWS: every mail that SES was asked to send.
///
/// Without a number lists the mails; with one, or latest, shows that mail as text. An account keeps no copies of what it sent.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = "Examples:\n  \
    flotilla mail\n  \
    flotilla mail latest\n  \
    flotilla mail 3 --open")]
pub struct Mail {
    /// Which mail: its number in the list, or latest
    #[arg(value_name = "N|latest")]
    pub which: Option<Which>,
    /// Open the mail as it looks, in the browser; without a number, the latest
    #[arg(long, conflicts_with = "json")]
    pub open: bool,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
    /// Where.
    #[command(flatten)]
    pub place: Place,
}

/// One mail of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The last one.
    Latest,
    /// By its number, from 1.
    Number(usize),
}

impl std::str::FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            _ if text == "latest" => Ok(Self::Latest),
            Ok(number) if number > 0 => Ok(Self::Number(number)),
            _ => Err("it must be a number from 1, or latest".to_owned()),
        }
    }
}

fn owner(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains('/') {
        return Err("it must be one part of a key, without a slash".to_owned());
    }
    key(text)
}

/// "Object key names" in the S3 user guide: up to 1,024 bytes of UTF-8.
fn key(text: &str) -> Result<String, String> {
    const MAX_BYTES: usize = 1_024;
    if text.is_empty() || text.len() > MAX_BYTES {
        return Err(format!("a key has 1 to {MAX_BYTES} bytes"));
    }
    Ok(text.to_owned())
}

/// A time with its unit: `500ms`, `30s`, `5m`, `2h`, `1d`.
fn duration(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, u64); 5] = [
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
    ];
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let milliseconds = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .and_then(|(_, milliseconds)| number.parse::<u64>().ok()?.checked_mul(*milliseconds));
    // A hundred years: beyond, times since 1970 run out.
    match milliseconds {
        Some(milliseconds) if milliseconds <= 36_525 * 86_400_000 => {
            Ok(Duration::from_millis(milliseconds))
        }
        _ => Err("it must be a number with a unit: 500ms, 30s, 5m, 2h, 1d".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        command: AwsCommand,
    }

    fn parsed(words: &[&str]) -> Result<AwsCommand, String> {
        Line::try_parse_from(std::iter::once(&"flotilla").chain(words))
            .map(|line| line.command)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Line::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_does() {
        let line = Line::command();
        let told: Vec<String> = line
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
            .map(|command| format!("{}: {}", command.get_name(), command.get_about().unwrap()))
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        put: Put photos into the uploads bucket, and wait for their thumbnails
        subscribe: Subscribe an address, and wait until its welcome mail went out
        tail: Show what the workers do, one line for each record, as it happens
        mail: Look into the outbox of local AWS: every mail that SES was asked to send
        ");
    }

    #[test]
    fn a_time_needs_its_unit() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)));
        }
        for text in [
            "",
            "5",
            "m",
            "-5m",
            "5 m",
            "5w",
            "18446744073709551615d",
            "99999d",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_mail_is_named_by_its_number_or_as_the_latest() {
        assert_eq!("latest".parse(), Ok(Which::Latest));
        assert_eq!("3".parse(), Ok(Which::Number(3)));
        for text in ["0", "-1", "last", ""] {
            assert!(text.parse::<Which>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_meant_together_is_refused() {
        for words in [
            &["put"][..],
            &["put", "a.jpg", "--key", "k", "--owner", "ann"],
            &["put", "a.jpg", "--owner", "a/b"],
            &["put", "a.jpg", "--no-wait", "--out", "x"],
            &["mail", "--open", "--json"],
            &["subscribe"],
        ] {
            assert!(parsed(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn a_place_is_said_at_any_command() {
        let AwsCommand::Invoke(place) =
            parsed(&["invoke", "--against", "aws", "--stage", "ann"]).unwrap()
        else {
            panic!("not invoke");
        };
        assert_eq!(place.against, Some(Against::Aws));
        assert_eq!(place.stage.as_deref(), Some("ann"));
    }
}
