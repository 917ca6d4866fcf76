//! The processes that do the measured work, from outside.

use std::fs::{self, File};
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::protocol::{self, Answer, Request};

/// The processes there can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Side {
    /// This project.
    Ours,
    /// sharp, in Node.
    Sharp,
    /// libvips by pyvips, in Python.
    Pyvips,
    /// Pillow-SIMD, in Python.
    Pillow,
    /// libjpeg-turbo and `fast_image_resize`, in Rust.
    LibjpegTurbo,
}

impl Side {
    /// Those that ours is measured against.
    pub(crate) const PEERS: [Self; 4] =
        [Self::Sharp, Self::Pyvips, Self::Pillow, Self::LibjpegTurbo];

    /// What it is called in the results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Sharp => "sharp",
            Self::Pyvips => "pyvips",
            Self::Pillow => "Pillow-SIMD",
            Self::LibjpegTurbo => "libjpeg-turbo + fast_image_resize",
        }
    }
}

/// Where the pieces of the measurement are.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// This folder, with the servers that are scripts.
    pub(crate) scripts: PathBuf,
    /// Where the peers are installed.
    pub(crate) installed: PathBuf,
    /// The core that all but two threads are pinned to, or none.
    pub(crate) core: Option<usize>,
}

/// A running server.
pub(crate) struct Server {
    /// What it says of itself.
    pub(crate) versions: String,
    child: Child,
    // Dropped to end it.
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Server {
    /// Starts a process, pinned to the core of `places`, and asks who it is.
    pub(crate) fn start(side: Side, places: &Places) -> Result<Self> {
        let program = program(side, places)?;
        let mut words = program.into_iter();
        let mut command = if let Some(core) = places.core {
            let mut pinned = Command::new("taskset");
            pinned.args(["--cpu-list", &core.to_string()]);
            pinned
        } else {
            Command::new(words.next().context("a program")?)
        };
        command.args(words);
        let log = places
            .installed
            .join(format!("{}.log", side.name().replace(' ', "")));
        let mut child = command
            .env("VERSUS_INSTALLED", &places.installed)
            .env("UV_THREADPOOL_SIZE", "1")
            .env("VIPS_CONCURRENCY", "1")
            .env("OMP_NUM_THREADS", "1")
            .env(
                "RAYON_NUM_THREADS",
                if places.core.is_some() { "1" } else { "2" },
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()?;
        let to = child.stdin.take();
        let from = BufReader::new(child.stdout.take().context("its output")?);
        let mut server = Self {
            versions: String::new(),
            child,
            to,
            from,
        };
        match server.ask(&Request::Hello) {
            Ok((answer, _)) => server.versions = answer.versions,
            Err(error) => {
                let said = fs::read_to_string(&log).unwrap_or_default();
                let last = said.lines().rev().find(|line| !line.trim().is_empty());
                bail!("{}", last.map_or_else(|| error.to_string(), str::to_owned));
            }
        }
        Ok(server)
    }

    /// Asks, and waits for the answer. A refusal is an error.
    pub(crate) fn ask(&mut self, request: &Request) -> Result<(Answer, Vec<Vec<u8>>)> {
        let to = self.to.as_mut().context("it has ended")?;
        protocol::write(to, request, &[])?;
        to.flush()?;
        let (answer, files) = protocol::read_answer(&mut self.from)?;
        if let Some(refused) = answer.refused {
            bail!(refused);
        }
        Ok((answer, files))
    }

    /// Has it read a file into memory.
    pub(crate) fn load(&mut self, input: &Path) -> Result<()> {
        let input = input.to_owned();
        self.ask(&Request::Load { input }).map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.to = None;
        // It ends with its input; nothing is to be done about one that fails to.
        let _ = self.child.wait();
    }
}

fn program(side: Side, places: &Places) -> Result<Vec<PathBuf>> {
    let script = |name: &str| places.scripts.join(name);
    let python = places.installed.join("python/bin/python");
    let this = std::env::current_exe()?;
    Ok(match side {
        Side::Ours => vec![this, "serve".into(), "ours".into()],
        Side::LibjpegTurbo => vec![this, "serve".into(), "libjpeg-turbo".into()],
        Side::Sharp => vec!["node".into(), script("serve-sharp.mjs")],
        Side::Pyvips => vec![python, script("serve.py"), "pyvips".into()],
        Side::Pillow => vec![python, script("serve.py"), "pillow".into()],
    })
}
