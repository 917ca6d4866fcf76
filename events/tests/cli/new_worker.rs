//! A worker by one command.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::files;

const SOURCES: [&str; 4] = ["sqs", "s3", "dynamodb", "kinesis"];

/// What a new worker has lines in, and what its name is compared with.
const OLD_FILES: [&str; 8] = [
    "Cargo.lock",
    "Cargo.toml",
    "cdk/lib/tables.ts",
    "cdk/lib/workers.ts",
    "cdk/test/doors.test.ts",
    "events/Cargo.toml",
    "events/README.md",
    "events/src/replay/workers/mod.rs",
];

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// As much of this checkout as the command reads.
fn little_checkout() -> TempDir {
    let checkout = tempfile::tempdir().unwrap();
    for file in OLD_FILES {
        let copy = checkout.path().join(file);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(workspace().join(file), copy).unwrap();
    }
    for worker in ["thumbnails", "welcome-mail"] {
        fs::create_dir_all(checkout.path().join("workers").join(worker)).unwrap();
    }
    checkout
}

fn new_worker(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flotilla"))
        .args(["new", "worker"])
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap()
}

fn json_of(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn complaint(folder: &Path, arguments: &[&str]) -> String {
    let output = new_worker(folder, arguments);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(output.stdout, b"");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_dry_run_says_all_and_writes_nothing() {
    let checkout = little_checkout();
    let before = files(checkout.path());
    let arguments = ["orders", "--source", "sqs", "--dry-run", "--json"];
    let report = json_of(&new_worker(checkout.path(), &arguments));
    assert_eq!(files(checkout.path()), before);
    assert_eq!(report["dry_run"], true);
    let created = report["created"].as_array().unwrap();
    assert!(created.contains(&json!("workers/orders/src/work.rs")));
    assert_eq!(
        report["next"],
        json!([
            "cargo test -p orders -p orders-lambda",
            "cargo run -- replay events/orders",
            "cargo run -- up",
        ])
    );
}

#[test]
fn what_is_reported_is_what_is_written() {
    for source in SOURCES {
        let checkout = little_checkout();
        let before = files(checkout.path());
        // Anywhere in the checkout.
        let folder = checkout.path().join("cdk/lib");
        let arguments = ["order-totals", "--source", source, "--json"];
        let report = json_of(&new_worker(&folder, &arguments));
        let mut expected: Vec<String> = before;
        for path in report["created"].as_array().unwrap() {
            expected.push(path.as_str().unwrap().to_owned());
        }
        expected.sort();
        assert_eq!(files(checkout.path()), expected);
        for file in report["edited"].as_array().unwrap() {
            let path = file["path"].as_str().unwrap();
            let text = fs::read_to_string(checkout.path().join(path)).unwrap();
            for line in file["added"].as_array().unwrap() {
                let line = line.as_str().unwrap();
                assert!(
                    text.lines().any(|written| written == line),
                    "{path}: {line}"
                );
            }
        }
        // There is no Cargo here that could have.
        assert_eq!(report["locked"], false);
        assert_eq!(report["next"][0], "cargo update --workspace");
    }
}

#[test]
fn several_workers_stand_beside_each_other() {
    let checkout = little_checkout();
    for (name, source) in ["b-two", "a", "c", "b"].into_iter().zip(SOURCES) {
        json_of(&new_worker(
            checkout.path(),
            &[name, "--source", source, "--json"],
        ));
    }
    let read = |file: &str| fs::read_to_string(checkout.path().join(file)).unwrap();
    let modules = read("events/src/replay/workers/mod.rs");
    assert!(
        modules.contains("mod a;\nmod b;\nmod b_two;\nmod c"),
        "{modules}"
    );
    let workspace = read("Cargo.toml");
    let dependency = |name: &str| format!("{name} = {{ path = \"workers/{name}\" }}\n");
    let three = ["a", "b", "b-two", "c"].map(dependency);
    assert!(workspace.contains(&three[..3].concat()), "{workspace}");
    let stack = read("cdk/lib/workers.ts");
    assert!(stack.contains("/a.ts';\nimport { bTwoWorker }"), "{stack}");
}

#[test]
fn a_worker_is_added_whole_or_not_at_all() {
    let checkout = little_checkout();
    let root = checkout.path();
    let orders = ["orders", "--source", "sqs"];
    let stack = root.join("cdk/lib/workers.ts");
    let text = fs::read_to_string(&stack).unwrap();
    fs::write(&stack, "export const workers = [];\n").unwrap();
    let before = files(root);
    let complaint_of_place = complaint(root, &orders);
    assert!(
        complaint_of_place.contains("cdk/lib/workers.ts"),
        "{complaint_of_place}"
    );
    assert_eq!(files(root), before);
    fs::write(&stack, text).unwrap();

    assert!(new_worker(root, &orders).status.success());
    let again = complaint(root, &orders);
    assert!(again.contains("workers/orders is there already"), "{again}");
}

#[test]
fn a_name_or_source_that_cannot_be_says_why() {
    let checkout = little_checkout();
    for (arguments, said) in [
        (&["Orders", "--source", "sqs"][..], "order-totals"),
        (&["../orders", "--source", "sqs"], "order-totals"),
        (&["match", "--source", "sqs"], "match means something else"),
        (&["thumbnails", "--source", "sqs"], "workers/thumbnails"),
        (&["mail", "--source", "sqs"], "welcome-mail"),
        (&["claims", "--source", "sqs"], "a table called Claims"),
        (&["tokio", "--source", "sqs"], "a crate called tokio"),
        (&["orders", "--source", "sns"], "sqs, s3, dynamodb, kinesis"),
        (&["orders"], "--source"),
    ] {
        let complaint = complaint(checkout.path(), arguments);
        assert!(complaint.contains(said), "{arguments:?}: {complaint}");
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let complaint = complaint(elsewhere.path(), &["orders", "--source", "sqs"]);
    assert!(complaint.contains("no checkout of Flotilla"), "{complaint}");
}

/// A copy of this checkout, with what is not committed yet.
fn whole_checkout() -> TempDir {
    let checkout = tempfile::tempdir().unwrap();
    let listed = Command::new("git")
        .args(["ls-files", "-co", "--exclude-standard", "-z"])
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(listed.status.success(), "{listed:?}");
    for file in String::from_utf8(listed.stdout).unwrap().split('\0') {
        let original = workspace().join(file);
        // The list ends in nothing, and names what was deleted and not committed.
        if original.is_file() {
            let copy = checkout.path().join(file);
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(original, copy).unwrap();
        }
    }
    checkout
}

/// Runs a program in a folder; what it says is shown when it fails.
fn run(folder: &Path, program: impl AsRef<OsStr>, arguments: &[&str]) -> Output {
    let mut command = Command::new(program.as_ref());
    command
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target());
    // What cargo tells this test of its package makes another cargo build half the workspace again.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&*name);
        }
    }
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{} {}\n{}\n{}",
        program.as_ref().display(),
        arguments.join(" "),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// This workspace's own, so that the dependencies are built already.
fn target() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_flotilla"));
    binary.ancestors().nth(2).unwrap().to_owned()
}

