//! A worker's process.

use std::ffi::OsStr;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::task::JoinHandle;

/// A process under test. Killed when dropped.
#[derive(Debug)]
pub struct Child {
    process: tokio::process::Child,
    output: JoinHandle<io::Result<String>>,
    errors: JoinHandle<io::Result<String>>,
}

/// A process that has ended by itself, and all that it wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// How it ended.
    pub status: ExitStatus,
    /// The lines of its standard output.
    pub lines: Vec<String>,
    /// Its standard error.
    pub errors: String,
}

impl Child {
    /// Starts `program` with these variables and no others: nothing of the tester's own AWS configuration gets in.
    pub fn spawn<V, N, T>(program: impl AsRef<OsStr>, variables: V) -> io::Result<Self>
    where
        V: IntoIterator<Item = (N, T)>,
        N: AsRef<OsStr>,
        T: AsRef<OsStr>,
    {
        Self::run(Command::new(program).env_clear().envs(variables))
    }

    fn run(command: &mut Command) -> io::Result<Self> {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        // Read from the start: a full pipe would stop the process.
        let output = tokio::spawn(read(process.stdout.take()));
        let errors = tokio::spawn(read(process.stderr.take()));
        Ok(Self {
            process,
            output,
            errors,
        })
    }

    /// Its process id; `None` once it has ended.
    pub fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Sends SIGTERM, as Lambda does when it ends an execution environment.
    pub fn terminate(&self) -> io::Result<()> {
        let id = self.process.id().and_then(|id| i32::try_from(id).ok());
        let process = id.and_then(Pid::from_raw).ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, "the process has already ended")
        })?;
        Ok(kill_process(process, Signal::TERM)?)
    }

    /// Waits until it has ended. After `limit` it is killed, and the error has what it wrote.
    pub async fn wait(mut self, limit: Duration) -> io::Result<Exit> {
        let ended = tokio::time::timeout(limit, self.process.wait()).await;
        if ended.is_err() {
            self.process.kill().await?;
        }
        let output = self.output.await.map_err(io::Error::other)??;
        let errors = self.errors.await.map_err(io::Error::other)??;
        let Ok(status) = ended else {
            let message = format!("the process did not end within {limit:?}: {output}{errors}");
            return Err(io::Error::new(io::ErrorKind::TimedOut, message));
        };
        Ok(Exit {
            status: status?,
            lines: output.lines().map(str::to_owned).collect(),
            errors,
        })
    }
}

impl Exit {
    /// The lines of its standard output as JSON; an error names the first that is none.
    pub fn json_lines(&self) -> Result<Vec<Value>, String> {
        let parse = |line: &String| {
            serde_json::from_str(line).map_err(|error| format!("{error} in the line: {line}"))
        };
        self.lines.iter().map(parse).collect()
    }
}

async fn read(stream: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        stream.read_to_end(&mut bytes).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    const SHORT: Duration = Duration::from_millis(200);
    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_child_has_just_the_variables_it_was_given() {
        let child = Child::spawn("/usr/bin/env", [("WORKER", "thumbnails")]).unwrap();
        let exit = child.wait(LONG).await.unwrap();
        assert!(exit.status.success());
        assert_eq!(exit.lines, ["WORKER=thumbnails"]);
    }

    fn sleeping() -> Child {
        Child::run(Command::new("/bin/sleep").arg("1000")).unwrap()
    }

    #[tokio::test]
    async fn a_child_that_does_not_end_is_killed_and_said_so() {
        let error = sleeping().wait(SHORT).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_child_can_be_asked_to_end() {
        let child = sleeping();
        child.terminate().unwrap();
        let exit = child.wait(LONG).await.unwrap();
        assert_eq!(exit.status.signal(), Some(Signal::TERM.as_raw()));
    }
}
