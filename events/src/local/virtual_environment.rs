//! The emulator's virtual environment.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::program::{self, Program};
use super::up::{Done, Session};
use super::{LocalError, server};

/// The emulator and all that it needs, by exact version and hash.
const REQUIREMENTS: &str = include_str!("requirements.txt");

const MEND: &str = "packages come from PyPI: look whether it can be reached, then try again";

/// Makes the virtual environment, unless it is the one of these requirements already.
pub(super) fn prepare(session: &mut Session) -> Result<Done, LocalError> {
    let folder = session.checkout.virtual_environment();
    let stamp = folder.join("requirements.txt");
    let version = version();
    let is_made = fs::read(&stamp).is_ok_and(|made_for| made_for == REQUIREMENTS.as_bytes());
    // The link to the machine's Python may lead nowhere any more.
    if is_made && python(session).exists() {
        return Ok(Done::unchanged(version));
    }
    // A server must not lose its modules while it runs.
    server::stop(&session.checkout)?;
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(LocalError::file(&folder))?;
    }
    let mut make = Command::new("python3");
    make.args(["-m", "venv"]).arg(&folder);
    run(session, "python3 -m venv", make, "venv")?;
    let requirements = session.checkout.state().join("requirements.txt");
    program::write_whole(&requirements, REQUIREMENTS.as_bytes())?;
    let mut install = Command::new(python(session));
    install
        .args([
            "-m",
            "pip",
            "install",
            "--no-input",
            "--disable-pip-version-check",
        ])
        .args(["--require-hashes", "--requirement"])
        .arg(&requirements);
    run(session, "pip install", install, "pip")?;
    // Last, so that an environment that is not whole has none.
    fs::rename(&requirements, &stamp).map_err(LocalError::file(&stamp))?;
    Ok(Done::changed(version))
}

/// The environment's Python.
pub(super) fn python(session: &Session) -> PathBuf {
    session.checkout.virtual_environment().join("bin/python")
}

fn run(
    session: &mut Session,
    what: &str,
    mut command: Command,
    log: &str,
) -> Result<(), LocalError> {
    // Either would have it look for its modules elsewhere.
    command.env_remove("PYTHONHOME").env_remove("PYTHONPATH");
    session.run(Program {
        what: what.to_owned(),
        command,
        log: session.checkout.log(log),
        answer: None,
        mend: MEND.to_owned(),
    })
}

/// The emulator's name and version.
fn version() -> String {
    REQUIREMENTS
        .lines()
        .find_map(|line| line.strip_prefix("ministack=="))
        .and_then(|rest| rest.split([' ', '\\']).next())
        .map_or_else(
            || "MiniStack".to_owned(),
            |version| format!("MiniStack {version}"),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_requirement_is_exact_and_has_a_hash() {
        let mut packages = 0;
        let logical = REQUIREMENTS.replace("\\\n", " ");
        for line in logical.lines().filter(|line| !line.starts_with('#')) {
            packages += 1;
            assert!(line.contains("=="), "{line}");
            assert!(line.contains("--hash=sha256:"), "{line}");
        }
        assert!(packages > 10, "{packages}");
        assert_eq!(version(), "MiniStack 1.5.33");
    }
}