/// Puts this workspace's binary back when the copy's has taken its place.
struct Binary {
    kept: PathBuf,
}

impl Binary {
    fn keep() -> Self {
        let binary = Path::new(env!("CARGO_BIN_EXE_flotilla"));
        let kept = binary.with_extension("kept");
        let _ = fs::remove_file(&kept);
        fs::hard_link(binary, &kept).unwrap();
        Self { kept }
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        let _ = fs::rename(&self.kept, env!("CARGO_BIN_EXE_flotilla"));
    }
}

/// The file's folder and name, the worker, and the fates of its records.
fn fates(event: &Value) -> String {
    let records = event["records"].as_array().unwrap();
    let fates: Vec<String> = records
        .iter()
        .map(|record| format!("{}/{}", record["fate"], record["kind"]).replace('"', ""))
        .collect();
    format!("{}: {}", event["file"].as_str().unwrap(), fates.join(" "))
}

#[test]
#[ignore = "builds four workers in a copy of the checkout, which takes minutes: .ci/run asks for it"]
fn a_new_worker_of_every_source_builds_is_tested_replayed_and_deployed() {
    let checkout = whole_checkout();
    let root = checkout.path();
    let _binary = Binary::keep();
    for source in SOURCES {
        let name = format!("try-{source}");
        let arguments = ["new", "worker", &name, "--source", source, "--json"];
        let report = json_of(&run(root, env!("CARGO_BIN_EXE_flotilla"), &arguments));
        assert_eq!(report["locked"], true, "{report}");
    }
    let cargo = env!("CARGO");
    run(root, cargo, &["fmt", "--all", "--check"]);
    let packages = SOURCES.map(|source| [format!("try-{source}"), format!("try-{source}-lambda")]);
    let packages = packages.as_flattened();
    let with_packages = |command: &[&str], behind: &[&str]| {
        let packages = packages.iter().flat_map(|package| ["-p", package]);
        let arguments: Vec<&str> = command
            .iter()
            .copied()
            .chain(packages)
            .chain(behind.iter().copied())
            .collect();
        run(root, cargo, &arguments)
    };
    with_packages(&["test", "--locked", "--offline"], &[]);
    with_packages(
        &["clippy", "--locked", "--offline", "--all-targets"],
        &["--", "-D", "warnings"],
    );

    let replay = |events: &str| {
        let command = [
            "run",
            "--locked",
            "--offline",
            "--quiet",
            "--",
            "replay",
            "--json",
        ];
        let arguments: Vec<&str> = command
            .into_iter()
            .chain(["--out", "replayed", events])
            .collect();
        json_of(&run(root, cargo, &arguments))
    };
    let all = replay("events");
    let events = all["events"].as_array().unwrap();
    let new: Vec<String> = SOURCES
        .iter()
        .map(|source| format!("events/try-{source}/"))
        .collect();
    for event in events {
        let (file, worker) = (event["file"].as_str().unwrap(), event["worker"].as_str());
        let own = new.iter().find(|folder| file.starts_with(folder.as_str()));
        let own = own.map(|folder| folder.trim_start_matches("events/").trim_end_matches('/'));
        let is_new = worker.is_some_and(|worker| worker.starts_with("try-"));
        assert!(
            own.is_none() && !is_new || own == worker,
            "{file}: {worker:?}"
        );
    }
    let fates: Vec<String> = events
        .iter()
        .map(fates)
        .filter(|line| line.contains("/try-"))
        .collect();
    insta::assert_snapshot!(fates.join("\n"), @"
    events/try-dynamodb/first.json: done/applied
    events/try-dynamodb/poison.json: done/applied rejected/malformed rejected/malformed
    events/try-kinesis/first.json: done/applied
    events/try-kinesis/poison.json: done/applied rejected/not-json
    events/try-s3/first.json: done/applied
    events/try-s3/poison.json: done/applied rejected/not-a-notice rejected/not-a-notice
    events/try-sqs/first.json: done/applied
    events/try-sqs/poison.json: done/applied rejected/not-json rejected/malformed
    ");
    for folder in &new {
        assert_eq!(replay(folder)["totals"]["effects"], 0, "{folder}");
    }

    let modules = workspace().join("cdk/node_modules");
    if modules.is_dir() {
        std::os::unix::fs::symlink(modules, root.join("cdk/node_modules")).unwrap();
        run(&root.join("cdk"), "npm", &["run", "check"]);
        run(&root.join("cdk"), "npm", &["test"]);
    } else {
        assert!(env::var_os("CI").is_none(), "`npm ci` in cdk/ comes first");
    }
}
