//! Deploying the stack of `cdk/` to local AWS.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use handover::terminal::count;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::program::{self, Program};
use super::server::{ACCESS_KEY_ID, ACCOUNT, REGION, SECRET_ACCESS_KEY, STAGE, Server};
use super::signature::hex;
use super::up::{Done, Session};
use super::workers::identity;
use super::{Checkout, LocalError, query};

/// All that the stack needs of what `cdk bootstrap` makes: the bucket in which the CDK puts functions' code. The command
/// itself takes as long as half a deployment.
const BOOTSTRAP: &str = "flotilla-assets";

/// Folders of the CDK app that say nothing about what is deployed.
const IRRELEVANT: [&str; 4] = ["node_modules", "cdk.out", "test", "scripts"];

const MEND: &str = "mend the CDK app or the worker that the log names; if only local AWS is confused, start with \
                    nothing: flotilla up --fresh";

/// The stack of a stage.
pub(super) fn stack() -> String {
    format!("flotilla-{STAGE}")
}

/// What was deployed to a server last.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Deployed {
    /// Of all that the stack is made of.
    fingerprint: String,
    /// When the server says the stack was changed last: somebody may have deployed something else by hand.
    changed: String,
}

/// Deploys the stack, unless it is there and nothing that it is made of changed. Gives its outputs.
pub(super) fn deploy(
    session: &mut Session,
    server: &Server,
) -> Result<(BTreeMap<String, String>, Done), LocalError> {
    let cdk = session.checkout.cdk();
    if !cdk.join("cdk.json").is_file() {
        return Err(LocalError::NoApp(cdk));
    }
    let fingerprint = fingerprint(&cdk, &session.checkout.binaries())?;
    if is_deployed(session, server, &fingerprint)?
        && let Ok(outputs) = outputs(&session.checkout.outputs())
    {
        return Ok((outputs, Done::unchanged(stack())));
    }
    let outputs = deploy_anew(session, server)?;
    if let Some(changed) = query::stack_changed(server, &stack())? {
        let deployed = Deployed {
            fingerprint,
            changed,
        };
        let text = serde_json::to_vec(&deployed).map_err(unreadable)?;
        program::write_whole(&session.checkout.server().deployed(), &text)?;
    }
    let told = format!("{}, {}", stack(), count(outputs.len(), "output"));
    Ok((outputs, Done::changed(told)))
}

fn is_deployed(session: &Session, server: &Server, fingerprint: &str) -> Result<bool, LocalError> {
    let last: Option<Deployed> = fs::read(session.checkout.server().deployed())
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match last {
        Some(last) if last.fingerprint == fingerprint => {
            Ok(query::stack_changed(server, &stack())? == Some(last.changed))
        }
        _ => Ok(false),
    }
}

fn deploy_anew(
    session: &mut Session,
    server: &Server,
) -> Result<BTreeMap<String, String>, LocalError> {
    if query::stack_changed(server, BOOTSTRAP)?.is_none() {
        query::create_stack(server, BOOTSTRAP, &bootstrap_template())?;
    }
    let outputs_file = session.checkout.outputs();
    let mut arguments: Vec<OsString> = vec!["deploy".into(), stack().into()];
    arguments.extend(["--require-approval", "never"].map(OsString::from));
    // No change set to look at first: a request and its waiting less.
    arguments.extend(["--method", "direct", "--progress", "events"].map(OsString::from));
    arguments.extend(["--outputs-file".into(), outputs_file.clone().into()]);
    arguments.extend(["--output".into(), session.checkout.assembly().into()]);
    for (name, value) in context(&session.checkout.binaries()) {
        arguments.extend(["--context".into(), format!("{name}={value}").into()]);
    }
    run(session, server, &arguments)?;
    forget_old_assets(&session.checkout.assembly());
    outputs(&outputs_file)
}

/// Removes what the CDK copied and zipped for deployments before the last: it never does, and each worker that is built
/// anew is 30 MB more.
fn forget_old_assets(assembly: &Path) {
    let manifest = assembly.join(format!("{}.assets.json", stack()));
    let Ok(manifest) = fs::read_to_string(manifest) else {
        return;
    };
    for (folder, prefix, suffix) in [
        (assembly.to_owned(), "asset.", ""),
        (assembly.join(".cache"), "", ".zip"),
    ] {
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        for entry in entries {
            let name = entry.file_name();
            let is_old = name
                .to_str()
                .and_then(|name| name.strip_prefix(prefix)?.strip_suffix(suffix))
                .is_some_and(|hash| !manifest.contains(hash));
            if is_old {
                // What cannot be removed costs nothing but its room.
                let _ = fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path()));
            }
        }
    }
}

/// The bucket has the name that the CDK gives it by default: its qualifier is hnb659fds.
fn bootstrap_template() -> String {
    let name = format!("cdk-hnb659fds-assets-{ACCOUNT}-{REGION}");
    let bucket = json!({ "Type": "AWS::S3::Bucket", "Properties": { "BucketName": name } });
    json!({ "Resources": { "Assets": bucket } }).to_string()
}

/// What tells the CDK app that it is deployed here.
fn context(binaries: &Path) -> [(&'static str, String); 4] {
    let architecture = match env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    };
    [
        ("local", "true".to_owned()),
        ("stage", STAGE.to_owned()),
        ("architecture", architecture.to_owned()),
        ("binaries", binaries.display().to_string()),
    ]
}

