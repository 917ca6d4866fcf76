//! Programs that a step runs: pip, npm, cargo, cdk.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use super::{Interrupt, LocalError, Progress, process};

const POLL: Duration = Duration::from_millis(50);

/// As much of a log's end as its last lines can be.
const TAIL_BYTES: u64 = 64 << 10;

/// A program with its log.
#[derive(Debug)]
pub(super) struct Program {
    /// What it is called in messages, such as `npm ci`.
    pub(super) what: String,
    pub(super) command: Command,
    /// Where all that it says goes.
    pub(super) log: PathBuf,
    /// Where its standard output goes instead, when that is an answer.
    pub(super) answer: Option<PathBuf>,
    /// What usually helps when it fails.
    pub(super) mend: String,
}

impl Program {
    /// Runs it to its end, and shows its last line meanwhile.
    pub(super) fn run(
        mut self,
        progress: &mut Progress,
        interrupt: &Interrupt,
    ) -> Result<(), LocalError> {
        interrupt.check()?;
        let log = File::create(&self.log).map_err(LocalError::file(&self.log))?;
        let output = match &self.answer {
            Some(path) => File::create(path).map_err(LocalError::file(path))?,
            None => log.try_clone().map_err(LocalError::file(&self.log))?,
        };
        let mut child = self
            .command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(log)
            // Ctrl-C in a terminal reaches its foreground group: this one we end ourselves, whole.
            .process_group(0)
            .spawn()
            .map_err(|source| LocalError::Start {
                what: self.what.clone(),
                source,
            })?;
        progress.working(&self.what);
        let status = wait(&mut child, &self, progress, interrupt)?;
        if status.success() {
            return Ok(());
        }
        Err(LocalError::Program {
            what: self.what,
            status,
            log: self.log,
            mend: self.mend,
        })
    }
}

fn wait(
    child: &mut Child,
    program: &Program,
    progress: &mut Progress,
    interrupt: &Interrupt,
) -> Result<ExitStatus, LocalError> {
    loop {
        let ended = child.try_wait().map_err(|source| LocalError::Start {
            what: program.what.clone(),
            source,
        })?;
        if let Some(status) = ended {
            // It may have ended by a signal that was meant for us both.
            interrupt.check()?;
            return Ok(status);
        }
        if interrupt.is_raised() {
            process::end_group(child.id(), process::GRACE, || {
                matches!(child.try_wait(), Ok(Some(_)) | Err(_))
            });
            return Err(LocalError::Interrupted);
        }
        if progress.is_live() {
            let line = last_lines(&program.log, 1).pop().unwrap_or_default();
            progress.detail(&program.what, &line);
        }
        thread::sleep(POLL);
    }
}

/// The last lines of a log that say something.
pub(super) fn last_lines(log: &Path, count: usize) -> Vec<String> {
    let text = tail(log).unwrap_or_default();
    let lines: Vec<&str> = text
        // A progress bar returns to the line's start.
        .split(['\n', '\r'])
        .map(str::trim_end)
        .filter(|line| !line.trim().is_empty())
        .collect();
    let first = lines.len().saturating_sub(count);
    lines.into_iter().skip(first).map(without_colours).collect()
}

fn tail(log: &Path) -> std::io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Without the sequences that colour: `ESC [ numbers m`.
fn without_colours(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        text.push_str(before);
        let end = after.find(|character: char| character.is_ascii_alphabetic());
        rest = end.and_then(|end| after.get(end + 1..)).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

/// Writes a file whole or not at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), LocalError> {
    let partial = path.with_extension("partial");
    fs::write(&partial, bytes)
        .and_then(|()| fs::rename(&partial, path))
        .map_err(LocalError::file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(place: &Path, script: &str) -> Program {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Program {
            what: "the script".to_owned(),
            command,
            log: place.join("script.log"),
            answer: None,
            mend: "write a better one".to_owned(),
        }
    }

    #[test]
    fn a_failure_keeps_what_the_program_said() {
        let place = tempfile::tempdir().unwrap();
        let mut program = program(place.path(), "echo one; echo two >&2; exit 3");
        program.answer = Some(place.path().join("answer"));
        let error = program
            .run(&mut Progress::silent(), &Interrupt::default())
            .unwrap_err();
        assert_eq!(error.to_string(), "the script failed: exit status: 3");
        assert_eq!(last_lines(error.log().unwrap(), 9), ["two"]);
        assert_eq!(
            fs::read_to_string(place.path().join("answer")).unwrap(),
            "one\n"
        );
    }

    #[test]
    fn an_interrupt_ends_the_program_and_its_children() {
        let place = tempfile::tempdir().unwrap();
        let log = place.path().join("script.log");
        let interrupt = Interrupt::default();
        let program = program(place.path(), "sleep 61 & echo $!; wait");
        let running = {
            let interrupt = interrupt.clone();
            thread::spawn(move || program.run(&mut Progress::silent(), &interrupt))
        };
        let child = loop {
            if let Some(pid) = last_lines(&log, 1).pop() {
                break pid.parse().unwrap();
            }
            thread::sleep(POLL);
        };
        assert!(process::began(child).is_some());
        interrupt.raise();
        assert!(matches!(
            running.join().unwrap(),
            Err(LocalError::Interrupted)
        ));
        while process::began(child).is_some() {
            thread::sleep(POLL);
        }
    }

    #[test]
    fn the_last_lines_are_those_that_say_something() {
        let place = tempfile::tempdir().unwrap();
        let log = place.path().join("log");
        fs::write(&log, "one\n\n 10%\r 20%\r\x1b[32mdone\x1b[0m \n\n").unwrap();
        assert_eq!(last_lines(&log, 2), [" 20%", "done"]);
        assert!(last_lines(&place.path().join("none"), 2).is_empty());
    }
}
