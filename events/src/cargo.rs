//! Calling cargo from a program that cargo may have started.

use std::env;
use std::ffi::OsString;
use std::process::Command;

/// The cargo that runs this program, or the one of the path, without what that one tells the program about its package.
///
/// Handed on to another cargo, that makes build scripts which look at it run again (ring's does), and all that depends on
/// them build again: half the workspace, each time that somebody alternates between `cargo` and `cargo run`.
pub(crate) fn cargo() -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if is_of_the_running_package(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    command
}

fn is_of_the_running_package(name: &str) -> bool {
    let is_one = matches!(
        name,
        "CARGO_MANIFEST_DIR" | "CARGO_MANIFEST_PATH" | "CARGO_CRATE_NAME"
    );
    is_one || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_BIN_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_tells_of_the_running_package_is_not_handed_on() {
        for name in [
            "CARGO_PKG_NAME",
            "CARGO_MANIFEST_DIR",
            "CARGO_BIN_EXE_flotilla",
        ] {
            assert!(is_of_the_running_package(name), "{name}");
        }
        for name in ["CARGO_TARGET_DIR", "CARGO_HOME", "CARGO_TERM_COLOR", "PATH"] {
            assert!(!is_of_the_running_package(name), "{name}");
        }
        let handed_on = cargo();
        let removed: Vec<_> = handed_on
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .collect();
        assert!(!removed.is_empty(), "cargo runs this test");
    }
}
