//! The workers' binaries: what the stack's functions run.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use serde::Deserialize;

use super::LocalError;
use super::program::{self, Program};
use super::up::{Done, Session};
use crate::cargo::cargo;

const MEND: &str = "mend the code; cargo build shows the same";

/// Builds every worker and places it as `bin/WORKER/bootstrap`, which is how Lambda wants it and where the CDK app looks
/// for it.
pub(super) fn build(session: &mut Session, release: bool) -> Result<Done, LocalError> {
    let packages = packages(session)?;
    if packages.is_empty() {
        return Err(LocalError::NoWorkers);
    }
    let answer = session.checkout.log("cargo-messages");
    let mut command = cargo();
    command
        .args([
            "build",
            "--locked",
            "--bins",
            "--message-format",
            "json-render-diagnostics",
        ])
        .current_dir(session.checkout.root());
    for package in &packages {
        command.args(["--package", package]);
    }
    if release {
        command.arg("--release");
    }
    session.run(Program {
        what: "cargo build".to_owned(),
        command,
        log: session.checkout.log("cargo"),
        answer: Some(answer.clone()),
        mend: MEND.to_owned(),
    })?;
    let executables = executables(&read(&answer)?);
    place_all(&executables, &session.checkout.binaries())
}

#[derive(Debug, Deserialize)]
struct Workspace {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// One line of what `cargo build` says.
#[derive(Debug, Deserialize)]
struct Message {
    reason: String,
    target: Option<Target>,
    executable: Option<PathBuf>,
}

fn packages(session: &mut Session) -> Result<Vec<String>, LocalError> {
    let answer = session.checkout.log("cargo-metadata");
    let mut command = cargo();
    command
        .args(["metadata", "--no-deps", "--locked", "--format-version", "1"])
        .current_dir(session.checkout.root());
    session.run(Program {
        what: "cargo metadata".to_owned(),
        command,
        log: session.checkout.log("cargo"),
        answer: Some(answer.clone()),
        mend: MEND.to_owned(),
    })?;
    worker_packages(&read(&answer)?, session.checkout.root())
}

/// The packages of `workers/NAME/lambda` that have a binary.
fn worker_packages(metadata: &str, root: &Path) -> Result<Vec<String>, LocalError> {
    let workspace: Workspace =
        serde_json::from_str(metadata).map_err(|error| LocalError::Answer {
            what: "cargo metadata",
            problem: error.to_string(),
        })?;
    // Cargo tells paths without links.
    let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    Ok(workspace
        .packages
        .into_iter()
        .filter(|package| {
            let folder = package.manifest_path.parent();
            let is_lambda = folder.and_then(Path::file_name) == Some(OsStr::new("lambda"));
            is_lambda && package.manifest_path.starts_with(root.join("workers"))
        })
        .filter(|package| package.targets.iter().any(Target::is_binary))
        .map(|package| package.name)
        .collect())
}

/// Each binary that was built or still fits, by its name.
fn executables(messages: &str) -> BTreeMap<String, PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter(|message| message.reason == "compiler-artifact")
        .filter_map(|message| {
            let target = message.target.filter(Target::is_binary)?;
            Some((target.name, message.executable?))
        })
        .collect()
}

impl Target {
    fn is_binary(&self) -> bool {
        self.kind.iter().any(|kind| kind == "bin")
    }
}

fn place_all(executables: &BTreeMap<String, PathBuf>, binaries: &Path) -> Result<Done, LocalError> {
    fs::create_dir_all(binaries).map_err(LocalError::file(binaries))?;
    forget_others(executables, binaries)?;
    let mut placed = 0;
    for (name, executable) in executables {
        if place(executable, &binaries.join(name))? {
            placed += 1;
        }
    }
    let all = handover::terminal::count(executables.len(), "worker");
    Ok(if placed == 0 {
        Done::unchanged(all)
    } else {
        Done::changed(format!("{all}, {placed} of them new"))
    })
}

/// Removes what belongs to workers that are no more.
fn forget_others(
    executables: &BTreeMap<String, PathBuf>,
    binaries: &Path,
) -> Result<(), LocalError> {
    for entry in fs::read_dir(binaries).map_err(LocalError::file(binaries))? {
        let path = entry.map_err(LocalError::file(binaries))?.path();
        let is_known = path
            .file_stem()
            .and_then(OsStr::to_str)
            .is_some_and(|name| executables.contains_key(name));
        if !is_known {
            let removed = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            removed.map_err(LocalError::file(&path))?;
        }
    }
    Ok(())
}

