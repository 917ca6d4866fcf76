//! `flotilla up`, `status` and `down`, with programs in the place of Python, npm, cargo and the CDK that answer as those do.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, setsid, test_kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::Ended;

/// A checkout with one worker, and tools that make nothing of it.
struct Checkout {
    folder: TempDir,
    port: u16,
}

impl Checkout {
    fn new() -> Self {
        let checkout = Self {
            folder: tempfile::tempdir().unwrap(),
            port: free_port(),
        };
        let manifest = checkout.path("workers/gallery/lambda/Cargo.toml");
        let built = checkout.path("built/gallery");
        let target = json!({ "name": "gallery", "kind": ["bin"] });
        let metadata = json!({ "packages": [
            { "name": "gallery-lambda", "manifest_path": manifest, "targets": [target] },
        ] });
        let message =
            json!({ "reason": "compiler-artifact", "target": target, "executable": built });
        for (name, text) in [
            ("Cargo.toml", String::new()),
            ("workers/gallery/lambda/Cargo.toml", String::new()),
            ("built/gallery", "one".to_owned()),
            ("metadata.json", metadata.to_string()),
            ("messages.json", message.to_string()),
            ("cdk/cdk.json", "{}".to_owned()),
            ("cdk/package-lock.json", r#"{"packages": {}}"#.to_owned()),
        ] {
            checkout.write(name, &text);
        }
        checkout.tool("node", "echo v20.1.0");
        checkout.tool(
            "cargo",
            "case $1 in metadata) cat metadata.json;; build) cat messages.json;; esac",
        );
        checkout.tool("npm", NPM);
        checkout.tool("cdk", CDK);
        let emulator = std::env::current_exe().unwrap();
        checkout.tool(
            "python3",
            &PYTHON.replace("EMULATOR", emulator.to_str().unwrap()),
        );
        checkout
    }

    fn path(&self, name: &str) -> PathBuf {
        // Without links, as cargo tells paths.
        fs::canonicalize(self.folder.path()).unwrap().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn tool(&self, name: &str, script: &str) {
        let name = format!("tools/{name}");
        self.write(
            &name,
            &format!("#!/bin/sh\nPATH=/usr/bin:/bin:$PATH\n{script}\n"),
        );
        fs::set_permissions(self.path(&name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flotilla"));
        command
            .args(arguments)
            .current_dir(self.path("workers"))
            .env_clear()
            .env("PATH", self.path("tools"))
            .env("AWS_PROFILE", "somebody");
        command
    }

    fn flotilla(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }

    /// The answer of `flotilla up --json`, and its exit status.
    fn up(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let port = self.port.to_string();
        let ended = self.flotilla(&[&["up", "--json", "--port", &port], arguments].concat());
        (ended.status, ended.json())
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        // A test that failed leaves its server behind.
        let _ = self.command(&["down"]).output();
    }
}

/// Makes a virtual environment whose Python is itself, installs nothing, and is the emulator.
const PYTHON: &str = r#"case "$*" in
*ensurepip*) echo 3.11;;
"-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python";;
"-m pip "*) ;;
*) exec "EMULATOR" --exact local::emulator --ignored --nocapture;;
esac"#;

const NPM: &str = r#"mkdir -p node_modules/.bin
cp ../tools/cdk node_modules/.bin/cdk
echo '{"packages": {}}' > node_modules/.package-lock.json"#;

/// Writes the outputs, and a line that the emulator takes for the stack.
const CDK: &str = r#"while [ $# -gt 0 ]; do
  if [ "$1" = --outputs-file ]; then
    echo '{"flotilla-local": {"GalleryFunction": "flotilla-local-gallery"}}' > "$2"
  fi
  shift
done
echo "$AWS_ENDPOINT_URL $AWS_PROFILE" >> ../.flotilla/server/stack"#;

/// A port that nobody has, and that no test has had. Below those that the system gives to connections on their way out: of
/// which one could have it while a server is started again.
fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 10_000).unwrap();
    loop {
        let port = 20_000 + (first + TAKEN.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// How each step ended.
fn outcomes(up: &Value) -> BTreeMap<&str, &str> {
    let steps = up["steps"].as_array().unwrap();
    steps
        .iter()
        .map(|step| {
            (
                step["step"].as_str().unwrap(),
                step["outcome"].as_str().unwrap(),
            )
        })
        .collect()
}

/// The steps that had something to do.
fn done(up: &Value) -> Vec<&str> {
    let mut done: Vec<&str> = outcomes(up)
        .into_iter()
        .filter_map(|(step, outcome)| (outcome == "done").then_some(step))
        .collect();
    done.sort_unstable();
    done
}

fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    test_kill_process(Pid::from_raw(pid).unwrap()).is_ok()
        && !stat.is_ok_and(|stat| stat.contains(") Z "))
}

#[test]
fn a_first_up_does_every_step_and_the_next_only_what_changed() {
    let checkout = Checkout::new();
    let (status, first) = checkout.up(&[]);
    assert_eq!(status, Some(0), "{first}");
    assert_eq!(
        done(&first),
        ["emulator", "packages", "server", "stack", "workers"]
    );
    assert_eq!(
        first["outputs"]["GalleryFunction"],
        "flotilla-local-gallery"
    );
    assert_eq!(
        first["server"]["endpoint"],
        format!("http://127.0.0.1:{}", checkout.port)
    );
    let deployments = || fs::read_to_string(checkout.path(".flotilla/server/stack")).unwrap();
    assert_eq!(
        deployments(),
        format!("http://127.0.0.1:{} \n", checkout.port)
    );

    let (status, second) = checkout.up(&[]);
    assert_eq!(status, Some(0));
    assert_eq!(second["changed"], false);
    assert_eq!(second["server"], first["server"]);
    assert_eq!(second["outputs"], first["outputs"]);
    assert_eq!(deployments().lines().count(), 1);

    checkout.write("built/gallery", "two");
    assert_eq!(done(&checkout.up(&[]).1), ["stack", "workers"]);
    assert_eq!(
        fs::read_to_string(checkout.path(".flotilla/bin/gallery/bootstrap")).unwrap(),
        "two"
    );
    checkout.write("cdk/lib/stack.ts", "export {};");
    assert_eq!(done(&checkout.up(&[]).1), ["stack"]);
    assert_eq!(deployments().lines().count(), 3);

    let (status, fresh) = checkout.up(&["--fresh"]);
    assert_eq!(status, Some(0), "{fresh}");
    assert_eq!(done(&fresh), ["server", "stack"]);
    assert_ne!(fresh["server"]["pid"], first["server"]["pid"]);
}

#[test]
fn down_leaves_no_process_and_is_content_with_none() {
    let checkout = Checkout::new();
    let up = checkout.up(&[]).1;
    let status = checkout.flotilla(&["status", "--json"]);
    assert_eq!(status.status, Some(0), "{status:?}");
    assert_eq!(status.json()["server"], up["server"]);
    assert_eq!(
        status.json()["functions"]["Gallery"],
        "flotilla-local-gallery"
    );
    let server = i32::try_from(up["server"]["pid"].as_i64().unwrap()).unwrap();
    let function = fs::read_to_string(checkout.path(".flotilla/server/function")).unwrap();
    let function = function.parse().unwrap();
    assert!(is_alive(server) && is_alive(function));

    let down = checkout.flotilla(&["down", "--json"]);
    assert_eq!(
        (down.status, down.json()),
        (Some(0), json!({ "ended": true }))
    );
    assert!(!is_alive(server), "the server");
    assert!(!is_alive(function), "what the server started");
    let status = checkout.flotilla(&["status"]);
    assert_eq!(status.status, Some(1));
    assert!(
        status.stdout.contains("flotilla up starts it"),
        "{status:?}"
    );
    let again = checkout.flotilla(&["down"]);
    assert_eq!(
        (again.status, again.stdout.as_str()),
        (Some(0), "local AWS was not running\n")
    );
}

#[test]
fn nothing_is_made_where_nothing_ever_was() {
    let checkout = Checkout::new();
    assert_eq!(checkout.flotilla(&["status"]).status, Some(1));
    assert_eq!(checkout.flotilla(&["down"]).status, Some(0));
    assert!(!checkout.path(".flotilla").exists());

    let elsewhere = tempfile::tempdir().unwrap();
    let ended = Ended::of(
        checkout
            .command(&["status"])
            .current_dir(elsewhere.path())
            .output()
            .unwrap(),
    );
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("no checkout"), "{ended:?}");
}

