//! How far `flotilla up` is, on standard error.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use super::{Outcome, Step, StepReport};

/// How often a terminal's line is written anew.
const INTERVAL: Duration = Duration::from_millis(120);

const WHEEL: [char; 4] = ['|', '/', '-', '\\'];

/// As much of a program's own words as fits beside the rest on most terminals.
const DETAIL_CHARACTERS: usize = 60;

/// Tells of steps: on a terminal by a line that changes, elsewhere by plain lines.
#[derive(Debug)]
pub struct Progress {
    audience: Audience,
    step: Option<(Step, Instant)>,
    next: Instant,
    turn: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    Nobody,
    Lines,
    Terminal,
}

impl Progress {
    /// Tells on standard error.
    pub fn of_stderr() -> Self {
        Self::new(if io::stderr().is_terminal() {
            Audience::Terminal
        } else {
            Audience::Lines
        })
    }

    /// Tells nobody.
    pub fn silent() -> Self {
        Self::new(Audience::Nobody)
    }

    fn new(audience: Audience) -> Self {
        Self {
            audience,
            step: None,
            next: Instant::now(),
            turn: 0,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        self.audience == Audience::Terminal
    }

    pub(super) fn begin(&mut self, step: Step) {
        self.step = Some((step, Instant::now()));
        self.next = Instant::now();
        self.detail("", "");
    }

    /// A program began its work.
    pub(super) fn working(&mut self, what: &str) {
        if let (Audience::Lines, Some((step, _))) = (self.audience, self.step) {
            tell(&format!("{step:<9} ...      {what}\n"));
        }
    }

    /// What a program does, and its last words.
    pub(super) fn detail(&mut self, what: &str, words: &str) {
        let (Audience::Terminal, Some((step, began))) = (self.audience, self.step) else {
            return;
        };
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + INTERVAL;
        self.turn = (self.turn + 1) % WHEEL.len();
        let wheel = WHEEL.get(self.turn).copied().unwrap_or(' ');
        let seconds = seconds(began.elapsed());
        let words: String = handover::terminal::visible(words.trim())
            .chars()
            .take(DETAIL_CHARACTERS)
            .collect();
        tell(&format!(
            "\r{step:<9} {wheel} {seconds:>8}  {what}  {words}\x1b[K"
        ));
    }

    pub(super) fn end(&mut self, report: &StepReport) {
        self.step = None;
        let elapsed = seconds(Duration::from_secs_f64(report.seconds));
        let line = match report.outcome {
            Outcome::Done => format!("{:<9} {elapsed:>8}  {}", report.step, report.detail),
            Outcome::Unchanged => format!("{:<9} {:>8}  {}", report.step, "-", report.detail),
            Outcome::Failed => format!("{:<9} {elapsed:>8}  failed", report.step),
        };
        match self.audience {
            Audience::Nobody => {}
            Audience::Lines => tell(&format!("{line}\n")),
            Audience::Terminal => tell(&format!("\r{line}\x1b[K\n")),
        }
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

fn tell(text: &str) {
    // Nobody to tell is no reason to stop.
    let _ = io::stderr().write_all(text.as_bytes());
}