/// Places one binary without its symbols, which are half of it and would be zipped and unzipped with each deployment.
/// True when it differs from what was there.
fn place(executable: &Path, folder: &Path) -> Result<bool, LocalError> {
    let source = executable
        .metadata()
        .map_err(LocalError::file(executable))?;
    let bootstrap = folder.join("bootstrap");
    let stamp = folder.with_extension("source");
    let identity = identity(&source);
    let is_known = fs::read_to_string(&stamp).is_ok_and(|known| known == identity);
    if is_known && bootstrap.is_file() {
        return Ok(false);
    }
    fs::create_dir_all(folder).map_err(LocalError::file(folder))?;
    let partial = folder.with_extension("partial");
    strip(executable, &partial).map_err(LocalError::file(&partial))?;
    // Linking again often gives the same bytes: then the file stays, and with it what was deployed.
    let is_same = same_bytes(&partial, &bootstrap).unwrap_or(false);
    if is_same {
        fs::remove_file(&partial).map_err(LocalError::file(&partial))?;
    } else {
        fs::rename(&partial, &bootstrap).map_err(LocalError::file(&bootstrap))?;
    }
    program::write_whole(&stamp, identity.as_bytes())?;
    Ok(!is_same)
}

/// What changes whenever a file is written.
pub(super) fn identity(file: &Metadata) -> String {
    let written = file
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default();
    format!("{} bytes, {} ns", file.len(), written.as_nanos())
}

/// Copies a program without its symbols, or with them where there is no `strip`.
fn strip(executable: &Path, to: &Path) -> io::Result<()> {
    let stripped = Command::new("strip")
        .arg("-o")
        .args([to, executable])
        .output()
        .is_ok_and(|output| output.status.success());
    if !stripped {
        fs::copy(executable, to)?;
    }
    Ok(())
}

fn same_bytes(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (fs::File::open(one)?, fs::File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (BufReader::new(one), BufReader::new(other));
    let (mut left, mut right) = (Vec::new(), Vec::new());
    loop {
        left.clear();
        right.clear();
        (&mut one).take(1 << 20).read_to_end(&mut left)?;
        (&mut other).take(1 << 20).read_to_end(&mut right)?;
        if left != right {
            return Ok(false);
        }
        if left.is_empty() {
            return Ok(true);
        }
    }
}

fn read(path: &Path) -> Result<String, LocalError> {
    fs::read_to_string(path).map_err(LocalError::file(path))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn workers_are_the_lambda_packages_with_a_binary() {
        let package = |name: &str, path: &str, kind: &str| {
            json!({
                "name": name,
                "manifest_path": format!("/checkout/{path}/Cargo.toml"),
                "targets": [{ "name": "x", "kind": [kind] }],
            })
        };
        let metadata = json!({ "packages": [
            package("gallery", "workers/gallery", "bin"),
            package("gallery-lambda", "workers/gallery/lambda", "bin"),
            package("half-lambda", "workers/half/lambda", "lib"),
            package("flotilla", "events", "bin"),
            package("fleet-lambda", "shared/lambda", "bin"),
        ] });
        assert_eq!(
            worker_packages(&metadata.to_string(), Path::new("/checkout")).unwrap(),
            ["gallery-lambda"]
        );
        assert!(worker_packages("{}", Path::new("/checkout")).is_err());
    }

    #[test]
    fn executables_are_told_by_cargo() {
        let messages = [
            json!({ "reason": "compiler-artifact", "executable": null,
                    "target": { "name": "gallery", "kind": ["lib"] } }),
            json!({ "reason": "compiler-artifact", "executable": "/target/debug/gallery",
                    "target": { "name": "gallery", "kind": ["bin"] } }),
            json!({ "reason": "build-finished", "success": true }),
        ]
        .map(|message| message.to_string())
        .join("\n");
        assert_eq!(
            executables(&messages),
            BTreeMap::from([("gallery".to_owned(), PathBuf::from("/target/debug/gallery"))])
        );
    }

    #[test]
    fn a_worker_is_placed_when_its_bytes_change() {
        let place = tempfile::tempdir().unwrap();
        let executable = place.path().join("built");
        let binaries = place.path().join("bin");
        let workers = BTreeMap::from([("gallery".to_owned(), executable.clone())]);
        let placed = || place_all(&workers, &binaries).unwrap().is_changed();

        fs::write(&executable, "one").unwrap();
        assert!(placed());
        assert!(!placed(), "nothing was built");
        fs::write(&executable, "one").unwrap();
        assert!(!placed(), "the same was built again");
        fs::write(&executable, "two").unwrap();
        assert!(placed());
        assert_eq!(
            fs::read(binaries.join("gallery/bootstrap")).unwrap(),
            b"two"
        );

        place_all(&BTreeMap::new(), &binaries).unwrap();
        assert_eq!(fs::read_dir(&binaries).unwrap().count(), 0, "forgotten");
    }
}
