//! `flotilla up`: the steps, one after the other.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use handover::terminal::{Style, count};
use serde::Serialize;

use super::lock::Lock;
use super::program::Program;
use super::server::Wish;
use super::{
    Checkout, Failure, Interrupt, LocalError, NextSteps, Progress, Server, deploy, npm_packages,
    server, tools, virtual_environment, workers,
};

/// Where local AWS listens when nobody says where: the port that other emulators of AWS use too.
pub const DEFAULT_PORT: u16 = 4566;

/// What `up` is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Where the server listens; `None` leaves it where it is, or at [`DEFAULT_PORT`].
    pub port: Option<u16>,
    /// Whether the server starts with nothing.
    pub fresh: bool,
    /// Whether the server refuses what a function's role does not allow.
    pub authorise: bool,
    /// Whether workers are built as for a real account: slower to build, faster to run.
    pub release: bool,
}

/// A step of `up`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The machine's own tools are there.
    Tools,
    /// The emulator is in its virtual environment.
    Emulator,
    /// The CDK's npm packages are there.
    Packages,
    /// Every worker is built.
    Workers,
    /// The server runs.
    Server,
    /// The stack is deployed to it.
    Stack,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Something was done.
    Done,
    /// There was nothing to do.
    Unchanged,
    /// It did not come to its end, and no step after it began.
    Failed,
}

/// A step that ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepReport {
    /// Which.
    pub step: Step,
    /// How.
    pub outcome: Outcome,
    /// After how many seconds.
    pub seconds: f64,
    /// What is there now, in a few words.
    pub detail: String,
}

/// All that `up` did, and what there is now: what `flotilla up --json` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Up {
    /// Of this document's shape.
    pub version: u32,
    /// Whether local AWS is up, with the stack.
    pub up: bool,
    /// Whether any step had something to do.
    pub changed: bool,
    /// From the first step to the last.
    pub seconds: f64,
    /// The steps in their order.
    pub steps: Vec<StepReport>,
    /// Why it is not up.
    pub failure: Option<Failure>,
    /// The server, once it runs.
    pub server: Option<Server>,
    /// The stack, once it is deployed.
    pub stack: Option<String>,
    /// The stack's outputs.
    pub outputs: BTreeMap<String, String>,
    /// What to do next, once it is up.
    pub next: Option<NextSteps>,
}

impl Up {
    /// Raised when a field changes its meaning or goes.
    pub const VERSION: u32 = 1;

    /// As a person reads it; nothing when it is not up.
    pub fn told(&self, style: Style) -> String {
        let (Some(server), Some(next)) = (&self.server, &self.next) else {
            return String::new();
        };
        let functions = self
            .outputs
            .keys()
            .filter(|key| key.ends_with("Function"))
            .count();
        let what = if self.changed {
            format!("is up with {}", count(functions, "function"))
        } else {
            "is up, and nothing changed".to_owned()
        };
        format!(
            "{} {what}: {} ({:.1} s)\n{}",
            style.bold("Local AWS"),
            server.endpoint,
            self.seconds,
            next.told(style)
        )
    }
}

/// What every step works with.
pub(super) struct Session<'a> {
    pub(super) checkout: Checkout,
    pub(super) progress: &'a mut Progress,
    pub(super) interrupt: &'a Interrupt,
    report: Up,
}

/// A step that came to its end.
#[derive(Debug)]
pub(super) struct Done {
    outcome: Outcome,
    detail: String,
}

impl Done {
    pub(super) fn changed(detail: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Done,
            detail: detail.into(),
        }
    }

    pub(super) fn unchanged(detail: impl Into<String>) -> Self {
        Self {
            outcome: Outcome::Unchanged,
            detail: detail.into(),
        }
    }

    #[cfg(test)]
    pub(super) fn is_changed(&self) -> bool {
        self.outcome == Outcome::Done
    }
}

/// Brings local AWS up with the stack of this checkout.
///
/// A step that fails is in the report; an error is what kept the first step from beginning.
pub fn up(
    checkout: &Checkout,
    options: Options,
    progress: &mut Progress,
    interrupt: &Interrupt,
) -> Result<Up, LocalError> {
    checkout.make_state()?;
    let _lock = Lock::take(checkout)?;
    let began = Instant::now();
    let mut session = Session {
        checkout: checkout.clone(),
        progress,
        interrupt,
        report: Up {
            version: Up::VERSION,
            up: false,
            changed: false,
            seconds: 0.0,
            steps: Vec::new(),
            failure: None,
            server: None,
            stack: None,
            outputs: BTreeMap::new(),
            next: None,
        },
    };
    session.report.up = session.climb(options).is_some();
    let mut report = session.report;
    report.seconds = began.elapsed().as_secs_f64();
    report.changed = report
        .steps
        .iter()
        .any(|step| step.outcome != Outcome::Unchanged);
    Ok(report)
}

impl Session<'_> {
    /// Every step; `None` after the first that fails.
    fn climb(&mut self, options: Options) -> Option<()> {
        self.step(Step::Tools, |_| Ok(((), Done::unchanged(tools::check()?))))?;
        self.step(Step::Emulator, |session| {
            Ok(((), virtual_environment::prepare(session)?))
        })?;
        self.step(Step::Packages, |session| {
            Ok(((), npm_packages::install(session)?))
        })?;
        self.step(Step::Workers, |session| {
            Ok(((), workers::build(session, options.release)?))
        })?;
        let wish = Wish {
            port: options.port,
            authorise: options.authorise,
            fresh: options.fresh,
        };
        let server = self.step(Step::Server, |session| server::start(session, wish))?;
        self.report.server = Some(server.clone());
        self.report.outputs = self.step(Step::Stack, |session| deploy::deploy(session, &server))?;
        self.report.stack = Some(deploy::stack());
        self.report.next = Some(NextSteps::of(&server));
        Some(())
    }

    fn step<T>(
        &mut self,
        step: Step,
        work: impl FnOnce(&mut Self) -> Result<(T, Done), LocalError>,
    ) -> Option<T> {
        let began = Instant::now();
        self.progress.begin(step);
        let result = self.interrupt.check().and_then(|()| work(self));
        let seconds = began.elapsed().as_secs_f64();
        let (value, outcome, detail) = match result {
            Ok((value, done)) => (Some(value), done.outcome, done.detail),
            Err(error) => {
                self.report.failure = Some(Failure::new(step, &error));
                (None, Outcome::Failed, String::new())
            }
        };
        let report = StepReport {
            step,
            outcome,
            seconds,
            detail,
        };
        self.progress.end(&report);
        self.report.steps.push(report);
        value
    }

    /// Runs a program of a step to its end.
    pub(super) fn run(&mut self, program: Program) -> Result<(), LocalError> {
        program.run(self.progress, self.interrupt)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Tools => "tools",
            Self::Emulator => "emulator",
            Self::Packages => "packages",
            Self::Workers => "workers",
            Self::Server => "server",
            Self::Stack => "stack",
        })
    }
}
