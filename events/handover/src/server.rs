//! The local AWS that `flotilla up` started.

use std::fs::File;
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

/// A record of a server has some hundred bytes.
const MAX_RECORD_BYTES: u64 = 64 * 1024;

/// A port of this machine answers at once or never.
const PATIENCE: Duration = Duration::from_secs(1);

/// A server as `flotilla up` recorded it in `.flotilla/server.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Server {
    /// The port that it listens on, on 127.0.0.1.
    pub port: u16,
    /// `http://127.0.0.1:PORT`.
    pub endpoint: String,
    /// The region that it plays.
    pub region: String,
    /// The stage of the stack in it.
    pub stage: String,
    /// Whether it refuses what a function's role does not allow.
    #[serde(default)]
    pub authorise: bool,
}

impl Server {
    /// The server of the checkout around `folder`, if it runs.
    pub fn running(folder: &Path) -> Option<Self> {
        let server = Self::recorded(&state_folder(folder)?)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port));
        // A killed server leaves its record behind.
        TcpStream::connect_timeout(&address, PATIENCE).ok()?;
        Some(server)
    }

    fn recorded(state: &Path) -> Option<Self> {
        let mut text = Vec::new();
        let record = File::open(state.join("server.json")).ok()?;
        record.take(MAX_RECORD_BYTES).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

/// The checkout of this project that `folder` is in.
pub fn checkout(folder: &Path) -> Option<&Path> {
    folder
        .ancestors()
        .find(|folder| folder.join("Cargo.toml").is_file() && folder.join("workers").is_dir())
}

/// Where `flotilla up` keeps everything, in the checkout around `folder`.
pub fn state_folder(folder: &Path) -> Option<PathBuf> {
    checkout(folder).map(|root| root.join(".flotilla"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::TcpListener;

    use super::*;

    fn place(port: u16) -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        fs::create_dir_all(root.join("workers/thumbnails")).unwrap();
        fs::create_dir(root.join(".flotilla")).unwrap();
        fs::write(root.join("Cargo.toml"), "").unwrap();
        let record = format!(
            r#"{{"pid":1,"port":{port},"endpoint":"http://127.0.0.1:{port}","region":"us-east-1","stage":"local","started":"x"}}"#
        );
        fs::write(root.join(".flotilla/server.json"), record).unwrap();
        place
    }

    #[test]
    fn a_server_that_runs_is_found_from_any_folder_of_its_checkout() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let place = place(port);
        let server = Server::running(&place.path().join("workers/thumbnails")).unwrap();
        assert_eq!(server.endpoint, format!("http://127.0.0.1:{port}"));
        assert_eq!(Server::running(Path::new("/")), None);
    }

    #[test]
    fn a_record_without_its_server_is_no_server() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let place = place(port);
        drop(listener);
        assert_eq!(Server::running(place.path()), None);
        fs::write(place.path().join(".flotilla/server.json"), "{").unwrap();
        assert_eq!(Server::running(place.path()), None);
    }
}