fn run(session: &mut Session, server: &Server, arguments: &[OsString]) -> Result<(), LocalError> {
    let cdk = session.checkout.cdk();
    let mut command = Command::new(cdk.join("node_modules/.bin/cdk"));
    command
        .args(arguments)
        .args(["--ci", "--no-notices", "--no-version-reporting"])
        .current_dir(&cdk);
    only_local(&mut command, server);
    session.run(Program {
        what: "cdk deploy".to_owned(),
        command,
        log: session.checkout.log("cdk"),
        answer: None,
        mend: MEND.to_owned(),
    })
}

/// Nothing of a real account is in the environment of what deploys here, and no proxy stands between.
fn only_local(command: &mut Command, server: &Server) {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("AWS_") || text.to_ascii_lowercase().ends_with("_proxy") {
            command.env_remove(&name);
        }
    }
    command
        .env("AWS_ENDPOINT_URL", &server.endpoint)
        .env("AWS_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("CDK_DISABLE_CLI_TELEMETRY", "true");
}

/// The outputs of the stack that is deployed, if one is.
pub(super) fn outputs_of(checkout: &Checkout) -> BTreeMap<String, String> {
    outputs(&checkout.outputs()).unwrap_or_default()
}

/// The outputs of the stack in a file that the CDK wrote: it leaves out a stack that has none.
fn outputs(path: &Path) -> Result<BTreeMap<String, String>, LocalError> {
    let bytes = fs::read(path).map_err(LocalError::file(path))?;
    let mut stacks: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_slice(&bytes).map_err(unreadable)?;
    Ok(stacks.remove(&stack()).unwrap_or_default())
}

#[expect(clippy::needless_pass_by_value, reason = "it is for map_err")]
fn unreadable(error: serde_json::Error) -> LocalError {
    LocalError::Answer {
        what: "cdk deploy",
        problem: error.to_string(),
    }
}

/// Of the CDK app's sources, by their bytes, and of the binaries, which are only written when their bytes change.
fn fingerprint(cdk: &Path, binaries: &Path) -> Result<String, LocalError> {
    let mut digest = Sha256::new();
    let mut add = |name: &Path, bytes: &[u8]| {
        for part in [name.as_os_str().as_encoded_bytes(), bytes] {
            digest.update(part.len().to_be_bytes());
            digest.update(part);
        }
    };
    for path in files(cdk)? {
        add(&path, &fs::read(&path).map_err(LocalError::file(&path))?);
    }
    for path in files(binaries)? {
        if path.file_name().is_some_and(|name| name == "bootstrap") {
            let file = path.metadata().map_err(LocalError::file(&path))?;
            add(&path, identity(&file).as_bytes());
        }
    }
    for (name, value) in context(binaries) {
        add(Path::new(name), value.as_bytes());
    }
    Ok(hex(&digest.finalize()))
}

/// Every file that may say what is deployed, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>, LocalError> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).map_err(LocalError::file(&next))? {
            let entry = entry.map_err(LocalError::file(&next))?;
            let (name, path) = (entry.file_name(), entry.path());
            let name = name.to_string_lossy();
            if name.starts_with('.') || name.ends_with(".md") {
                continue;
            }
            if !entry.file_type().map_err(LocalError::file(&path))?.is_dir() {
                found.push(path);
            } else if !IRRELEVANT.contains(&&*name) {
                folders.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_deployed_changes_the_fingerprint() {
        let place = tempfile::tempdir().unwrap();
        let (cdk, binaries) = (place.path().join("cdk"), place.path().join("bin"));
        let write = |path: &str, text: &str| {
            let path = place.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let now = || fingerprint(&cdk, &binaries).unwrap();
        write("cdk/lib/stack.ts", "one");
        write("bin/gallery/bootstrap", "one");
        let first = now();
        assert_eq!(now(), first);
        for irrelevant in [
            "cdk/node_modules/a.js",
            "cdk/test/stack.test.ts",
            "cdk/README.md",
            "cdk/.npmrc",
            "bin/gallery.source",
        ] {
            write(irrelevant, "new");
            assert_eq!(now(), first, "{irrelevant}");
        }
        write("cdk/lib/stack.ts", "two");
        let second = now();
        assert_ne!(second, first);
        write("bin/gallery/bootstrap", "longer");
        assert_ne!(now(), second);
    }

    #[test]
    fn only_the_last_deployments_assets_are_kept() {
        let place = tempfile::tempdir().unwrap();
        for file in [
            "asset.old/bootstrap",
            "asset.new/bootstrap",
            ".cache/old.zip",
            ".cache/new.zip",
        ] {
            let path = place.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let manifest = place.path().join("flotilla-local.assets.json");
        forget_old_assets(place.path());
        assert!(
            place.path().join("asset.old").exists(),
            "nothing is known yet"
        );
        fs::write(manifest, r#"{"files": {"new": {}}}"#).unwrap();
        forget_old_assets(place.path());
        for (file, stays) in [
            ("asset.old", false),
            ("asset.new", true),
            (".cache/old.zip", false),
            (".cache/new.zip", true),
            ("flotilla-local.assets.json", true),
        ] {
            assert_eq!(place.path().join(file).exists(), stays, "{file}");
        }
    }

    #[test]
    fn the_outputs_are_those_of_the_stack() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("outputs.json");
        fs::write(
            &path,
            r#"{"flotilla-local": {"UploadsBucket": "uploads"}, "other": {"A": "b"}}"#,
        )
        .unwrap();
        assert_eq!(
            outputs(&path).unwrap(),
            BTreeMap::from([("UploadsBucket".to_owned(), "uploads".to_owned())])
        );
        fs::write(&path, "{").unwrap();
        assert!(outputs(&path).is_err());
    }
}
