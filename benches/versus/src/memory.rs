//! Peak memory over the file: each side in processes of its own that do nothing before but a small image.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::measure::{Made, Servers, inspect, median, row};
use crate::protocol::Request;
use crate::reference::Original;
use crate::row::Row;
use crate::server::{Places, Server, Side};
use crate::works::{Case, Peer};

/// Processes for each side; the median counts.
const PROCESSES: usize = 3;

/// Measures a case. The times of its rows are those of a first call, and without a ratio: they are no subject here.
pub(crate) fn measure(case: &Case, small: &Path, places: &Places) -> Result<Vec<Row>> {
    let original = Original::decode(&fs::read(&case.subject.path)?)?;
    let ours = Peer {
        name: "ours".to_owned(),
        side: Side::Ours,
        work: case.ours.clone(),
        goal: None,
    };
    let (ours_mb, ours_ms, ours) = one(case, &ours, small, places, &original).context("ours")?;
    let mut rows = Vec::new();
    for peer in &case.peers {
        match one(case, peer, small, places, &original) {
            Ok((peer_mb, peer_ms, made)) => rows.push(Row {
                ours_ms,
                peer_ms,
                ours_mb: Some(ours_mb),
                peer_mb: Some(peer_mb),
                rounds: PROCESSES,
                reason: Some("memory is compared, not time".to_owned()),
                met: peer.goal.map(|goal| ours_mb < goal),
                ..row(case, peer, &ours, &made)
            }),
            Err(error) => eprintln!("  {} is left out here: {error:#}", peer.name),
        }
    }
    Ok(rows)
}

fn one(
    case: &Case,
    peer: &Peer,
    small: &Path,
    places: &Places,
    original: &Original,
) -> Result<(f64, f64, Made)> {
    let mut work = peer.work.clone();
    work.answer = true;
    let mut over_mb = Vec::new();
    let mut times = Vec::new();
    let mut made = None;
    for _ in 0..PROCESSES {
        let mut server = Server::start(peer.side, places)?;
        let (answer, files) = server.ask(&Request::Memory {
            warm: small.to_owned(),
            input: case.subject.path.clone(),
            work: work.clone(),
        })?;
        over_mb.push(answer.peak_kib.saturating_sub(answer.before_kib) as f64 * 1024.0 / 1e6);
        times.push(answer.ms);
        if made.is_none() {
            made = Some(inspect(
                &files,
                &work,
                &case.subject,
                &mut Servers::new(),
                original,
            )?);
        }
    }
    Ok((median(over_mb), median(times), made.context("no process")?))
}
