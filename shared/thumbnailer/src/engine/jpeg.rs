//! A JPEG is decoded no larger than its thumbnails need, each plane in its own resolution, and no further than they
//! need.

use crate::jpeg::Colour;
use crate::jpeg::{self, BlockSide, JpegError};
use crate::levels::{Levels, Request};
use crate::limits::check;
use crate::picture::Layout;
use crate::planes::{Gathered, Grid, Plane, RowSink};
use crate::resample::{Axis, LEAST_CHROMA_RATIO, least_luma_ratio, resize_in};
use crate::{
    DecodePath, Fit, Header, Input, Limits, Plan, Size, ThumbnailError, Thumbnails, header, ycc,
};

use super::planes::{Meaning, PlaneJob};
use super::{Engine, PixelRows, spans, target_bytes};

/// Windows of entropy-coded bytes, look-up tables.
const SCRATCH_BYTES: u64 = 1 << 20;

/// What a part of a file has that is read by one of several threads: its bytes, twice the coefficients that a reader holds.
const PART_BYTES: u64 = 3 << 20;

/// Rows of a component that are in memory at once: four rows of blocks with their coefficients, and what the filter
/// reaches over at the largest ratio that it does in one step.
const HELD_ROWS: usize = 256;

impl Engine {
    pub(super) fn jpeg(
        &mut self,
        input: &mut dyn Input,
        plan: &Plan,
        limits: &Limits,
    ) -> Result<Option<Thumbnails>, ThumbnailError> {
        let file = match jpeg::Header::read(input) {
            Ok(file) => file,
            Err(JpegError::Input(error)) => return Err(error.into()),
            Err(_) => return Ok(None),
        };
        let header = header::of_jpeg(&file, input.whole(), limits)?;
        let meaning = Meaning {
            colour: file.colour(),
            inverted: file.adobe_transform.is_some(),
            profile: file.icc.as_deref(),
        };
        let job = PlaneJob::new(&header, &meaning, plan);
        let sides = sides(&file, &job.requests);
        let grids = grids(&file, &sides);
        let linear = plan.linear_light && !matches!(meaning.colour, Colour::Cmyk | Colour::Ycck);
        let whole: usize = if linear {
            // The planes, and the chroma again in the resolution of the luma.
            grids.iter().map(|grid| 3 * grid.width * grid.height).sum()
        } else {
            0
        };
        let held = decode_bytes(&file, &sides)
            .saturating_add(self.parts_bytes(&file))
            .saturating_add(target_bytes(&job.targets))
            .saturating_add(u64::try_from(whole).unwrap_or(u64::MAX));
        let input_bytes = header::length(input.whole());
        check(
            "bytes of memory",
            header::memory(held, input_bytes),
            limits.max_memory_bytes,
        )?;
        let (read, made) = if linear {
            let mut planes = Gathered::new(grids.len());
            let read = self.decode(input, &file, &sides, &mut planes);
            (read, Work::InLight(planes.0))
        } else {
            let mut levels = Levels::new(&mut self.pool, self.cpu, &grids, &job.requests);
            let read = self.decode(input, &file, &sides, &mut levels);
            (read, Work::InPlanes(Box::new(job), levels))
        };
        let read = match read {
            Ok(read) => read,
            Err(JpegError::Input(error)) => return Err(error.into()),
            Err(_) => return Ok(None),
        };
        let mut thumbnails = match made {
            Work::InPlanes(job, levels) => {
                let planes = levels.finish(&mut self.pool);
                job.finish(self, &planes, plan)?
            }
            Work::InLight(planes) => self.in_light(&header, &meaning, &grids, &planes, plan)?,
        };
        thumbnails.source.path = DecodePath::Planes;
        thumbnails.source.scale = sides.first().map(|side| *side as u8);
        thumbnails.source.bytes_read = u64::try_from(read.bytes).unwrap_or(u64::MAX);
        Ok(Some(thumbnails))
    }

    /// What decoding takes more when several threads share it.
    fn parts_bytes(&self, file: &jpeg::Header) -> u64 {
        let threads = self.threads.get().min(jpeg::baseline::MOST_THREADS);
        if threads == 1 || file.progressive {
            return 0;
        }
        (threads + jpeg::baseline::WAITING_PARTS) as u64 * PART_BYTES
    }

    fn decode(
        &mut self,
        input: &mut dyn Input,
        file: &jpeg::Header,
        sides: &[BlockSide],
        sink: &mut dyn RowSink,
    ) -> Result<jpeg::Read, JpegError> {
        self.jpeg
            .decode(input, file, sides, self.threads.get(), sink)
    }

