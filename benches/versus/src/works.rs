//! What is measured: the works, who does each in which way, and the goal of each.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail};

use crate::photos::{LARGE_MEGAPIXELS, Photos};
use crate::protocol::{Format, Way, Work};
use crate::server::Side;
use crate::subject::Subject;

/// The sizes of a set.
const SET: [u32; 4] = [128, 256, 512, 1024];

/// A kind of work, as `--works` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Baseline,
    Set,
    Progressive,
    Png,
    Webp,
    Avif,
    Memory,
    Threads,
}

impl Kind {
    /// In the order in which they are measured.
    pub(crate) const ALL: [Self; 8] = [
        Self::Baseline,
        Self::Set,
        Self::Progressive,
        Self::Png,
        Self::Webp,
        Self::Avif,
        Self::Memory,
        Self::Threads,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Baseline => "baseline",
            Self::Set => "set",
            Self::Progressive => "progressive",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Avif => "avif",
            Self::Memory => "memory",
            Self::Threads => "threads",
        })
    }
}

impl FromStr for Kind {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match Self::ALL.into_iter().find(|kind| kind.to_string() == text) {
            Some(kind) => Ok(kind),
            None => bail!("no work is called {text:?}"),
        }
    }
}

/// One photo, one work, ours and everybody else who does it.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) kind: Kind,
    pub(crate) subject: Subject,
    /// What it is called in the results.
    pub(crate) work: String,
    /// What is asked of ours.
    pub(crate) ours: Work,
    pub(crate) peers: Vec<Peer>,
}

/// Who else does the work of a case.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// What it is called in the results.
    pub(crate) name: String,
    pub(crate) side: Side,
    pub(crate) work: Work,
    /// The ratio of times that is wanted against it; for memory, the MB over the file that ours must stay below.
    pub(crate) goal: Option<f64>,
}

impl Case {
    /// A case in which every peer does the same as ours, each by its default way.
    fn new(kind: Kind, subject: &Subject, work: String, sizes: &[u32], sharp: Option<f64>) -> Self {
        let ours = Work {
            sizes: sizes.to_vec(),
            format: Format::Jpeg,
            quality: 80,
            way: Way::Default,
            profile: subject.facts.profile,
            threads: 1,
            answer: false,
        };
        let peers = Side::PEERS
            .into_iter()
            .map(|side| Peer {
                name: side.name().to_owned(),
                side,
                work: ours.clone(),
                goal: sharp.filter(|_| side == Side::Sharp),
            })
            .collect();
        Self {
            kind,
            subject: subject.clone(),
            work,
            ours,
            peers,
        }
    }

    /// Another way of sharp's, after sharp's default.
    fn sharp(mut self, name: &str, way: Way, goal: Option<f64>) -> Self {
        let work = Work {
            way,
            ..self.ours.clone()
        };
        let peer = Peer {
            name: format!("sharp, {name}"),
            side: Side::Sharp,
            work,
            goal,
        };
        let after = self.peers.iter().rposition(|peer| peer.side == Side::Sharp);
        self.peers.insert(after.map_or(0, |at| at + 1), peer);
        self
    }
}

/// Every case of the chosen kinds. What a variant cannot be made for is left out, with a line that says why.
pub(crate) fn cases(photos: &Photos, kinds: &[Kind]) -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in kinds {
        let found = match kind {
            Kind::Baseline => baseline(photos),
            Kind::Set => Ok(set(photos)),
            Kind::Progressive => progressive(photos),
            Kind::Png => other(photos, *kind, image::ImageFormat::Png, 1.3),
            Kind::Webp => other(photos, *kind, image::ImageFormat::WebP, 1.2),
            Kind::Avif => avif(photos),
            Kind::Memory => memory(photos),
            Kind::Threads => Ok(threads(photos)),
        };
        match found {
            Ok(found) if found.is_empty() => eprintln!("{kind}: no photo for it"),
            Ok(found) => cases.extend(found),
            Err(error) => eprintln!("{kind}: left out, {error:#}"),
        }
    }
    cases
}

fn large(subject: &Subject) -> bool {
    subject.facts.megapixels() >= LARGE_MEGAPIXELS
}

fn baseline(photos: &Photos) -> Result<Vec<Case>> {
    let mut subjects: Vec<_> = photos
        .given
        .iter()
        .filter(|it| it.facts.baseline())
        .cloned()
        .collect();
    if let Some(plain) = photos.plain_near(12.2) {
        subjects.push(photos.tiled(plain, 2, 1)?);
    }
    let mut cases = Vec::new();
    for subject in &subjects {
        let sizes: &[_] = if large(subject) {
            &[(256, 3.0), (512, 2.3), (1024, 2.0)]
        } else {
            &[(256, 0.0), (720, 1.8)]
        };
        for (side, goal) in sizes {
            if subject.facts.stored_width.max(subject.facts.stored_height) <= *side {
                continue;
            }
            let goal = Some(*goal).filter(|goal| *goal > 0.0);
            let work = format!("{} baseline -> {side} px", subject.size());
            let full = (*side == 720).then_some(2.5);
            cases.push(
                Case::new(Kind::Baseline, subject, work, &[*side], goal)
                    .sharp("fastShrinkOnLoad off", Way::FullDecode, full)
                    .sharp("standard tables", Way::StandardTables, None),
            );
        }
    }
    // Works of the same name together, the order of their photos kept.
    let megapixels = |case: &Case| case.subject.facts.megapixels().round() as u64;
    cases.sort_by_key(|case| (case.ours.sizes.clone(), megapixels(case)));
    Ok(cases)
}