#[test]
fn a_tool_that_is_missing_or_old_is_told_with_its_mend() {
    let checkout = Checkout::new();
    for (tool, script, problem, mend) in [
        ("python3", None, "python3 is missing", "install Python"),
        (
            "python3",
            Some("echo 3.9"),
            "python3 is too old: 3.9, and 3.10 or later is needed",
            "3.10 or later",
        ),
        (
            "python3",
            Some("echo 3.11; exit 1"),
            "python3 cannot make virtual environments",
            "install",
        ),
        ("node", None, "node is missing", "https://nodejs.org"),
        (
            "node",
            Some("echo v18.20.1"),
            "node is too old: 18.20, and 20.0 or later is needed",
            "https://nodejs.org",
        ),
        ("npm", None, "npm is missing", "https://nodejs.org"),
        ("cargo", None, "cargo is missing", "https://rustup.rs"),
    ] {
        let path = checkout.path("tools").join(tool);
        let whole = fs::read(&path).unwrap();
        match script {
            Some(script) => checkout.tool(tool, script),
            None => fs::remove_file(&path).unwrap(),
        }
        let (status, up) = checkout.up(&[]);
        assert_eq!(status, Some(1), "{tool}");
        let failure = &up["failure"];
        assert_eq!(failure["step"], "tools");
        let contains = |field: &str, text| failure[field].as_str().unwrap().contains(text);
        assert!(contains("problem", problem), "{failure}");
        assert!(contains("mend", mend), "{failure}");
        fs::write(&path, whole).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    assert!(!checkout.path(".flotilla/venv").exists(), "nothing began");
}

#[test]
fn a_taken_port_is_told_with_another_and_taken_by_nobody_else() {
    let checkout = Checkout::new();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, checkout.port)).unwrap();
    let stranger = thread::spawn(move || drop(listener.accept()));
    let port = checkout.port.to_string();
    let ended = checkout.flotilla(&["up", "--port", &port]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    for said in [
        &*format!("error: server: port {port} is taken by another program"),
        &format!("flotilla up --port {}", checkout.port + 1),
    ] {
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
    assert_eq!(ended.stdout, "");
    stranger.join().unwrap();
    assert_eq!(checkout.up(&[]).0, Some(0), "it is free now");

    let ended = checkout.flotilla(&["up", "--port", "0"]);
    assert_eq!(ended.status, Some(2), "no port: {ended:?}");
    let other = free_port().to_string();
    let ended = checkout.flotilla(&["up", "--port", &other]);
    assert_eq!(ended.status, Some(1));
    let said = format!("runs on port {port} already, and {other} was asked for");
    assert!(ended.stderr.contains(&said), "{}", ended.stderr);
}

#[test]
fn a_failed_step_shows_the_end_of_its_log_and_the_next_up_goes_on() {
    let checkout = Checkout::new();
    checkout.tool(
        "cdk",
        "echo synthesised; echo 'no such construct' >&2; exit 1",
    );
    let (status, up) = checkout.up(&[]);
    assert_eq!(status, Some(1));
    assert_eq!(up["up"], false);
    assert_eq!(outcomes(&up)["stack"], "failed");
    let failure = &up["failure"];
    assert_eq!(failure["problem"], "cdk deploy failed: exit status: 1");
    assert_eq!(
        failure["last_lines"],
        json!(["synthesised", "no such construct"])
    );
    assert!(Path::new(failure["log"].as_str().unwrap()).is_file());

    checkout.tool("cdk", CDK);
    fs::copy(
        checkout.path("tools/cdk"),
        checkout.path("cdk/node_modules/.bin/cdk"),
    )
    .unwrap();
    let (status, again) = checkout.up(&[]);
    assert_eq!(status, Some(0), "{again}");
    assert_eq!(done(&again), ["stack"]);
    assert_eq!(again["server"], up["server"]);
}

#[test]
fn an_interrupted_up_leaves_a_server_that_the_next_one_uses() {
    let checkout = Checkout::new();
    checkout.tool("cdk", "echo $$ > ../cdk.pid; sleep 600");
    let port = checkout.port.to_string();
    let mut first = checkout
        .command(&["up", "--json", "--port", &port])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let cdk: i32 = wait_for(&checkout.path("cdk.pid")).parse().unwrap();

    let meanwhile = checkout.flotilla(&["down"]);
    assert_eq!(meanwhile.status, Some(2));
    let said = format!("at work in this checkout (process {})", first.id());
    assert!(meanwhile.stderr.contains(&said), "{meanwhile:?}");

    let pid = Pid::from_raw(i32::try_from(first.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let up = answer(&mut first);
    assert_eq!(up["failure"]["problem"], "interrupted");
    assert!(!is_alive(cdk), "what the step ran");

    checkout.tool("cdk", CDK);
    fs::copy(
        checkout.path("tools/cdk"),
        checkout.path("cdk/node_modules/.bin/cdk"),
    )
    .unwrap();
    let (status, next) = checkout.up(&[]);
    assert_eq!(status, Some(0), "{next}");
    assert_eq!(next["server"], up["server"]);
}

#[test]
fn a_stranger_with_the_servers_number_is_no_server() {
    let checkout = Checkout::new();
    let mut stranger = Command::new("sleep").arg("600").spawn().unwrap();
    let record = json!({
        "pid": stranger.id(), "port": checkout.port, "endpoint": "http://127.0.0.1:1",
        "region": "us-east-1", "stage": "local", "started": "2026-11-23T08:00:00Z",
        "authorise": false, "began": "another boot/1",
    });
    checkout.write(".flotilla/server.json", &record.to_string());
    checkout.write(".flotilla/log/server.log", "");
    assert_eq!(checkout.flotilla(&["status"]).status, Some(1));
    let down = checkout.flotilla(&["down", "--json"]);
    assert_eq!(
        (down.status, down.json()),
        (Some(0), json!({ "ended": false }))
    );
    assert_eq!(stranger.try_wait().unwrap(), None);
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

fn answer(child: &mut Child) -> Value {
    let mut text = String::new();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    serde_json::from_str(&text).unwrap()
}

/// The first line of a file, once it is there.
fn wait_for(path: &Path) -> String {
    loop {
        let text = fs::read_to_string(path).unwrap_or_default();
        if let Some((line, _)) = text.split_once('\n') {
            return line.to_owned();
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Local AWS, as far as `flotilla up` knows it: it is healthy, and has every stack that was made.
#[test]
#[ignore = "it is the server of the other tests here"]
#[expect(
    clippy::zombie_processes,
    reason = "whoever ends the server ends its child"
)]
fn emulator() {
    let Ok(port) = std::env::var("GATEWAY_PORT") else {
        return;
    };
    // As the real one's launcher does.
    setsid().unwrap();
    let function = Command::new("/bin/sleep").arg("600").spawn().unwrap();
    fs::write("function", function.id().to_string()).unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse().unwrap())).unwrap();
    let mut has_bucket = false;
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let (target, body) = heard(&stream);
        has_bucket |= body.contains("Action=CreateStack");
        let deployments = fs::read_to_string("stack").unwrap_or_default();
        let (status, answer) = if target == "/_ministack/health" {
            (200, r#"{"services": {}}"#.to_owned())
        } else if body.contains("CreateStack")
            || (body.contains("flotilla%2Dassets") && has_bucket)
            || (body.contains("flotilla%2Dlocal") && !deployments.is_empty())
        {
            let changes = deployments.lines().count();
            (
                200,
                format!(
                    "<CreationTime>{changes}</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus>"
                ),
            )
        } else {
            (400, String::new())
        };
        let _ = write!(stream, "HTTP/1.0 {status} Said\r\n\r\n{answer}");
    }
}

/// The target and the body of a request.
fn heard(stream: &TcpStream) -> (String, String) {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let target = first.split(' ').nth(1).unwrap_or_default();
    (target.to_owned(), String::from_utf8(body).unwrap())
}
