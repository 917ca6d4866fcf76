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
    let ours = one(case, &ours, small, places, &original).context("ours")?;
    let mut rows = Vec::new();
    for peer in &case.peers {
        match one(case, peer, small, places, &original) {
            Ok(other) => rows.push(Row {
                ours_ms: ours.ms,
                peer_ms: other.ms,
                ours_mb: Some(ours.over_mb),
                peer_mb: Some(other.over_mb),
                ours_process_mb: Some(ours.process_mb),
                peer_process_mb: Some(other.process_mb),
                rounds: PROCESSES,
                reason: Some("memory is compared, not time".to_owned()),
                met: peer.goal.map(|goal| ours.over_mb < goal),
                ..row(case, peer, &ours.made, &other.made)
            }),
            Err(error) => eprintln!("  {} is left out here: {error:#}", peer.name),
        }
    }
    Ok(rows)
}

/// Medians of one side's processes.
struct Held {
    over_mb: f64,
    process_mb: f64,
    ms: f64,
    made: Made,
}

fn one(
    case: &Case,
    peer: &Peer,
    small: &Path,
    places: &Places,
    original: &Original,
) -> Result<Held> {
    let mut work = peer.work.clone();
    work.answer = true;
    let megabytes = |kib: u64| kib as f64 * 1024.0 / 1e6;
    let (mut over_mb, mut process_mb, mut times) = (Vec::new(), Vec::new(), Vec::new());
    let mut made = None;
    for _ in 0..PROCESSES {
        let mut server = Server::start(peer.side, places)?;
        let (answer, files) = server.ask(&Request::Memory {
            warm: small.to_owned(),
            input: case.subject.path.clone(),
            work: work.clone(),
        })?;
        over_mb.push(megabytes(answer.peak_kib.saturating_sub(answer.before_kib)));
        process_mb.push(megabytes(answer.peak_kib));
        times.push(answer.ms);
        if made.is_none() {
            let mut first = inspect(&files, &work, &case.subject, &mut Servers::new(), original)?;
            first.note = answer.note;
            made = Some(first);
        }
    }
    Ok(Held {
        over_mb: median(over_mb),
        process_mb: median(process_mb),
        ms: median(times),
        made: made.context("no process")?,
    })
}
