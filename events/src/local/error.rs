//! What can go wrong with local AWS, and what a person does about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use serde::Serialize;

use super::tools::ToolProblem;
use super::{Checkout, Step, program};

/// Why a step did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The command was not called within the project.
    #[error("there is no checkout of flotilla around {}", .0.display())]
    NoCheckout(PathBuf),
    /// Another `up` or `down` holds the lock.
    #[error("another flotilla up or down is at work in this checkout{}", OfProcess(*.0))]
    Busy(Option<u32>),
    /// The machine lacks something that is not ours to install.
    #[error("{}", joined(.0))]
    Tools(Vec<ToolProblem>),
    /// A program of a step failed.
    #[error("{what} failed: {status}")]
    Program {
        /// What it was to do, such as `npm ci`.
        what: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        log: PathBuf,
        /// What usually helps.
        mend: String,
    },
    /// A program could not be started.
    #[error("{what} does not start")]
    Start {
        /// What it was to do.
        what: String,
        /// Why not.
        source: io::Error,
    },
    /// A program's answer was not what it always is.
    #[error("cannot read what {what} said: {problem}")]
    Answer {
        /// The program.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no worker to build.
    #[error("there is no worker: no package below workers/*/lambda has a binary")]
    NoWorkers,
    /// There is no CDK app to deploy.
    #[error("there is no CDK app in {}", .0.display())]
    NoApp(PathBuf),
    /// Somebody else listens on the port.
    #[error("port {port} is taken by {by}")]
    PortTaken {
        /// The port.
        port: u16,
        /// Who seems to have it.
        by: &'static str,
    },
    /// The system does not let us listen on the port.
    #[error("cannot listen on port {port}")]
    Port {
        /// The port.
        port: u16,
        /// Why not.
        source: io::Error,
    },
    /// Local AWS runs already, elsewhere.
    #[error("local AWS runs on port {running} already, and {asked} was asked for")]
    OtherPort {
        /// Where it is.
        running: u16,
        /// Where it should be.
        asked: u16,
    },
    /// The server ended while it was expected to start.
    #[error("the server ended at its start: {status}")]
    ServerEnded {
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        log: PathBuf,
    },
    /// The server lives and does not answer.
    #[error("the server does not answer after {seconds} s")]
    ServerSilent {
        /// How long it had.
        seconds: u64,
        /// What it said.
        log: PathBuf,
    },
    /// A request to the server failed.
    #[error("local AWS does not answer")]
    Server(#[source] io::Error),
    /// A file or folder of ours cannot be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Somebody pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl LocalError {
    /// The error of a file, for `map_err`.
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// What to do about it.
    pub fn mend(&self) -> Option<String> {
        Some(match self {
            Self::NoCheckout(_) => {
                "run it in the folder of the project, or in one below".to_owned()
            }
            Self::Busy(_) => "wait for it, or end it with Ctrl-C where it runs".to_owned(),
            Self::Tools(problems) => {
                let mends: Vec<String> = problems.iter().map(ToolProblem::mend).collect();
                mends.join("\n")
            }
            Self::Program { mend, .. } => mend.clone(),
            Self::NoApp(_) => "bring back the folder cdk/ of the project".to_owned(),
            Self::NoWorkers => "bring back the folder workers/ of the project".to_owned(),
            Self::PortTaken { port, .. } => format!(
                "end what listens there, or choose another port: flotilla up --port {}",
                port.checked_add(1).unwrap_or(4566)
            ),
            Self::Port { .. } => "choose another one: flotilla up --port 4566".to_owned(),
            Self::OtherPort { running, .. } => {
                format!("use it with --port {running}, or end it first: flotilla down")
            }
            Self::ServerEnded { .. } | Self::ServerSilent { .. } => {
                "start with nothing: flotilla up --fresh".to_owned()
            }
            Self::Server(_) => "start it anew: flotilla down, then flotilla up".to_owned(),
            Self::Interrupted => {
                "flotilla up goes on where this ended; flotilla down ends what runs".to_owned()
            }
            Self::Start { .. } | Self::Answer { .. } | Self::File { .. } => return None,
        })
    }

    /// Where the program that failed said more.
    pub fn log(&self) -> Option<&Path> {
        match self {
            Self::Program { log, .. }
            | Self::ServerEnded { log, .. }
            | Self::ServerSilent { log, .. } => Some(log),
            _ => None,
        }
    }
}

/// A step that failed, as it is told.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// The step.
    pub step: Step,
    /// What went wrong, with its causes.
    pub problem: String,
    /// What to do about it.
    pub mend: Option<String>,
    /// The whole log, when a program failed.
    pub log: Option<PathBuf>,
    /// The log's last lines.
    pub last_lines: Vec<String>,
}

impl Failure {
    /// How many lines of a log usually hold the reason.
    const LINES: usize = 15;

    pub(super) fn new(step: Step, error: &LocalError) -> Self {
        Self {
            step,
            problem: chain(error),
            mend: error.mend(),
            log: error.log().map(Path::to_owned),
            last_lines: error
                .log()
                .map(|log| program::last_lines(log, Self::LINES))
                .unwrap_or_default(),
        }
    }

    /// As a person reads it, without `error: ` before it.
    pub fn told(&self, checkout: &Checkout) -> String {
        let mut text = format!("{}: {}", self.step, self.problem);
        for line in &self.last_lines {
            text.push_str("\n    ");
            text.push_str(&handover::terminal::visible(line));
        }
        if let Some(log) = &self.log {
            text.push_str("\nall of it: ");
            text.push_str(&checkout.shown(log));
        }
        for line in self.mend.iter().flat_map(|mend| mend.lines()) {
            text.push_str("\nmend: ");
            text.push_str(line);
        }
        text
    }
}

/// An error and its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn joined(problems: &[ToolProblem]) -> String {
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    problems.join("; ")
}

struct OfProcess(Option<u32>);

impl fmt::Display for OfProcess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(pid) => write!(formatter, " (process {pid})"),
            None => Ok(()),
        }
    }
}