fn set(photos: &Photos) -> Vec<Case> {
    let subjects = photos
        .given
        .iter()
        .filter(|it| it.facts.baseline())
        .filter(|it| large(it));
    subjects
        .map(|subject| {
            let work = format!("{} baseline -> {{128, 256, 512, 1024}} px", subject.size());
            let mut case = Case::new(Kind::Set, subject, work, &SET, Some(5.0)).sharp(
                "cascade from 1024",
                Way::Cascade,
                Some(2.0),
            );
            for peer in &mut case.peers {
                if peer.side == Side::Sharp && peer.work.way == Way::Default {
                    "sharp, four calls".clone_into(&mut peer.name);
                }
            }
            case
        })
        .collect()
}

fn progressive(photos: &Photos) -> Result<Vec<Case>> {
    let is_progressive = |it: &&Subject| it.facts.progressive;
    let mut subjects: Vec<_> = photos
        .given
        .iter()
        .filter(is_progressive)
        .filter(|it| large(it))
        .cloned()
        .collect();
    for (megapixels, least) in [(12.2, LARGE_MEGAPIXELS), (24.0, 18.0)] {
        let there = |it: &Subject| (it.facts.megapixels() / megapixels - 1.0).abs() < 0.2;
        if !subjects.iter().any(there)
            && let Some(plain) = photos.plain_near(megapixels)
            && plain.facts.megapixels() >= least
        {
            subjects.push(photos.progressive(plain)?);
        }
    }
    Ok(subjects
        .iter()
        .map(|subject| {
            let goal = if subject.facts.megapixels() < 18.0 {
                50.0
            } else {
                60.0
            };
            let work = format!("{} progressive -> 256 px", subject.size());
            Case::new(Kind::Progressive, subject, work, &[256], Some(goal))
        })
        .collect())
}

fn other(photos: &Photos, kind: Kind, format: image::ImageFormat, goal: f64) -> Result<Vec<Case>> {
    let of_format = |it: &&Subject| it.facts.format == format;
    let mut subjects: Vec<_> = photos
        .given
        .iter()
        .filter(of_format)
        .filter(|it| large(it))
        .cloned()
        .collect();
    if subjects.is_empty()
        && let Some(plain) = photos.plain_near(12.2)
    {
        subjects.push(match kind {
            Kind::Png => photos.png(plain)?,
            _ => photos.webp(plain)?,
        });
    }
    let name = if kind == Kind::Png { "PNG" } else { "WebP" };
    Ok(subjects
        .iter()
        .map(|subject| {
            let work = format!("{} {name} -> 256 px", subject.size());
            Case::new(kind, subject, work, &[256], Some(goal))
        })
        .collect())
}

fn avif(photos: &Photos) -> Result<Vec<Case>> {
    let Some(plain) = photos.plain_near(12.2) else {
        return Ok(Vec::new());
    };
    let mut cases = Vec::new();
    for side in [256, 512] {
        let thumbnail = photos.thumbnail(plain, side)?;
        let work = format!("AVIF encode {side} px");
        let mut case = Case::new(Kind::Avif, &thumbnail, work, &[side], None);
        case.peers.clear();
        case.ours.format = Format::Avif;
        case.ours.quality = 60;
        cases.push(
            case.sharp("effort 0 (libaom)", Way::Default, Some(1.0))
                .sharp("effort 0 (libaom), 4:2:0", Way::HalfChroma, None),
        );
    }
    Ok(cases)
}

fn memory(photos: &Photos) -> Result<Vec<Case>> {
    let Some(plain) = photos.plain_near(12.2) else {
        return Ok(Vec::new());
    };
    let baseline = photos.hundred_megapixels(plain)?;
    let progressive = photos.progressive(&baseline)?;
    Ok([("baseline", baseline), ("progressive", progressive)]
        .into_iter()
        .map(|(what, subject)| {
            let work = format!("peak memory, {} {what} -> 256 px", subject.size());
            Case::new(Kind::Memory, &subject, work, &[256], Some(12.0))
        })
        .collect())
}

fn threads(photos: &Photos) -> Vec<Case> {
    let Some(subject) = photos.plain_near(12.2).filter(|it| !it.facts.restarts) else {
        return Vec::new();
    };
    let work = format!(
        "{} baseline without restart markers, 2 threads -> 256 px",
        subject.size()
    );
    let mut case = Case::new(Kind::Threads, subject, work, &[256], None);
    case.peers = vec![Peer {
        name: "ours, 1 thread".to_owned(),
        side: Side::Ours,
        work: case.ours.clone(),
        goal: Some(1.6),
    }];
    case.ours.threads = 2;
    vec![case]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back_from_its_name() {
        for kind in Kind::ALL {
            assert_eq!(kind.to_string().parse::<Kind>().expect("its name"), kind);
        }
        assert!("everything".parse::<Kind>().is_err());
    }
}
