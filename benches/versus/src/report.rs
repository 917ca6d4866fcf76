//! The table.

use std::fmt::Write as _;

use crate::row::Row;

/// The results by work, as text.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = String::new();
    let mut work = "";
    for row in rows {
        if row.work != work {
            work = &row.work;
            let _ = writeln!(text, "\n{work}");
            let _ = writeln!(
                text,
                "  {:<28} {:<34} {:>9} {:>9} {:>7} {:>12}  {:>13} {:>17}  notes",
                "photo", "peer", "ours ms", "peer ms", "ratio", "goal", "ssimulacra2", "bytes"
            );
        }
        let _ = writeln!(text, "{}", line(row).trim_end());
    }
    let of = |met| rows.iter().filter(|row| row.met == Some(met)).count();
    let _ = writeln!(text, "\nGoals met: {}, short: {}.", of(true), of(false));
    text
}

fn line(row: &Row) -> String {
    let (ours, peer, ratio) = match (row.ours_mb, row.peer_mb) {
        (Some(ours), Some(peer)) => (
            format!("{ours:.1} MB"),
            format!("{peer:.1} MB"),
            String::new(),
        ),
        _ => (
            format!("{:.2}", row.ours_ms),
            format!("{:.2}", row.peer_ms),
            row.ratio
                .map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}x")),
        ),
    };
    let wanted = match (row.goal, row.met) {
        (Some(goal), Some(met)) => {
            let unit = if row.ours_mb.is_some() { " MB" } else { "x" };
            format!("{goal}{unit} {}", if met { "met" } else { "short" })
        }
        _ => String::new(),
    };
    let scores = match (row.ours_ssimulacra2, row.peer_ssimulacra2) {
        (Some(ours), Some(peer)) => format!("{ours:.1} / {peer:.1}"),
        _ => String::new(),
    };
    let mut notes = Vec::new();
    match (row.ours_tables, row.peer_tables) {
        (Some(ours), Some(peer)) if ours == peer => notes.push(ours.to_owned()),
        (Some(ours), Some(peer)) => notes.push(format!("{ours} / {peer}")),
        _ => {}
    }
    if !row.ours_path.is_empty() {
        notes.push(row.ours_path.clone());
    }
    let percent = 100.0 * (row.ours_bytes as f64 / row.peer_bytes as f64 - 1.0);
    if percent.abs() > 1.0 {
        notes.push(format!("! bytes {percent:+.1} %"));
    }
    if let Some(quality) = row.peer_quality {
        notes.push(format!("peer at quality {quality}"));
    }
    if row.ours_mb.is_none() {
        notes.extend(row.reason.clone());
    }
    format!(
        "  {:<28} {:<34} {ours:>9} {peer:>9} {ratio:>7} {wanted:>12}  {scores:>13} {:>17}  {}",
        row.photo,
        row.peer,
        format!("{} / {}", row.ours_bytes, row.peer_bytes),
        notes.join(", ")
    )
}
