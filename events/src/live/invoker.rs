//! `flotilla-aws invoke`, asked line by line.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use handover::{Against, Answer, Ask, Greeting, InvokeAnswer, InvokeAsk, Place, PutAnswer, PutAsk};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::program::{ProgramError, program};

/// More than any error message.
const MAX_COMPLAINT_BYTES: u64 = 64 * 1024;

/// A function was not invoked.
#[derive(Debug, thiserror::Error)]
pub enum InvokerError {
    /// `flotilla-aws` is not there.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// It gave up, and said why.
    #[error("{0}")]
    GaveUp(String),
}

/// A running `flotilla-aws invoke`.
#[derive(Debug)]
pub(super) struct Invoker {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Invoker {
    /// Starts it, and hears where it invokes functions.
    pub(super) fn start(place: &Place) -> Result<(Self, Greeting), InvokerError> {
        let program = program()?;
        let mut command = Command::new(&program);
        command.arg("invoke");
        if let Some(against) = place.against {
            let name = match against {
                Against::Local => "local",
                Against::Aws => "aws",
            };
            command.args(["--against", name]);
        }
        if let Some(stage) = &place.stage {
            command.args(["--stage", stage]);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| ProgramError::Start {
                program: program.display().to_string(),
                source,
            })?;
        let (Some(asks), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(InvokerError::GaveUp("it has no pipes".to_owned()));
        };
        let mut invoker = Self {
            child,
            asks,
            answers: BufReader::new(answers),
        };
        let greeting = invoker.hear()?;
        Ok((invoker, greeting))
    }

    /// Invokes a worker's function. The inner error is of this call alone.
    pub(super) fn invoke(
        &mut self,
        worker: &str,
        payload: Value,
    ) -> Result<Result<InvokeAnswer, String>, InvokerError> {
        let ask = Ask::Invoke(InvokeAsk {
            worker: worker.to_owned(),
            payload,
        });
        Ok(match self.answer(&ask)? {
            Answer::Invoke(answer) => Ok(answer),
            Answer::Failed(reason) => Err(reason),
            Answer::Put(_) => Err(OUT_OF_STEP.to_owned()),
        })
    }

    /// Puts an object. The inner error is of this object alone.
    pub(super) fn put(&mut self, ask: PutAsk) -> Result<Result<PutAnswer, String>, InvokerError> {
        Ok(match self.answer(&Ask::Put(ask))? {
            Answer::Put(answer) => Ok(answer),
            Answer::Failed(reason) => Err(reason),
            Answer::Invoke(_) => Err(OUT_OF_STEP.to_owned()),
        })
    }

    fn answer(&mut self, ask: &Ask) -> Result<Answer, InvokerError> {
        let told = serde_json::to_vec(ask)
            .map_err(io::Error::from)
            .and_then(|mut line| {
                line.push(b'\n');
                self.asks.write_all(&line)
            });
        match told {
            Ok(()) => self.hear(),
            Err(_) => Err(self.complaint()),
        }
    }

    fn hear<T: DeserializeOwned>(&mut self) -> Result<T, InvokerError> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(length) if length > 0 => serde_json::from_str(&line)
                .map_err(|error| InvokerError::GaveUp(format!("{OUT_OF_STEP}: {error}"))),
            _ => Err(self.complaint()),
        }
    }

    /// Why it ended.
    fn complaint(&mut self) -> InvokerError {
        let mut text = Vec::new();
        if let Some(errors) = self.child.stderr.take() {
            // What cannot be read is not said.
            let _ = errors.take(MAX_COMPLAINT_BYTES).read_to_end(&mut text);
        }
        let text = String::from_utf8_lossy(&text);
        let text = text.trim();
        let text = text.strip_prefix("error: ").unwrap_or(text);
        InvokerError::GaveUp(if text.is_empty() {
            "flotilla-aws ended without a word".to_owned()
        } else {
            text.to_owned()
        })
    }
}

const OUT_OF_STEP: &str = "flotilla-aws answered another question: is it of the same version?";

impl Drop for Invoker {
    fn drop(&mut self) {
        // It ends by itself when nobody asks any more; a call under way would keep it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
