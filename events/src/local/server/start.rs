//! Starting the server.

use std::env;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::record::{ACCESS_KEY_ID, POLL, REGION, SECRET_ACCESS_KEY, STAGE, Server, is_emulator};
use super::stop::stop;
use crate::local::checkout::ServerFolder;
use crate::local::clock::Utc;
use crate::local::up::{Done, Session};
use crate::local::{DEFAULT_PORT, LocalError, process, virtual_environment};

/// The emulator needs a second or two, a busy machine ten times that.
const PATIENCE: Duration = Duration::from_mins(1);

/// A session of its own, so that closing the terminal does not end it, and so that it and all that it starts can be
/// ended together.
const LAUNCH: &str =
    "import os, runpy; os.setsid(); runpy.run_module('ministack', run_name='__main__')";

/// Which server is wanted.
#[derive(Debug, Clone, Copy)]
pub(in crate::local) struct Wish {
    /// Where it should listen; `None` leaves it where it is, or at the default.
    pub(in crate::local) port: Option<u16>,
    /// Whether it should refuse what a function's role does not allow.
    pub(in crate::local) authorise: bool,
    /// Whether it should know nothing.
    pub(in crate::local) fresh: bool,
}

/// Starts the server, unless the one that is wanted runs already.
pub(in crate::local) fn start(
    session: &mut Session,
    wish: Wish,
) -> Result<(Server, Done), LocalError> {
    let checkout = session.checkout.clone();
    if let Some(server) = Server::running(&checkout) {
        if let Some(asked) = wish.port.filter(|&asked| asked != server.port) {
            return Err(LocalError::OtherPort {
                running: server.port,
                asked,
            });
        }
        if !wish.fresh && server.authorise == wish.authorise && server.is_healthy() {
            let told = server.endpoint.clone();
            return Ok((server, Done::unchanged(told)));
        }
        stop(&checkout)?;
        return launch(session, server.port, wish);
    }
    // Whatever is left of one that died.
    stop(&checkout)?;
    launch(session, wish.port.unwrap_or(DEFAULT_PORT), wish)
}

fn launch(session: &mut Session, port: u16, wish: Wish) -> Result<(Server, Done), LocalError> {
    must_be_free(port)?;
    let folder = session.checkout.server();
    // What was deployed to the last one is not deployed to this one.
    folder.clear()?;
    let temporary = folder.temporary();
    fs::create_dir_all(&temporary).map_err(LocalError::file(&temporary))?;
    session.interrupt.check()?;
    let mut child = spawn(session, &folder, port, wish.authorise)?;
    let server = Server {
        pid: child.id(),
        port,
        endpoint: format!("http://127.0.0.1:{port}"),
        region: REGION.to_owned(),
        stage: STAGE.to_owned(),
        started: Utc::now().extended(),
        authorise: wish.authorise,
        began: process::began(child.id()).unwrap_or_default(),
    };
    // Before anything can go wrong: from here on it is found again, by `down` and by the next `up`.
    server.record(&session.checkout)?;
    wait_until_healthy(session, &server, &mut child)?;
    let told = server.endpoint.clone();
    Ok((server, Done::changed(told)))
}

fn must_be_free(port: u16) -> Result<(), LocalError> {
    // Bound to all addresses or to this one, somebody has it.
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(LocalError::PortTaken {
            port,
            by: if is_emulator(port) {
                "another local AWS, which this checkout did not start"
            } else {
                "another program"
            },
        }),
        // Below 1024, for one.
        Err(source) => Err(LocalError::Port { port, source }),
    }
}

fn spawn(
    session: &Session,
    folder: &ServerFolder,
    port: u16,
    authorise: bool,
) -> Result<Child, LocalError> {
    let path = session.checkout.log("server");
    let log = File::create(&path).map_err(LocalError::file(&path))?;
    let errors = log.try_clone().map_err(LocalError::file(&path))?;
    let mut command = Command::new(virtual_environment::python(session));
    command.args(["-c", LAUNCH]);
    environment(&mut command, folder, port, authorise);
    command
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        .map_err(|source| LocalError::Start {
            what: "the server".to_owned(),
            source,
        })
}

