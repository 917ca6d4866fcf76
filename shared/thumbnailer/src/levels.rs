//! Every resized plane that an image's thumbnails need, from rows that come once.

use std::ops::ControlFlow;

use crate::cpu::Cpu;
use crate::planes::{Grid, Plane, RowSink, Rows};
use crate::resample::{
    Axis, InterleavedResizer, LEAST_PYRAMID_RATIO, PlaneResizer, Pool, resize_in,
};

/// One axis of a part of a picture, and what it becomes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    /// Where the part begins, as a share of the picture's side; beyond `end` when it is mirrored.
    start: f64,
    /// Where it ends.
    end: f64,
    /// Samples to make of it.
    len: usize,
    /// How many of those the part covers: less than `len` when the last one lies half outside.
    extent: f64,
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

    /// What a target of these spans is when it is a source.
    pub(crate) fn grid(x: Self, y: Self) -> Grid {
        Grid {
            width: x.len,
            height: y.len,
            extent_x: x.extent,
            extent_y: y.extent,
        }
    }

    /// The axis from a source of `len` samples, of which the picture covers `extent`.
    fn axis(self, len: usize, extent: f64) -> Axis {
        Axis {
            source_len: len,
            start: self.start * extent,
            end: self.end * extent,
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

    /// Whether a target of these spans is good enough a source for this one.
    fn can_come_from(self, larger: Self) -> bool {
        let same = |own: f64, other: f64| (own - other).abs() < 1e-9;
        same(self.start, larger.start)
            && same(self.end, larger.end)
            && larger.extent >= LEAST_PYRAMID_RATIO * self.extent
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

/// For each target the index of the smallest other one that is good enough a source for it, or none: then it comes
/// from the rows.
fn parents(requests: &[Request]) -> Vec<Option<usize>> {
    requests
        .iter()
        .map(|own| {
            requests
                .iter()
                .enumerate()
                .filter(|(_, larger)| {
                    own.component == larger.component
                        && own.x.can_come_from(larger.x)
                        && own.y.can_come_from(larger.y)
                })
                .min_by(|(_, left), (_, right)| left.x.extent.total_cmp(&right.x.extent))
                .map(|(index, _)| index)
        })
        .collect()
}

/// The indices of the targets, the largest first: each comes after the one that it is made from.
fn largest_first(requests: &[Request]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..requests.len()).collect();
    let extent = |index: &usize| requests.get(*index).map_or(0.0, |request| request.x.extent);
    order.sort_by(|left, right| extent(right).total_cmp(&extent(left)));
    order
}

/// Makes the targets that come from others, of which those from the rows are in `made`: a plane for each channel.
fn finish(
    pool: &mut Pool,
    cpu: Cpu,
    requests: &[Request],
    parents: &[Option<usize>],
    mut made: Vec<Vec<Plane>>,
) -> Vec<Vec<Plane>> {
    for index in largest_first(requests) {
        let Some(parent) = parents.get(index).copied().flatten() else {
            continue;
        };
        let planes = match (requests.get(index), requests.get(parent), made.get(parent)) {
            (Some(own), Some(larger), Some(planes)) => planes
                .iter()
                .map(|plane| {
                    let (x, y) = (own.x.axis_from(larger.x), own.y.axis_from(larger.y));
                    resize_in(pool, cpu, plane, &x, &y)
                })
                .collect(),
            _ => Vec::new(),
        };
        if let Some(slot) = made.get_mut(index) {
            *slot = planes;
        }
    }
    made
}

/// Takes the rows of planes and makes smaller planes of them: the largest straight from the rows, others from those.
pub(crate) struct Levels {
    cpu: Cpu,
    requests: Vec<Request>,
    parents: Vec<Option<usize>>,
    /// For each request that comes from the rows.
    resizers: Vec<Option<PlaneResizer>>,
}

impl Levels {
    /// `grids` say what rows of each component will come.
    pub(crate) fn new(pool: &mut Pool, cpu: Cpu, grids: &[Grid], requests: &[Request]) -> Self {
        let parents = parents(requests);
        let resizers = requests
            .iter()
            .zip(&parents)
            .map(|(request, parent)| {
                let grid = grids.get(request.component)?;
                parent.is_none().then(|| {
                    let x = request.x.axis(grid.width, grid.extent_x);
                    let y = request.y.axis(grid.height, grid.extent_y);
                    PlaneResizer::new_in(pool, cpu, &x, &y)
                })
            })
            .collect();
        Self {
            cpu,
            requests: requests.to_vec(),
            parents,
            resizers,
        }
    }

    /// The planes, in the order of the requests.
    pub(crate) fn finish(self, pool: &mut Pool) -> Vec<Plane> {
        let made = self
            .resizers
            .into_iter()
            .map(|resizer| {
                resizer
                    .map(|resizer| resizer.finish_in(pool))
                    .into_iter()
                    .collect()
            })
            .collect();
        finish(pool, self.cpu, &self.requests, &self.parents, made)
            .into_iter()
            .map(|mut planes| planes.pop().unwrap_or_default())
            .collect()
    }
}

impl RowSink for Levels {
    fn rows(&mut self, component: usize, rows: Rows<'_>) {
        for (request, resizer) in self.requests.iter().zip(&mut self.resizers) {
            if request.component == component
                && let Some(resizer) = resizer
            {
                resizer.push(rows);
            }
        }
    }
}

/// Takes rows of pixels and makes smaller pictures of them, a plane for each channel.
pub(crate) struct PixelLevels {
    cpu: Cpu,
    requests: Vec<Request>,
    parents: Vec<Option<usize>>,
    resizers: Vec<Option<InterleavedResizer>>,
}

impl PixelLevels {
    /// For rows of `channels` channels, as many and as long as the grid says. `linear_light` is for colours without
    /// alpha.
    pub(crate) fn new(
        pool: &mut Pool,
        cpu: Cpu,
        grid: Grid,
        channels: usize,
        spans: &[(Span, Span)],
        linear_light: bool,
    ) -> Self {
        let requests: Vec<Request> = spans
            .iter()
            .map(|(x, y)| Request {
                component: 0,
                x: *x,
                y: *y,
            })
            .collect();
        let parents = if linear_light {
            // Sums of samples would darken what sums of light have made.
            vec![None; requests.len()]
        } else {
            parents(&requests)
        };
        let resizers = requests
            .iter()
            .zip(&parents)
            .map(|(request, parent)| {
                parent.is_none().then(|| {
                    let x = request.x.axis(grid.width, grid.extent_x);
                    let y = request.y.axis(grid.height, grid.extent_y);
                    if linear_light {
                        InterleavedResizer::linear_in(pool, cpu, channels, &x, &y)
                    } else {
                        InterleavedResizer::new_in(pool, cpu, channels, &x, &y)
                    }
                })
            })
            .collect();
        Self {
            cpu,
            requests,
            parents,
            resizers,
        }
    }

    /// Takes the next row, and says whether another one matters.
    pub(crate) fn push(&mut self, row: &[u8]) -> ControlFlow<()> {
        let mut enough = true;
        for resizer in self.resizers.iter_mut().flatten() {
            resizer.push(row);
            enough &= resizer.done();
        }
        if enough {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// The planes of each request, in their order.
    pub(crate) fn finish(self, pool: &mut Pool) -> Vec<Vec<Plane>> {
        let made = self
            .resizers
            .into_iter()
            .map(|resizer| resizer.map_or_else(Vec::new, |resizer| resizer.finish_in(pool)))
            .collect();
        finish(pool, self.cpu, &self.requests, &self.parents, made)
    }
}
