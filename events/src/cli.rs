//! The command line.

mod local;
mod new;

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use handover::{Against, Place};
use thumbnailer::{Fit, OutputFormat, Plan, Quality, Rgb, Size};
use tracing_subscriber::EnvFilter;

use crate::live::{self, AgainstOptions};
use crate::replay::{self, Printer, Progress, Replay, ReplayedEvent};
use crate::terminal::Style;
use crate::thumbnail;

/// Something is left to retry, or failed.
const EXIT_UNFINISHED: u8 = 1;

/// The command was wrong: nothing was done, or nothing could be.
const EXIT_USAGE: u8 = 2;

/// Replays captured AWS events through the fleet's workers, makes thumbnails of your own photos, and runs the whole fleet on
/// this machine.
#[derive(Debug, Parser)]
#[command(
    name = "flotilla",
    version,
    after_help = "Examples:\n  \
        flotilla replay events                 replay every captured event, then open out/report.html\n  \
        flotilla thumbnail photo.jpg           make thumbnails of a photo of yours\n  \
        flotilla up                            start local AWS with the whole fleet\n  \
        flotilla put photo.jpg                 let that fleet make its thumbnails; flotilla tail shows how\n  \
        flotilla new worker orders --source sqs  add a worker to the fleet\n  \
        flotilla replay --help                 more about a command"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Replay(ReplayArguments),
    Thumbnail(ThumbnailArguments),
    Up(local::UpArguments),
    Status(local::StatusArguments),
    Down(local::DownArguments),
    #[command(flatten)]
    Live(handover::Live),
    New(new::NewArguments),
}

/// Replay captured events through the workers that would have got them.
///
/// Each event's kind is detected, and its worker's own handler runs in process. Objects, mails, claims and rejected records
/// go to the output folder, with a page that shows them all: report.html. Replaying the same events again into the same
/// folder has no new effects.
///
/// With --against, the deployed functions handle the events instead, and the report is the same but for what changed, which
/// lies in their AWS. Local AWS gets the objects that the events name first.
#[derive(Debug, Args)]
#[command(
    after_help = "A file holds one event, an array of events, or one event a line. What is not JSON counts as rejected.\n\
Workers are configured by the same environment variables as in Lambda, such as THUMBNAIL_SIZES=64,128; RUST_LOG=info \
shows their logs.\n\
\n\
Exit status: 0 nothing is left to retry, 1 something is, 2 the command was wrong.\n\
\n\
Examples:\n  \
    flotilla replay events\n  \
    flotilla replay events/s3/put-jpeg.json --out /tmp/out\n  \
    flotilla replay captured.json --objects photos --worker thumbnails\n  \
    flotilla replay events/s3/put-jpeg.json --against local\n  \
    AWS_PROFILE=blog flotilla replay captured.json --against aws --stage dev --yes\n  \
    flotilla replay events --json | jq .totals"
)]
struct ReplayArguments {
    /// Files of events, or folders of them
    #[arg(value_name = "EVENT.json|FOLDER")]
    events: Vec<PathBuf>,
    /// The folder of the objects that events name, as BUCKET/KEY, BUCKET/KEY@VERSION or just KEY [default: the nearest folder
    /// named objects beside or above each event]
    #[arg(long, value_name = "FOLDER")]
    objects: Option<PathBuf>,
    /// Where everything is written [default: out; with --against, out/local or out/aws]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// The worker that gets every event, instead of each event's own
    #[arg(long, value_name = "NAME")]
    worker: Option<String>,
    /// Invoke the deployed functions: of the local AWS that `flotilla up` started, or of an account by the standard AWS variables
    #[arg(long, value_enum, value_name = "WHERE")]
    against: Option<Against>,
    /// With --against: the stage of the stack [default: that of `flotilla up` in local AWS, dev in an account]
    #[arg(long, value_name = "NAME", requires = "against")]
    stage: Option<String>,
    /// With --against: put the objects that the events name into the stack's uploads bucket, and name that bucket in the
    /// events. S3 tells the fleet of them too, so a record may end as a duplicate or superseded [default where `flotilla up
    /// --authorise` runs, whose workers may read no other bucket]
    #[arg(long, requires = "against")]
    put_objects: bool,
    /// With --against aws: really invoke the functions; without it, only say which
    #[arg(long, requires = "against")]
    yes: bool,
    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
}

/// Make thumbnails of your own photos, by the pipeline of the thumbnail worker.
///
/// Writes FOLDER/PHOTO/SIZE.EXTENSION for each photo and size, and index.html to look at them all.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 every photo has its thumbnails, 1 some have not, 2 the command was wrong.\n\
\n\
Examples:\n  \
    flotilla thumbnail photo.jpg\n  \
    flotilla thumbnail ~/Pictures --out /tmp/thumbnails\n  \
    flotilla thumbnail *.jpg --sizes 256,640x480,1200x --fit cover --format webp,jpeg --quality 75"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
