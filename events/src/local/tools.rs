//! The tools that the machine must have: the ones that are not ours to install.

use std::env;
use std::fmt;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::LocalError;

/// What the emulator's package says it needs.
const PYTHON: Version = Version(3, 10);

/// What the CDK app's `package.json` says it needs.
const NODE: Version = Version(20, 0);

/// Prints the version before it tries what Debian leaves out of `python3`.
const PYTHON_QUESTION: &str =
    "import sys; print('%d.%d' % sys.version_info[:2], flush=True); import venv, ensurepip";

/// What is wrong with one tool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolProblem {
    /// It is not on the path.
    #[error("{0} is missing")]
    Missing(Tool),
    /// It is there, from another time.
    #[error("{tool} is too old: {found}, and {needed} or later is needed")]
    TooOld {
        /// The tool.
        tool: Tool,
        /// What it says it is.
        found: Version,
        /// The oldest that will do.
        needed: Version,
    },
    /// Python cannot make virtual environments.
    #[error("python3 cannot make virtual environments: it lacks venv or ensurepip")]
    NoVirtualEnvironments,
    /// It does not say its version.
    #[error("{0} does not say its version")]
    Mute(Tool),
}

/// A tool of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Runs local AWS.
    Python,
    /// Runs the CDK.
    Node,
    /// Installs the CDK.
    Npm,
    /// Builds the workers.
    Cargo,
}

/// The first two numbers of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u32, u32);

impl ToolProblem {
    /// How to get what is missing.
    pub(super) fn mend(&self) -> String {
        let debian = Path::new("/etc/debian_version").exists();
        match self {
            Self::Missing(Tool::Cargo) | Self::Mute(Tool::Cargo) => {
                "install Rust: https://rustup.rs".to_owned()
            }
            Self::Missing(Tool::Python) if debian => {
                "install Python: apt install python3 python3-venv".to_owned()
            }
            Self::NoVirtualEnvironments if debian => {
                "install what is missing: apt install python3-venv".to_owned()
            }
            Self::NoVirtualEnvironments => {
                "install a whole Python: https://www.python.org/downloads".to_owned()
            }
            Self::TooOld { tool, .. } | Self::Missing(tool) | Self::Mute(tool) => match tool {
                Tool::Python => {
                    format!("install Python {PYTHON} or later: https://www.python.org/downloads")
                }
                Tool::Node | Tool::Npm | Tool::Cargo => format!(
                    "install Node.js {} or later, npm comes with it: https://nodejs.org/en/download",
                    NODE.0
                ),
            },
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Python => "python3",
            Self::Node => "node",
            Self::Npm => "npm",
            Self::Cargo => "cargo",
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.0, self.1)
    }
}

impl Version {
    /// `3.11`, `v20.20.2`
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.trim().trim_start_matches('v').split('.');
        Some(Self(
            numbers.next()?.parse().ok()?,
            numbers.next()?.parse().ok()?,
        ))
    }
}

/// Looks for every tool, and says what they are in a few words.
pub(super) fn check() -> Result<String, LocalError> {
    let python = python();
    let node = version(Tool::Node, &["--version"])
        .and_then(|(found, _)| new_enough(Tool::Node, found, NODE));
    let npm = on_path(Tool::Npm);
    let cargo = match env::var_os("CARGO") {
        Some(_) => Ok(()),
        None => on_path(Tool::Cargo),
    };
    match (python, node, npm, cargo) {
        (Ok(python), Ok(node), Ok(()), Ok(())) => Ok(format!("Python {python}, Node.js {node}")),
        (python, node, npm, cargo) => Err(LocalError::Tools(
            [python.err(), node.err(), npm.err(), cargo.err()]
                .into_iter()
                .flatten()
                .collect(),
        )),
    }
}

fn python() -> Result<Version, ToolProblem> {
    let (found, whole) = version(Tool::Python, &["-c", PYTHON_QUESTION])?;
    let found = new_enough(Tool::Python, found, PYTHON)?;
    if whole {
        Ok(found)
    } else {
        Err(ToolProblem::NoVirtualEnvironments)
    }
}

fn new_enough(tool: Tool, found: Version, needed: Version) -> Result<Version, ToolProblem> {
    if found < needed {
        return Err(ToolProblem::TooOld {
            tool,
            found,
            needed,
        });
    }
    Ok(found)
}

/// What a tool prints as its version, and whether it then ended well.
fn version(tool: Tool, arguments: &[&str]) -> Result<(Version, bool), ToolProblem> {
    let output = Command::new(tool.to_string())
        .args(arguments)
        .output()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ToolProblem::Missing(tool),
            _ => ToolProblem::Mute(tool),
        })?;
    let version =
        Version::parse(&String::from_utf8_lossy(&output.stdout)).ok_or(ToolProblem::Mute(tool))?;
    Ok((version, output.status.success()))
}

/// Asking npm takes a third of a second; finding it does not.
fn on_path(tool: Tool) -> Result<(), ToolProblem> {
    let path = env::var_os("PATH").unwrap_or_default();
    let name = tool.to_string();
    let found = env::split_paths(&path).any(|folder| {
        folder
            .join(&name)
            .metadata()
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    });
    if found {
        Ok(())
    } else {
        Err(ToolProblem::Missing(tool))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(Version::parse("v20.20.2\n"), Some(Version(20, 20)));
        assert_eq!(Version::parse("3.9"), Some(Version(3, 9)));
        assert_eq!(Version::parse("nothing"), None);
        let old = new_enough(Tool::Python, Version(3, 9), PYTHON).unwrap_err();
        assert_eq!(
            old.to_string(),
            "python3 is too old: 3.9, and 3.10 or later is needed"
        );
        assert!(new_enough(Tool::Node, Version(22, 1), NODE).is_ok());
    }
}
