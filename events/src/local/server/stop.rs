//! Stopping the server.

use std::fs;

use super::record::Server;
use crate::local::{Checkout, LocalError, process};

/// Ends the server and every function that it started, if it runs, and forgets it. True when it ran.
///
/// A record may be older than the machine's last start, and its process number somebody else's by now: whoever did not
/// begin when our server began is left alone.
pub(in crate::local) fn stop(checkout: &Checkout) -> Result<bool, LocalError> {
    let Some(server) = Server::recorded(checkout) else {
        Server::forget(checkout)?;
        return Ok(false);
    };
    let ran = server.is_running();
    if ran {
        process::end_session(server.pid, &server.began);
    }
    let folder = checkout.server();
    // The system tells programs' paths without links.
    if let Ok(temporary) = fs::canonicalize(folder.temporary()) {
        process::end_orphans(server.pid, &temporary);
    }
    Server::forget(checkout)?;
    Ok(ran)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn checkout(place: &tempfile::TempDir) -> Checkout {
        fs::create_dir(place.path().join("workers")).unwrap();
        fs::write(place.path().join("Cargo.toml"), "").unwrap();
        let checkout = Checkout::around(place.path()).unwrap();
        checkout.make_state().unwrap();
        checkout
    }

    fn server(pid: u32, began: String) -> Server {
        Server {
            pid,
            port: 4600,
            endpoint: "http://127.0.0.1:4600".to_owned(),
            region: "us-east-1".to_owned(),
            stage: "local".to_owned(),
            started: "2026-11-23T08:00:00Z".to_owned(),
            authorise: false,
            began,
        }
    }

    #[test]
    fn a_stranger_with_the_servers_number_lives_on() {
        let place = tempfile::tempdir().unwrap();
        let checkout = checkout(&place);
        let mut stranger = Command::new("sleep").arg("60").spawn().unwrap();
        server(stranger.id(), "another boot/1".to_owned())
            .record(&checkout)
            .unwrap();
        assert!(!stop(&checkout).unwrap());
        assert_eq!(stranger.try_wait().unwrap(), None);
        assert_eq!(Server::recorded(&checkout), None, "nobody is misled again");
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}
