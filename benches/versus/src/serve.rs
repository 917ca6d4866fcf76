//! The servers that are written in Rust: the loop that they share, and what they time.

pub(crate) mod ours;

#[cfg(feature = "libjpeg-turbo")]
pub(crate) mod libjpeg_turbo;

use std::fs;
use std::io::{self, BufRead};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::protocol::{self, Answer, Request, Work};

/// A library that is measured.
pub(crate) trait Library {
    /// Its name and versions.
    fn versions(&self) -> String;

    /// How it did the last work, where it can tell.
    fn note(&self) -> String {
        String::new()
    }

    /// Encoded image in memory to encoded thumbnails in memory, one for each size.
    fn work(&mut self, image: &[u8], work: &Work) -> Result<Vec<Vec<u8>>>;
}

/// Answers requests on standard input until it ends.
pub(crate) fn serve(library: &mut dyn Library) -> Result<()> {
    let mut image = Vec::new();
    let mut to = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let (answer, files) = answer(library, &mut image, request).unwrap_or_else(|error| {
            let refused = Answer {
                refused: Some(format!("{error:#}")),
                ..Answer::default()
            };
            (refused, Vec::new())
        });
        protocol::write(&mut to, &answer, &files)?;
    }
    Ok(())
}

fn answer(
    library: &mut dyn Library,
    image: &mut Vec<u8>,
    request: Request,
) -> Result<(Answer, Vec<Vec<u8>>)> {
    match request {
        Request::Hello => {
            let answer = Answer {
                versions: library.versions(),
                ..Answer::default()
            };
            Ok((answer, Vec::new()))
        }
        Request::Load { input } => {
            *image = fs::read(&input)?;
            Ok((Answer::default(), Vec::new()))
        }
        Request::Work(work) => timed(library, image, &work),
        Request::Memory { warm, input, work } => {
            *image = fs::read(&warm)?;
            library.work(image, &work)?;
            *image = fs::read(&input)?;
            // Sets the high-water mark to what is resident now.
            fs::write("/proc/self/clear_refs", "5")?;
            let before_kib = status_kib("VmRSS:")?;
            let (answer, files) = timed(library, image, &work)?;
            let answer = Answer {
                before_kib,
                peak_kib: status_kib("VmHWM:")?,
                ..answer
            };
            Ok((answer, files))
        }
        Request::Pixels => anyhow::bail!("only sharp is asked for pixels"),
    }
}

fn timed(library: &mut dyn Library, image: &[u8], work: &Work) -> Result<(Answer, Vec<Vec<u8>>)> {
    let start = Instant::now();
    let files = library.work(image, work)?;
    let ms = start.elapsed().as_secs_f64() * 1e3;
    let files = if work.answer { files } else { Vec::new() };
    let answer = Answer {
        ms,
        note: library.note(),
        lengths: files.iter().map(Vec::len).collect(),
        ..Answer::default()
    };
    Ok((answer, files))
}

/// A figure of `/proc/self/status`, in KiB.
fn status_kib(name: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|figure| figure.parse().ok())
        .with_context(|| format!("{name} of /proc/self/status"))
}
