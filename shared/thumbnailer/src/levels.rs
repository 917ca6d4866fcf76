//! Every resized plane that an image's thumbnails need, from rows that come once.

use crate::cpu::Cpu;
use crate::planes::{Grid, Plane, RowSink, Rows};
use crate::resample::{Axis, LEAST_PYRAMID_RATIO, PlaneResizer, Pool, resize_in};

/// One axis of a part of a picture, and what it becomes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    /// Where the part begins, as a share of the picture's side; beyond `end` when it is mirrored.
    pub(crate) start: f64,
    /// Where it ends.
    pub(crate) end: f64,
    /// Samples to make of it.
    pub(crate) len: usize,
    /// How many of those the part covers: less than `len` when the last one lies half outside.
    pub(crate) extent: f64,
}

impl Span {
    /// The middle `part` of `whole` pixels as `len` samples.
    pub(crate) fn centred(part: f64, whole: f64, len: u32, mirrored: bool) -> Self {
        let before = ((whole - part) / 2.0).max(0.0);
        let (start, end) = (before / whole, (before + part).min(whole) / whole);
        let (start, end) = if mirrored { (end, start) } else { (start, end) };
        Self {
            start,
            end,
            len: len as usize,
            extent: f64::from(len),
        }
    }

    /// The same part at half the resolution, as a colour plane of 4:2:0 has it.
    pub(crate) fn halved(self) -> Self {
        Self {
            len: self.len.div_ceil(2),
            extent: self.extent / 2.0,
            ..self
        }
    }

    fn axis(self, source_len: usize, source_extent: f64) -> Axis {
        Axis {
            source_len,
            start: self.start * source_extent,
            end: self.end * source_extent,
            target_len: self.len,
            target_extent: self.extent,
        }
    }

    /// The axis from `larger`, a target of the same part, to this one.
    fn axis_from(self, larger: Self) -> Axis {
        Axis {
            source_len: larger.len,
            start: 0.0,
            end: larger.extent,
            target_len: self.len,
            target_extent: self.extent,
        }
    }

    fn same_part(self, other: Self) -> bool {
        (self.start - other.start).abs() < 1e-9 && (self.end - other.end).abs() < 1e-9
    }

    /// How many source samples, of a picture with `source_extent` of them, make one of the target's.
    pub(crate) fn ratio(self, source_extent: f64) -> f64 {
        (self.end - self.start).abs() * source_extent / self.extent
    }
}

/// A plane to make.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Request {
    /// Of which component.
    pub(crate) component: usize,
    pub(crate) x: Span,
    pub(crate) y: Span,
}

impl Request {
    fn can_come_from(&self, larger: &Self) -> bool {
        self.component == larger.component
            && self.x.same_part(larger.x)
            && self.y.same_part(larger.y)
            && larger.x.extent >= LEAST_PYRAMID_RATIO * self.x.extent
            && larger.y.extent >= LEAST_PYRAMID_RATIO * self.y.extent
    }
}

/// Where a requested plane comes from.
enum Origin {
    /// The rows themselves; `None` when it is done.
    Rows(Box<PlaneResizer>),
    /// The plane of the request with this index.
    Level(usize),
}

/// Takes rows and makes planes of them: the largest straight from the rows, a smaller one from the smallest that is
/// still enough larger.
pub(crate) struct Levels {
    cpu: Cpu,
    requests: Vec<Request>,
    origins: Vec<Origin>,
}

impl Levels {
    /// `grids` say what rows of each component will come.
    pub(crate) fn new(pool: &mut Pool, cpu: Cpu, grids: &[Grid], requests: &[Request]) -> Self {
        let origins = requests
            .iter()
            .map(|request| {
                let smallest_larger = requests
                    .iter()
                    .enumerate()
                    .filter(|(_, larger)| request.can_come_from(larger))
                    .min_by(|(_, left), (_, right)| left.x.extent.total_cmp(&right.x.extent));
                match (smallest_larger, grids.get(request.component)) {
                    (None, Some(grid)) => Origin::Rows(Box::new(PlaneResizer::new_in(
                        pool,
                        cpu,
                        &request.x.axis(grid.width, grid.extent_x),
                        &request.y.axis(grid.height, grid.extent_y),
                    ))),
                    (Some((index, _)), _) => Origin::Level(index),
                    (None, None) => Origin::Level(usize::MAX),
                }
            })
            .collect();
        Self {
            cpu,
            requests: requests.to_vec(),
            origins,
        }
    }

    /// The planes, in the order of the requests.
    pub(crate) fn finish(self, pool: &mut Pool) -> Vec<Plane> {
        let mut pending: Vec<(usize, usize)> = Vec::new();
        let mut planes: Vec<Option<Plane>> = Vec::with_capacity(self.origins.len());
        for (index, origin) in self.origins.into_iter().enumerate() {
            match origin {
                Origin::Rows(resizer) => planes.push(Some(resizer.finish_in(pool))),
                Origin::Level(larger) => {
                    pending.push((index, larger));
                    planes.push(None);
                }
            }
        }
        // A larger level is made before those that come from it.
        pending.sort_by(|(left, _), (right, _)| {
            let extent = |index: &usize| self.requests.get(*index).map_or(0.0, |r| r.x.extent);
            extent(right).total_cmp(&extent(left))
        });
        for (index, larger) in pending {
            let made = match (
                self.requests.get(index),
                self.requests.get(larger),
                planes.get(larger).and_then(Option::as_ref),
            ) {
                (Some(request), Some(from), Some(plane)) => Some(resize_in(
                    pool,
                    self.cpu,
                    plane,
                    &request.x.axis_from(from.x),
                    &request.y.axis_from(from.y),
                )),
                _ => None,
            };
            if let Some(slot) = planes.get_mut(index) {
                *slot = made;
            }
        }
        planes.into_iter().map(Option::unwrap_or_default).collect()
    }
}

impl RowSink for Levels {
    fn rows(&mut self, component: usize, rows: Rows<'_>) {
        for (request, origin) in self.requests.iter().zip(&mut self.origins) {
            if let Origin::Rows(resizer) = origin
                && request.component == component
            {
                resizer.push(rows);
            }
        }
    }
}