    /// Thumbnails by linear light, which only RGB and gray have: the chroma is brought to the luma's resolution first.
    pub(super) fn in_light(
        &mut self,
        header: &Header,
        meaning: &Meaning<'_>,
        grids: &[Grid],
        planes: &[Plane],
        plan: &Plan,
    ) -> Result<Thumbnails, ThumbnailError> {
        let (Some(grid), Some(luma)) = (grids.first().copied(), planes.first()) else {
            return Err(ThumbnailError::corrupt(header.format, "it has no planes"));
        };
        let full: Vec<Plane> = grids
            .iter()
            .zip(planes)
            .map(|(own, plane)| {
                let axis = |source_len, end, target_len, target_extent| Axis {
                    source_len,
                    start: 0.0,
                    end,
                    target_len,
                    target_extent,
                };
                let x = axis(own.width, own.extent_x, grid.width, grid.extent_x);
                let y = axis(own.height, own.extent_y, grid.height, grid.extent_y);
                resize_in(&mut self.pool, self.cpu, plane, &x, &y)
            })
            .collect();
        let gray = meaning.colour == Colour::Gray;
        let rows = PixelRows {
            layout: if gray { Layout::Gray } else { Layout::Rgb },
            channels: if gray { 1 } else { 3 },
            grid,
            profile: meaning.profile,
        };
        let cpu = self.cpu;
        rows.thumbnails(self, header, plan, |sink| {
            let mut rgb = vec![0; grid.width * 3];
            for y in 0..luma.height {
                let row = |plane: usize| {
                    full.get(plane)
                        .and_then(|plane| plane.samples.get(y * grid.width..(y + 1) * grid.width))
                        .unwrap_or_default()
                };
                let enough = match meaning.colour {
                    Colour::Gray => sink(row(0)),
                    Colour::Rgb => {
                        ycc::interleave(cpu, [row(0), row(1), row(2)], &mut rgb);
                        sink(&rgb)
                    }
                    _ => {
                        ycc::to_rgb(cpu, row(0), row(1), row(2), &mut rgb);
                        sink(&rgb)
                    }
                };
                if enough.is_break() {
                    break;
                }
            }
            Ok(false)
        })
    }
}

/// What becomes of the rows.
enum Work<'a> {
    InPlanes(Box<PlaneJob<'a>>, Levels),
    InLight(Vec<Plane>),
}

/// The smallest side that each component may be decoded to.
fn sides(file: &jpeg::Header, requests: &[Request]) -> Vec<BlockSide> {
    let subsampled = matches!(file.colour(), Colour::YCbCr | Colour::Ycck);
    let enough = |component: usize, side: BlockSide| {
        let grid = file.grid(component, side);
        let least = if subsampled && matches!(component, 1 | 2) {
            LEAST_CHROMA_RATIO
        } else {
            least_luma_ratio(side)
        };
        requests
            .iter()
            .filter(|request| request.component == component)
            .all(|request| {
                request.x.ratio(grid.extent_x) >= least && request.y.ratio(grid.extent_y) >= least
            })
    };
    (0..file.components.len())
        .map(|component| {
            [BlockSide::One, BlockSide::Two, BlockSide::Four]
                .into_iter()
                .find(|side| enough(component, *side))
                .unwrap_or(BlockSide::Eight)
        })
        .collect()
}

fn grids(file: &jpeg::Header, sides: &[BlockSide]) -> Vec<Grid> {
    sides
        .iter()
        .enumerate()
        .map(|(component, side)| file.grid(component, *side))
        .collect()
}

/// Estimated bytes to decode a JPEG for thumbnails of up to 1024 pixels.
pub(crate) fn usual_decode_bytes(file: &jpeg::Header) -> u64 {
    let header = Header {
        format: crate::ImageFormat::Jpeg,
        width: file.width,
        height: file.height,
        orientation: 1,
        alpha: false,
        frames: 1,
        memory_bytes: 0,
    };
    let placement = Fit::Inside.place(file.width, file.height, Size::square(1024), false);
    let (x, y) = spans(&header, placement);
    let requests: Vec<Request> = (0..file.components.len())
        .map(|component| Request { component, x, y })
        .collect();
    decode_bytes(file, &sides(file, &requests))
}

/// Estimated bytes to decode a JPEG at `sides`: windows, tables, and for each component a row of blocks and the rows
/// that the resizers hold; the coefficients of a progressive one.
fn decode_bytes(file: &jpeg::Header, sides: &[BlockSide]) -> u64 {
    let rows: usize = grids(file, sides)
        .iter()
        .map(|grid| grid.width * HELD_ROWS.min(grid.height + 8))
        .sum();
    let coefficients = if file.progressive {
        jpeg::progressive_bytes(file, sides)
    } else {
        0
    };
    SCRATCH_BYTES
        + u64::try_from(rows)
            .unwrap_or(u64::MAX)
            .saturating_add(coefficients)
}
