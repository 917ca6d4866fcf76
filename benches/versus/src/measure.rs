//! One case: outputs verified and scored, then rounds in which each side does the work once, one after the other.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};
use image::{ImageFormat, RgbImage};

use crate::protocol::{Format, Request, Work};
use crate::reference::Original;
use crate::row::Row;
use crate::score::{self, Score};
use crate::server::{Places, Server, Side};
use crate::subject::{Subject, has_standard_tables};
use crate::works::{Case, Kind, Peer};

/// Rounds that are not counted.
const WARM_UP: usize = 2;

/// The servers that could be started.
pub(crate) type Servers = BTreeMap<Side, Server>;

/// What one side made, looked at.
pub(crate) struct Made {
    scores: Vec<Score>,
    bytes: usize,
    tables: Option<&'static str>,
    /// How the library says that it did it.
    pub(crate) note: String,
}

impl Made {
    fn mean(&self) -> Option<Score> {
        (!self.scores.is_empty()).then(|| score::mean(&self.scores))
    }
}

/// Measures a case.
pub(crate) fn measure(case: &Case, servers: &mut Servers, rounds: usize) -> Result<Vec<Row>> {
    let bytes = fs::read(&case.subject.path)?;
    let original = Original::decode(&bytes)?;
    servers.retain(|side, server| match server.load(&case.subject.path) {
        Ok(()) => true,
        Err(error) => {
            eprintln!(
                "{} has failed and is left out from here on: {error:#}",
                side.name()
            );
            false
        }
    });
    let ours = look(case, &case.ours, Side::Ours, servers, &original).context("ours")?;
    let mut peers = Vec::new();
    for peer in &case.peers {
        let mut peer = peer.clone();
        if !servers.contains_key(&peer.side) {
            continue;
        }
        let made = if case.kind == Kind::Avif {
            equal_score(case, &mut peer, &ours, servers, &original)
        } else {
            look(case, &peer.work, peer.side, servers, &original)
        };
        match made {
            Ok(made) => peers.push((peer, made)),
            Err(error) => eprintln!("  {} is left out here: {error:#}", peer.name),
        }
    }

    let mut ours_ms = Vec::new();
    let mut peers: Vec<_> = peers
        .into_iter()
        .map(|(peer, made)| (peer, made, Vec::new()))
        .collect();
    for round in 0..rounds + WARM_UP {
        let counts = round >= WARM_UP;
        let ms = time(servers, Side::Ours, &case.ours)?;
        if counts {
            ours_ms.push(ms);
        }
        peers.retain_mut(
            |(peer, _, times)| match time(servers, peer.side, &peer.work) {
                Ok(ms) => {
                    if counts {
                        times.push(ms);
                    }
                    true
                }
                Err(error) => {
                    eprintln!("  {} is left out here: {error:#}", peer.name);
                    false
                }
            },
        );
    }

    let rows = peers.into_iter().map(|(peer, made, times)| {
        let mut row = row(case, &peer, &ours, &made);
        row.rounds = rounds;
        row.ours_ms = median(ours_ms.clone());
        row.peer_ms = median(times);
        if case.kind == Kind::Avif {
            row.peer_quality = Some(peer.work.quality);
        }
        let worse = ours.scores.iter().zip(&made.scores);
        let worse = worse.map(|(ours, peer)| peer.ssimulacra2 - ours.ssimulacra2);
        row.judge(worse.max_by(f64::total_cmp));
        row
    });
    Ok(rows.collect())
}

/// All of a row but for what was timed.
pub(crate) fn row(case: &Case, peer: &Peer, ours: &Made, made: &Made) -> Row {
    let differ = (ours.bytes as f64 / made.bytes as f64 - 1.0).abs();
    Row {
        photo: case.subject.name.clone(),
        work: case.work.clone(),
        peer: peer.name.clone(),
        ours_ssimulacra2: ours.mean().map(|score| score.ssimulacra2),
        peer_ssimulacra2: made.mean().map(|score| score.ssimulacra2),
        ours_bytes: ours.bytes,
        peer_bytes: made.bytes,
        goal: peer.goal,
        ours_ssim: ours.mean().map(|score| score.ssim),
        peer_ssim: made.mean().map(|score| score.ssim),
        ours_tables: ours.tables,
        peer_tables: made.tables,
        ours_path: ours.note.clone(),
        like_for_like: Some(ours.tables == made.tables && differ <= 0.01),
        ..Row::default()
    }
}

/// How long a side takes for the work, once, in milliseconds.
fn time(servers: &mut Servers, side: Side, work: &Work) -> Result<f64> {
    let server = servers.get_mut(&side).context("a server")?;
    let (answer, _) = server
        .ask(&Request::Work(work.clone()))
        .context(side.name())?;
    Ok(answer.ms)
}

/// Has a side do the work once, and verifies and scores what it made.
fn look(
    case: &Case,
    work: &Work,
    side: Side,
    servers: &mut Servers,
    original: &Original,
) -> Result<Made> {
    let server = servers.get_mut(&side).context("a server")?;
    let mut work = work.clone();
    work.answer = true;
    let (answer, files) = server.ask(&Request::Work(work.clone()))?;
    let mut made = inspect(&files, &work, &case.subject, servers, original)?;
    made.note = answer.note;
    Ok(made)
}

