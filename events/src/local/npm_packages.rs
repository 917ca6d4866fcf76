//! The npm packages of the CDK app.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::LocalError;
use super::program::Program;
use super::up::{Done, Session};

/// Installs what `package-lock.json` says, unless it is what is installed.
pub(super) fn install(session: &mut Session) -> Result<Done, LocalError> {
    let cdk = session.checkout.cdk();
    let wanted = cdk.join("package-lock.json");
    if !wanted.is_file() {
        return Err(LocalError::NoApp(cdk));
    }
    if is_installed(&wanted, &cdk.join("node_modules/.package-lock.json")) {
        return Ok(Done::unchanged("those of cdk/package-lock.json"));
    }
    let mut command = Command::new("npm");
    command
        .args(["ci", "--no-audit", "--no-fund", "--no-progress"])
        .current_dir(&cdk);
    session.run(Program {
        what: "npm ci".to_owned(),
        command,
        log: session.checkout.log("npm"),
        answer: None,
        mend: "packages come from npm's registry: look whether it can be reached, then try again"
            .to_owned(),
    })?;
    Ok(Done::changed("those of cdk/package-lock.json"))
}

/// A lockfile of npm, version 2 or 3.
#[derive(Debug, Deserialize)]
struct Lockfile {
    packages: BTreeMap<String, Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    version: Option<String>,
    #[serde(default)]
    optional: bool,
}

/// Whether every package is there in its version. npm writes the second file last, with what it really installed: of
/// the packages for one platform those that fit, and not the project itself.
fn is_installed(wanted: &Path, installed: &Path) -> bool {
    let (Some(wanted), Some(installed)) = (read(wanted), read(installed)) else {
        return false;
    };
    wanted
        .packages
        .iter()
        .filter(|(path, _)| !path.is_empty())
        .all(|(path, package)| match installed.packages.get(path) {
            Some(there) => there.version == package.version,
            None => package.optional,
        })
}

fn read(path: &Path) -> Option<Lockfile> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_of_another_platform_may_be_missing() {
        let place = tempfile::tempdir().unwrap();
        let write = |name: &str, packages: &str| {
            let path = place.path().join(name);
            fs::write(&path, format!(r#"{{"packages": {{{packages}}}}}"#)).unwrap();
            path
        };
        let wanted = write(
            "package-lock.json",
            r#""": {"name": "flotilla-cdk"},
               "node_modules/a": {"version": "1.0.0"},
               "node_modules/b": {"version": "2.0.0", "optional": true}"#,
        );
        for (packages, is) in [
            (r#""node_modules/a": {"version": "1.0.0"}"#, true),
            (r#""node_modules/a": {"version": "1.0.1"}"#, false),
            (r#""node_modules/b": {"version": "2.0.0"}"#, false),
            (
                r#""node_modules/a": {"version": "1.0.0"}, "node_modules/b": {"version": "1.0.0"}"#,
                false,
            ),
        ] {
            let installed = write("installed.json", packages);
            assert_eq!(is_installed(&wanted, &installed), is, "{packages}");
        }
        assert!(!is_installed(&wanted, &place.path().join("none")));
    }
}