struct ThumbnailArguments {
    /// Photos, or folders of them
    #[arg(value_name = "PHOTO|FOLDER")]
    photos: Vec<PathBuf>,
    /// Boxes in pixels: 256 (a square), 640x480, 1200x (a width), x600 (a height)
    #[arg(
        long,
        value_name = "SIZES",
        value_delimiter = ',',
        default_value = "128,256,512,1024"
    )]
    sizes: Vec<Size>,
    /// How a photo goes into a box: inside (whole), cover (cropped to fill it) or exact (stretched)
    #[arg(long, value_name = "FIT", default_value_t = Fit::Inside)]
    fit: Fit,
    /// Types: keep, jpeg, webp, avif, png
    #[arg(
        long,
        value_name = "TYPES",
        value_delimiter = ',',
        default_value = "keep"
    )]
    format: Vec<OutputFormat>,
    /// Quality from 1 to 100, for all types or by type: jpeg=80,webp=75,avif=50
    #[arg(long, value_name = "QUALITY", default_value_t = Quality::default())]
    quality: Quality,
    /// The colour behind transparent photos in types without transparency
    #[arg(long, value_name = "COLOUR", default_value_t = Rgb::WHITE)]
    background: Rgb,
    /// Enlarge photos that are smaller than a box
    #[arg(long)]
    upscale: bool,
    /// Keep the first frame of an animation only
    #[arg(long)]
    still: bool,
    /// Average light rather than sRGB's codes for it: fine bright patterns keep their brightness, for more time
    #[arg(long)]
    linear_light: bool,
    /// Where thumbnails are written
    #[arg(long, value_name = "FOLDER", default_value = "thumbnails")]
    out: PathBuf,
    /// Print one JSON document instead of a table
    #[arg(long)]
    json: bool,
}

/// Runs a command and says how it went.
pub fn run(cli: Cli) -> ExitCode {
    log_to_stderr();
    let result = match cli.command {
        Command::Replay(arguments) => replay(arguments),
        Command::Thumbnail(arguments) => thumbnail(arguments),
        Command::Up(arguments) => local::up(&arguments),
        Command::Status(arguments) => local::status(&arguments),
        Command::Down(arguments) => local::down(&arguments),
        Command::Live(_) => match live::hand_over() {
            Ok(code) => return code,
            Err(error) => Err(error.into()),
        },
        Command::New(arguments) => new::new(arguments),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => EXIT_UNFINISHED.into(),
        Err(error) => {
            complain(format_args!("{error:#}"));
            EXIT_USAGE.into()
        }
    }
}

fn replay(arguments: ReplayArguments) -> anyhow::Result<bool> {
    let out = match arguments.against {
        None => "out",
        Some(Against::Local) => "out/local",
        Some(Against::Aws) => "out/aws",
    };
    let options = replay::Options {
        events: arguments.events,
        objects: arguments.objects,
        out: arguments.out.unwrap_or_else(|| out.into()),
        worker: arguments.worker,
    };
    let mut printer = Printer::new(io::stdout(), Style::of_stdout());
    let mut progress = Progress::new(arguments.json || !io::stdout().is_terminal());
    let each = |event: &ReplayedEvent, behind, all| {
        progress.tell(behind, all);
        if !arguments.json {
            // Nobody reads any more, as in `flotilla replay events | head`: the replay itself goes on.
            let _ = printer.event(event);
        }
    };
    let replay: Replay = if arguments.against.is_some() {
        let options = AgainstOptions {
            replay: options,
            place: Place {
                against: arguments.against,
                stage: arguments.stage,
            },
            put_objects: arguments.put_objects,
            confirmed: arguments.yes,
        };
        live::replay_against(&options, each)?
    } else {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("the runtime does not start")?;
        runtime.block_on(replay::replay(&options, each))?
    };
    drop(progress);
    if arguments.json {
        print_json(&replay)?;
    } else {
        let _ = printer.summary(&replay);
    }
    Ok(replay.is_finished())
}

fn thumbnail(arguments: ThumbnailArguments) -> anyhow::Result<bool> {
    let options = thumbnail::Options {
        photos: arguments.photos,
        plan: Plan {
            sizes: arguments.sizes,
            fit: arguments.fit,
            formats: arguments.format,
            quality: arguments.quality,
            background: arguments.background,
            upscale: arguments.upscale,
            animation: !arguments.still,
            linear_light: arguments.linear_light,
        },
        out: arguments.out,
    };
    let mut table = thumbnail::Table::new(io::stdout(), Style::of_stdout());
    let session = thumbnail::make(&options, |photo| {
        if !arguments.json {
            let _ = table.photo(photo);
        }
        if let Some(error) = &photo.error {
            complain(format_args!("{}: {error}", photo.photo));
        }
    })?;
    if arguments.json {
        print_json(&session)?;
    } else {
        let _ = table.summary(&session);
    }
    Ok(session.is_finished())
}

fn print_json(document: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    serde_json::to_writer_pretty(&mut stdout, document).context("standard output failed")?;
    writeln!(stdout)
        .and_then(|()| stdout.flush())
        .context("standard output failed")
}

fn complain(error: impl Display) {
    let text = crate::terminal::visible(&error.to_string());
    // With standard error gone there is nobody left to tell.
    let _ = writeln!(io::stderr(), "error: {text}");
}

/// The workers' logs are for debugging here, and standard output is for the results.
fn log_to_stderr() {
    if let Ok(filter) = EnvFilter::try_from_default_env() {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal())
            .init();
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
