//! What the measuring process and the servers say to each other: a line of JSON, and after an answer the files it names.

use std::io::{BufRead, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// What a server is asked, one line of JSON on its standard input.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub(crate) enum Request {
    /// Say who you are.
    Hello,
    /// Read this file into memory, in place of the one before.
    Load {
        /// The encoded image.
        input: PathBuf,
    },
    /// Do the work on the file in memory, and say how long it took.
    Work(Work),
    /// Do the work on a small file, read the large one into memory, do the work on it, and say how much more memory the
    /// process held at its peak than with the file in memory.
    Memory {
        /// The small file.
        warm: PathBuf,
        /// The large file.
        input: PathBuf,
        /// The work.
        work: Work,
    },
    /// The pixels of the file in memory: RGB, eight bits, row after row.
    Pixels,
}

/// One measured piece of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Work {
    /// Sides of the boxes, in pixels.
    pub(crate) sizes: Vec<u32>,
    /// Type of the thumbnails.
    pub(crate) format: Format,
    /// Quality, on the encoder's own scale.
    pub(crate) quality: u8,
    /// Which way of the several that a server may have.
    pub(crate) way: Way,
    /// Whether the image has an ICC profile, and must be converted to sRGB.
    pub(crate) profile: bool,
    /// Threads that may be used.
    pub(crate) threads: usize,
    /// Whether the answer carries the thumbnails.
    pub(crate) answer: bool,
}

/// Type of the thumbnails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    /// JPEG, 4:2:0.
    Jpeg,
    /// AVIF.
    Avif,
}

/// The ways to do a piece of work. A server that has not the one asked for refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Way {
    /// As the library does it unless told otherwise, Huffman tables optimised.
    Default,
    /// The standard's Huffman tables.
    StandardTables,
    /// A decode that keeps all detail before the resize (sharp's `fastShrinkOnLoad: false`).
    FullDecode,
    /// One decode to the largest size, and the smaller ones from its pixels.
    Cascade,
    /// AVIF with chroma at half its resolution.
    HalfChroma,
}

/// What a server answers, one line of JSON on its standard output.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Answer {
    /// Who it is: library and versions.
    pub(crate) versions: String,
    /// How long the work took.
    pub(crate) ms: f64,
    /// How the work was done, where the library can tell.
    pub(crate) note: String,
    /// Length in bytes of each file that follows this line, one after the other.
    pub(crate) lengths: Vec<usize>,
    /// Width in pixels, of what [`Request::Pixels`] answers.
    pub(crate) width: u32,
    /// Height in pixels, of what [`Request::Pixels`] answers.
    pub(crate) height: u32,
    /// Resident memory with the large file read, before the work, in KiB.
    pub(crate) before_kib: u64,
    /// The most resident memory during the work, in KiB.
    pub(crate) peak_kib: u64,
    /// Why the work was not done, when it was not.
    pub(crate) refused: Option<String>,
}

/// Writes one message: a line of JSON, and the files.
pub(crate) fn write(
    to: &mut impl Write,
    message: &impl Serialize,
    files: &[Vec<u8>],
) -> Result<()> {
    serde_json::to_writer(&mut *to, message)?;
    to.write_all(b"\n")?;
    for file in files {
        to.write_all(file)?;
    }
    to.flush()?;
    Ok(())
}

/// Reads one answer and its files.
pub(crate) fn read_answer(from: &mut impl BufRead) -> Result<(Answer, Vec<Vec<u8>>)> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        bail!("it ended");
    }
    let answer: Answer =
        serde_json::from_str(&line).with_context(|| format!("its answer {line:?}"))?;
    let mut files = Vec::new();
    for length in &answer.lengths {
        let mut file = vec![0; *length];
        from.read_exact(&mut file)?;
        files.push(file);
    }
    Ok((answer, files))
}