/// All that the server sees of this machine's environment, because the functions see all that it sees.
fn environment(command: &mut Command, folder: &ServerFolder, port: u16, authorise: bool) {
    command.env_clear();
    for name in ["PATH", "SSL_CERT_FILE"] {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
    command
        // Nobody's profile and credentials.
        .env("HOME", folder.path())
        .env("TMPDIR", folder.temporary())
        .env("LANG", "C.UTF-8")
        .env("TZ", "UTC")
        // Without it the log is a block behind.
        .env("PYTHONUNBUFFERED", "1")
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
        .env("AWS_REGION", REGION)
        .env("AWS_DEFAULT_REGION", REGION)
        // The functions inherit it. An address and no name: the SDK would look for `bucket.localhost`.
        .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
        .env("BIND_HOST", "127.0.0.1")
        // In queue URLs: `localhost` may mean ::1, where nobody listens.
        .env("MINISTACK_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        .env("MINISTACK_REGION", REGION)
        .env("IOT_MTLS_ENABLED", "0")
        .env("SFTP_ENABLED", "0")
        .env("AUTH", if authorise { "true" } else { "false" })
        // It can keep what it knows for its next start, but not where each reader of a stream is and not the mails that it
        // sent: half a memory is worse than none.
        .env("PERSIST_STATE", "0");
}

fn wait_until_healthy(
    session: &mut Session,
    server: &Server,
    child: &mut Child,
) -> Result<(), LocalError> {
    let log = session.checkout.log("server");
    let end = Instant::now() + PATIENCE;
    loop {
        if server.is_healthy() {
            return Ok(());
        }
        if let Ok(Some(status)) = child.try_wait() {
            Server::forget(&session.checkout)?;
            return Err(LocalError::ServerEnded { status, log });
        }
        session.interrupt.check()?;
        if Instant::now() >= end {
            stop(&session.checkout)?;
            return Err(LocalError::ServerSilent {
                seconds: PATIENCE.as_secs(),
                log,
            });
        }
        session.progress.detail("waits for the server", "");
        thread::sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::local::Checkout;

    #[test]
    fn a_taken_port_is_told_with_another_one() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let silent = thread::spawn(move || drop(listener.accept()));
        let error = must_be_free(port).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("port {port} is taken by another program")
        );
        assert!(
            error
                .mend()
                .unwrap()
                .contains(&format!("--port {}", port + 1))
        );
        silent.join().unwrap();
    }

    #[test]
    fn functions_see_nothing_of_this_machine_that_they_need_not() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("workers")).unwrap();
        fs::write(place.path().join("Cargo.toml"), "").unwrap();
        let folder = Checkout::around(place.path()).unwrap().server();
        let mut command = Command::new("env");
        environment(&mut command, &folder, 4600, true);
        let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let seen: BTreeMap<&str, &str> = output
            .lines()
            .filter_map(|line| line.split_once('='))
            .collect();
        assert_eq!(seen["AWS_ENDPOINT_URL"], "http://127.0.0.1:4600");
        assert_eq!(seen["AUTH"], "true");
        assert_eq!(Path::new(seen["HOME"]), folder.path());
        let handed_on: Vec<&str> = env::vars()
            .filter(|(name, value)| seen.get(name.as_str()) == Some(&value.as_str()))
            .filter_map(|(name, _)| seen.get_key_value(name.as_str()).map(|(name, _)| *name))
            // What is set for everybody may be set here to the same.
            .filter(|name| !["LANG", "PYTHONUNBUFFERED", "TZ"].contains(name))
            .collect();
        assert!(
            handed_on
                .iter()
                .all(|name| ["PATH", "SSL_CERT_FILE"].contains(name)),
            "{handed_on:?}"
        );
        assert!(
            env::var("CARGO_MANIFEST_DIR").is_ok(),
            "there is more to hand on"
        );
    }
}
