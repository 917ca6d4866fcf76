//! The program that links the SDK: found, built, started.

use std::env;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::SystemTime;

use crate::cargo::cargo;

const NAME: &str = "flotilla-aws";

/// What it is built from, in the checkout: whatever is newer than the program makes it old.
const SOURCES: [&str; 6] = [
    "Cargo.lock",
    "events/aws",
    "events/handover",
    "shared/fleet/src",
    "workers/thumbnails/src",
    "workers/welcome-mail/src",
];

/// `flotilla-aws` cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It was never built, and there is nothing to build it from.
    #[error(
        "{NAME} is not beside this program, and its sources are not there to build it: install both, or name it in FLOTILLA_AWS"
    )]
    Missing,
    /// Cargo failed, and said why above.
    #[error("{NAME}, the part of flotilla that talks to AWS, could not be built")]
    Build,
    /// It or cargo does not start.
    #[error("{program} does not start: {source}")]
    Start {
        /// Which program.
        program: String,
        /// Why.
        source: io::Error,
    },
}

/// Becomes `flotilla-aws` with the same words as this program was called with.
///
/// Returns where processes cannot become others, with that program's exit status.
pub fn hand_over() -> Result<ExitCode, ProgramError> {
    let program = program()?;
    let mut command = Command::new(&program);
    command.args(env::args_os().skip(1));
    let started = |source| ProgramError::Start {
        program: program.display().to_string(),
        source,
    };
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        Err(started(command.exec()))
    }
    #[cfg(not(unix))]
    {
        let status = command.status().map_err(started)?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }
}

/// The path of `flotilla-aws`: `FLOTILLA_AWS`, or beside this program. In a checkout it is built first when it is not there
/// or older than its sources.
pub(super) fn program() -> Result<PathBuf, ProgramError> {
    if let Some(named) = env::var_os("FLOTILLA_AWS").filter(|named| !named.is_empty()) {
        return Ok(named.into());
    }
    let this = env::current_exe().map_err(|source| ProgramError::Start {
        program: NAME.to_owned(),
        source,
    })?;
    let program = this.with_file_name(format!("{NAME}{}", env::consts::EXE_SUFFIX));
    let root = root();
    match (modified(&program), &root) {
        (Some(built), Some(root)) if built < newest(root) => build(root, &program)?,
        (Some(_), _) => {}
        (None, Some(root)) => build(root, &program)?,
        (None, None) => return Err(ProgramError::Missing),
    }
    Ok(program)
}

/// The checkout that this program was built in, if it is still there.
fn root() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let there = SOURCES.iter().all(|source| root.join(source).exists());
    there.then(|| root.to_owned())
}

fn newest(root: &Path) -> SystemTime {
    SOURCES
        .iter()
        .map(|source| newest_below(&root.join(source)))
        .max()
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

fn newest_below(path: &Path) -> SystemTime {
    let itself = modified(path).unwrap_or(SystemTime::UNIX_EPOCH);
    let Ok(entries) = fs::read_dir(path) else {
        return itself;
    };
    entries
        .flatten()
        .map(|entry| newest_below(&entry.path()))
        .fold(itself, SystemTime::max)
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata()
        .and_then(|metadata| metadata.modified())
        .ok()
}

/// Builds it beside this program, by the same profile, and shows cargo's own progress.
fn build(root: &Path, program: &Path) -> Result<(), ProgramError> {
    let _ = writeln!(
        io::stderr(),
        "Building {NAME}, the part of flotilla that talks to AWS. The first time takes a minute or two."
    );
    let mut command = cargo();
    command
        .args(["build", "--locked", "--package", NAME, "--bin", NAME])
        .args(profile(program))
        .current_dir(root);
    if let Some(target) = program.parent().and_then(Path::parent) {
        command.arg("--target-dir").arg(target);
    }
    let status = command.status().map_err(|source| ProgramError::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    })?;
    if !status.success() {
        return Err(ProgramError::Build);
    }
    // When cargo had nothing to do, the program is still older than what was touched: it would be asked each time.
    let touched = File::options()
        .append(true)
        .open(program)
        .and_then(|file| file.set_modified(SystemTime::now()));
    // Then it is asked each time, which costs half a second.
    drop(touched);
    Ok(())
}

/// Cargo's name of the profile whose folder the program lies in.
fn profile(program: &Path) -> Vec<String> {
    let folder = program.parent().and_then(Path::file_name);
    match folder.map(|name| name.to_string_lossy()).as_deref() {
        None | Some("debug") => Vec::new(),
        Some(name) => vec!["--profile".to_owned(), name.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_profile_is_that_of_the_folder() {
        assert!(profile(Path::new("/x/target/debug/flotilla-aws")).is_empty());
        assert_eq!(
            profile(Path::new("/x/target/release/flotilla-aws")),
            ["--profile", "release"]
        );
    }

    #[test]
    fn a_source_however_deep_makes_the_program_old() {
        let place = tempfile::tempdir().unwrap();
        let deep = place.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        let later = SystemTime::now() + Duration::from_mins(1);
        let file = File::create(deep.join("c.rs")).unwrap();
        file.set_modified(later).unwrap();
        assert_eq!(newest_below(place.path()), later);
    }

    #[test]
    fn everything_that_is_watched_is_there() {
        assert!(root().is_some());
    }
}