/// Verifies and scores thumbnails.
pub(crate) fn inspect(
    files: &[Vec<u8>],
    work: &Work,
    subject: &Subject,
    servers: &mut Servers,
    original: &Original,
) -> Result<Made> {
    if files.len() != work.sizes.len() {
        bail!("{} thumbnails instead of {}", files.len(), work.sizes.len());
    }
    let mut scores = Vec::new();
    for (file, side) in files.iter().zip(&work.sizes) {
        let thumbnail = match work.format {
            Format::Jpeg => {
                image::load_from_memory_with_format(file, ImageFormat::Jpeg)?.into_rgb8()
            }
            Format::Avif => decode_avif(file, subject, servers)?,
        };
        let (width, height) = thumbnail.dimensions();
        verify_size(original.dimensions(), *side, (width, height))?;
        // The metric starts at 8 pixels.
        if width.min(height) >= 8 {
            let reference = original.resized(width, height);
            scores.push(score::score(&reference, &thumbnail).context("its thumbnail")?);
        }
    }
    Ok(Made {
        note: String::new(),
        scores,
        bytes: files.iter().map(Vec::len).sum(),
        tables: (work.format == Format::Jpeg).then(|| {
            if files.iter().any(|file| has_standard_tables(file)) {
                "standard"
            } else {
                "optimised"
            }
        }),
    })
}

/// Both sides' AVIFs are decoded by sharp's libheif.
fn decode_avif(file: &[u8], subject: &Subject, servers: &mut Servers) -> Result<RgbImage> {
    let sharp = servers
        .get_mut(&Side::Sharp)
        .context("AVIF is decoded by sharp, which is not installed")?;
    let path = std::env::temp_dir().join(format!("versus-{}.avif", std::process::id()));
    fs::write(&path, file)?;
    sharp.load(&path)?;
    let pixels = sharp.ask(&Request::Pixels);
    let _ = fs::remove_file(&path);
    sharp.load(&subject.path)?;
    let (answer, files) = pixels?;
    let samples = files.into_iter().next().context("pixels")?;
    RgbImage::from_raw(answer.width, answer.height, samples).context("fewer pixels than it says")
}

/// The thumbnail must fit its box, touch it, and have the image's aspect within a pixel.
fn verify_size(source: (u32, u32), side: u32, found: (u32, u32)) -> Result<()> {
    let scale = (f64::from(side) / f64::from(source.0.max(source.1))).min(1.0);
    let near =
        |source: u32, found: u32| (f64::from(source) * scale - f64::from(found)).abs() <= 1.0;
    if found.0.max(found.1) > side || !near(source.0, found.0) || !near(source.1, found.1) {
        bail!(
            "{}x{} of {}x{} in a box of {side}",
            found.0,
            found.1,
            source.0,
            source.1
        );
    }
    Ok(())
}

/// Finds the peer's quality at which it scores as ours does, and has it work with that.
fn equal_score(
    case: &Case,
    peer: &mut Peer,
    ours: &Made,
    servers: &mut Servers,
    original: &Original,
) -> Result<Made> {
    let wanted = ours.mean().context("no score")?.ssimulacra2;
    let mut nearest: Option<(f64, u8, Made)> = None;
    let mut difference = |quality: u8| -> Result<f64> {
        peer.work.quality = quality;
        let made = look(case, &peer.work, peer.side, servers, original)?;
        let difference = made.mean().context("no score")?.ssimulacra2 - wanted;
        if nearest
            .as_ref()
            .is_none_or(|(least, ..)| difference.abs() < *least)
        {
            nearest = Some((difference.abs(), quality, made));
        }
        Ok(difference)
    };
    let (mut low, mut high) = (10, 95);
    while low <= high {
        let quality = u8::midpoint(low, high);
        if difference(quality)? < 0.0 {
            low = quality + 1;
        } else {
            high = quality - 1;
        }
    }
    // A score need not rise with every step of quality.
    for quality in low.saturating_sub(4)..low + 4 {
        difference(quality)?;
    }
    let (_, quality, made) = nearest.context("no quality")?;
    peer.work.quality = quality;
    Ok(made)
}

/// The middle of several times.
pub(crate) fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    let middle = times.len() / 2;
    match times.as_slice() {
        [] => f64::NAN,
        times if times.len() % 2 == 1 => times[middle],
        times => f64::midpoint(times[middle - 1], times[middle]),
    }
}

/// Two threads of ours against one, on all cores.
pub(crate) fn threads(case: &Case, places: &Places, rounds: usize) -> Result<Vec<Row>> {
    let places = Places {
        core: None,
        ..places.clone()
    };
    let mut servers = Servers::from([(Side::Ours, Server::start(Side::Ours, &places)?)]);
    measure(case, &mut servers, rounds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median(vec![9.0, 1.0, 5.0]) - 5.0).abs() < 1e-9);
        assert!((median(vec![9.0, 1.0, 5.0, 6.0]) - 5.5).abs() < 1e-9);
    }

    #[test]
    fn a_thumbnail_of_another_size_or_lying_on_its_side_is_found() {
        assert!(verify_size((4032, 3024), 256, (256, 192)).is_ok());
        assert!(verify_size((4032, 3024), 256, (192, 256)).is_err());
        assert!(verify_size((4032, 3024), 256, (128, 96)).is_err());
        assert!(verify_size((4032, 3024), 256, (257, 192)).is_err());
        assert!(verify_size((100, 50), 256, (100, 50)).is_ok());
    }
}
