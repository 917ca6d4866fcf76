//! Thumbnails of a JPEG from its own planes: decoded no larger than they are needed, resized each in its own
//! resolution, and, where a JPEG comes out and no profile has to be applied, never converted to RGB at all.

use std::num::NonZero;

use crate::animation::Target;
use crate::colour::Conversion;
use crate::cpu::Cpu;
use crate::encode;
use crate::fit::Placement;
use crate::jpeg::{self, BlockSide, Colour, JpegError};
use crate::jpeg_encode::{self, HuffmanTables};
use crate::levels::{Levels, Request, Span};
use crate::limits::check;
use crate::orientation::Orientation;
use crate::picture::{Canvas, Layout};
use crate::placeholder::{MAX_SIDE, placeholder};
use crate::planes::{Grid, Plane};
use crate::resample::{LEAST_CHROMA_RATIO, Pool, least_luma_ratio};
use crate::thumbnails::{Made, assemble, slots};
use crate::{
    DecodePath, Fit, Header, ImageFormat, Input, Limits, Plan, Size, ThumbnailError, Thumbnails,
    header, ycc,
};

/// Windows of entropy-coded bytes, look-up tables.
const SCRATCH_BYTES: u64 = 1 << 20;

/// Rows of a component that are in memory at once, those of coefficients counted with: four rows of blocks, and what
/// Lanczos3 reaches over at the largest ratio that it does in one step.
const HELD_ROWS: usize = 256;

/// What is kept between images.
pub(crate) struct Engine {
    cpu: Cpu,
    decoder: jpeg::Decoder,
    pool: Pool,
    encoder: jpeg_encode::Encoder,
}

impl Engine {
    pub(crate) fn new() -> Self {
        let cpu = Cpu::detect();
        Self {
            cpu,
            decoder: jpeg::Decoder::new(cpu),
            pool: Pool::default(),
            encoder: jpeg_encode::Encoder::new(cpu),
        }
    }

    /// `None` when the image is one for the general decoder, which also finds the words for what is wrong with it.
    pub(crate) fn thumbnails(
        &mut self,
        input: &mut dyn Input,
        plan: &Plan,
        limits: &Limits,
        threads: NonZero<usize>,
    ) -> Result<Option<Thumbnails>, ThumbnailError> {
        let file = match jpeg::Header::read(input) {
            Ok(file) => file,
            Err(JpegError::Input(error)) => return Err(error.into()),
            Err(_) => return Ok(None),
        };
        let shown = header::of_jpeg(&file, input.whole(), limits)?;
        let job = Job::new(&file, &shown, plan);
        check(
            "bytes of memory",
            job.memory(input.whole()),
            limits.max_memory_bytes,
        )?;
        let mut levels = Levels::new(&mut self.pool, self.cpu, &job.grids, &job.requests);
        let read = match self
            .decoder
            .decode(input, &file, &job.sides, threads.get(), &mut levels)
        {
            Ok(read) => read,
            Err(JpegError::Input(error)) => return Err(error.into()),
            Err(_) => return Ok(None),
        };
        let planes = levels.finish(&mut self.pool);
        job.finish(self, &planes, plan, read.bytes).map(Some)
    }
}

/// How a thumbnail is put together from resized planes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Picking {
    placement: Placement,
    /// The index of each component's plane at full resolution, or at the resolution that the encoder takes.
    planes: [usize; 4],
    /// Whether those are what the encoder takes.
    coded: bool,
}

/// What is to be done with one JPEG.
struct Job<'a> {
    file: &'a jpeg::Header,
    shown: &'a Header,
    orientation: Orientation,
    colour: Colour,
    conversion: Conversion,
    targets: Vec<(Size, Target)>,
    pickings: Vec<Picking>,
    preview: Picking,
    requests: Vec<Request>,
    sides: Vec<BlockSide>,
    grids: Vec<Grid>,
}

impl<'a> Job<'a> {
    fn new(file: &'a jpeg::Header, shown: &'a Header, plan: &Plan) -> Self {
        let colour = file.colour();
        let layout = match colour {
            Colour::Gray => Layout::Gray,
            Colour::YCbCr | Colour::Rgb => Layout::Rgb,
            Colour::Cmyk | Colour::Ycck => Layout::Cmyk,
        };
        let conversion = Conversion::new(layout, file.icc.as_deref());
        let orientation = Orientation::from_exif(file.exif_orientation);
        let targets = slots(shown, plan, false);
        let mut job = Self {
            file,
            shown,
            orientation,
            colour,
            conversion,
            pickings: Vec::with_capacity(targets.len()),
            preview: Picking {
                placement: Fit::Inside.place(1, 1, Size::square(1), false),
                planes: [0; 4],
                coded: false,
            },
            targets,
            requests: Vec::new(),
            sides: Vec::new(),
            grids: Vec::new(),
        };
        for (_, target) in job.targets.clone() {
            let picking = job.pick(target.placement, target.format);
            job.pickings.push(picking);
        }
        let (width, height) = shown.displayed();
        let small = Fit::Inside.place(width, height, Size::square(MAX_SIDE), false);
        job.preview = job.pick(small, ImageFormat::Png);
        job.sides = sides(file, &job.requests);
        job.grids = grids(file, &job.sides);
        job
    }

    /// Requests the planes of one thumbnail.
    fn pick(&mut self, placement: Placement, format: ImageFormat) -> Picking {
        let coded = format == ImageFormat::Jpeg
            && self.conversion.is_idle()
            && matches!(self.colour, Colour::Gray | Colour::YCbCr);
        let (x, y) = spans(self.file, self.orientation, placement);
        let mut planes = [0; 4];
        for (component, index) in planes
            .iter_mut()
            .enumerate()
            .take(self.file.components.len())
        {
            let halved = coded && component > 0;
            let request = Request {
                component,
                x: if halved { x.halved() } else { x },
                y: if halved { y.halved() } else { y },
            };
            *index = match self.requests.iter().position(|known| *known == request) {
                Some(known) => known,
                None => {
                    self.requests.push(request);
                    self.requests.len() - 1
                }
            };
        }
        Picking {
            placement,
            planes,
            coded,
        }
    }

    fn memory(&self, whole: Option<&[u8]>) -> u64 {
        let largest = self
            .targets
            .iter()
            .map(|(_, target)| {
                u64::from(target.placement.width) * u64::from(target.placement.height)
            })
            .max()
            .unwrap_or(0);
        header::memory(
            decode_bytes(self.file, &self.sides),
            whole.map_or(0, |whole| u64::try_from(whole.len()).unwrap_or(u64::MAX)),
        )
        .saturating_add(largest.saturating_mul(16))
    }

    fn finish(
        self,
        engine: &mut Engine,
        planes: &[Plane],
        plan: &Plan,
        bytes_read: usize,
    ) -> Result<Thumbnails, ThumbnailError> {
        let preview = placeholder(&self.canvas(engine.cpu, planes, &self.preview));
        let mut made: Vec<Made> = Vec::new();
        let mut canvas: Option<(Placement, Canvas)> = None;
        for ((_, target), picking) in self.targets.iter().zip(&self.pickings) {
            if made.iter().any(|done| done.target == *target) {
                continue;
            }
            let bytes = if picking.coded {
                self.coded(engine, planes, picking, plan)
                    .map_err(|reason| {
                        encode::refusal(
                            target.placement.width,
                            target.placement.height,
                            target.format,
                            reason,
                        )
                    })?
            } else {
                let drawn = match canvas.take() {
                    Some((placement, drawn)) if placement == picking.placement => drawn,
                    _ => self.canvas(engine.cpu, planes, picking),
                };
                let bytes = encode::encode(&drawn, target.format, plan)?;
                canvas = Some((picking.placement, drawn));
                bytes
            };
            made.push(Made {
                target: *target,
                frames: 1,
                bytes: bytes.into(),
            });
        }
        let scale = self.sides.first().map(|side| *side as u8);
        let mut thumbnails = assemble(self.shown, self.targets, &made, preview, false);
        thumbnails.source.path = DecodePath::Planes;
        thumbnails.source.scale = scale;
        thumbnails.source.bytes_read = u64::try_from(bytes_read).unwrap_or(u64::MAX);
        Ok(thumbnails)
    }

    /// A JPEG straight from its planes.
    fn coded(
        &self,
        engine: &mut Engine,
        planes: &[Plane],
        picking: &Picking,
        plan: &Plan,
    ) -> Result<Vec<u8>, String> {
        let turned: Vec<Plane>;
        let chosen = |component: usize| planes.get(picking.planes[component]);
        let count = self.file.components.len();
        let parts: Vec<&Plane> = if self.orientation.swaps_axes() {
            turned = (0..count)
                .filter_map(chosen)
                .map(Plane::transposed)
                .collect();
            turned.iter().collect()
        } else {
            (0..count).filter_map(chosen).collect()
        };
        let quality = plan.quality.jpeg;
        match *parts.as_slice() {
            [luma] => engine
                .encoder
                .encode(luma, None, quality, HuffmanTables::Optimised),
            [luma, blue, red] => {
                engine
                    .encoder
                    .encode(luma, Some([blue, red]), quality, HuffmanTables::Optimised)
            }
            _ => Err("it has neither one nor three components".to_owned()),
        }
    }

    /// The thumbnail in sRGB, upright.
    fn canvas(&self, cpu: Cpu, planes: &[Plane], picking: &Picking) -> Canvas {
        let empty = Plane::default();
        let plane = |component: usize| planes.get(picking.planes[component]).unwrap_or(&empty);
        let first = plane(0);
        let samples = match self.colour {
            Colour::Gray => crate::picture::spread_gray(&first.samples),
            Colour::YCbCr | Colour::Rgb => {
                let mut rgb = vec![0; first.samples.len() * 3];
                let [one, two, three] = [0, 1, 2].map(|index| plane(index).samples.as_slice());
                if self.colour == Colour::YCbCr {
                    ycc::to_rgb(cpu, one, two, three, &mut rgb);
                } else {
                    ycc::interleave(cpu, [one, two, three], &mut rgb);
                }
                rgb
            }
            Colour::Cmyk | Colour::Ycck => {
                let mut rgb = vec![0; first.samples.len() * 3];
                let [one, two, three] = [0, 1, 2].map(|index| plane(index).samples.as_slice());
                if self.colour == Colour::Ycck {
                    ycc::to_rgb(cpu, one, two, three, &mut rgb);
                } else {
                    ycc::interleave(cpu, [one, two, three], &mut rgb);
                }
                // What an Adobe file stores is what no ink leaves; the other kind stores ink.
                // YCCK, which only Adobe's marker names, stores the light that is left as luminance and colour.
                let (colours, black) = match (self.colour, self.file.adobe_transform.is_some()) {
                    (Colour::Ycck, _) => (0, 0xff),
                    (_, true) => (0xff, 0xff),
                    (_, false) => (0, 0),
                };
                let mut inks = Vec::with_capacity(first.samples.len() * 4);
                for (pixel, key) in rgb.chunks_exact(3).zip(&plane(3).samples) {
                    inks.extend(pixel.iter().map(|sample| sample ^ colours));
                    inks.push(key ^ black);
                }
                inks
            }
        };
        let canvas = Canvas {
            width: u32::try_from(first.width).unwrap_or(0),
            height: u32::try_from(first.height).unwrap_or(0),
            alpha: false,
            samples: self.conversion.srgb(samples),
        };
        if self.orientation.swaps_axes() {
            canvas.oriented(Orientation::TRANSPOSED)
        } else {
            canvas
        }
    }
}

/// A place in the picture as displayed, on the axes of the picture as stored.
fn spans(file: &jpeg::Header, orientation: Orientation, placement: Placement) -> (Span, Span) {
    let stored = if orientation.swaps_axes() {
        placement.transposed()
    } else {
        placement
    };
    let (mirror_x, mirror_y) = orientation.mirrors();
    (
        Span::centred(
            stored.crop_width,
            f64::from(file.width),
            stored.width,
            mirror_x,
        ),
        Span::centred(
            stored.crop_height,
            f64::from(file.height),
            stored.height,
            mirror_y,
        ),
    )
}

/// The smallest side that each component may be decoded to.
fn sides(file: &jpeg::Header, requests: &[Request]) -> Vec<BlockSide> {
    let enough = |component: usize, side: BlockSide| {
        let grid = file.grid(component, side);
        let chroma = matches!(file.colour(), Colour::YCbCr | Colour::Ycck)
            && (component == 1 || component == 2);
        let least = if chroma {
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
    let placement = Fit::Inside.place(file.width, file.height, Size::square(1024), false);
    let (x, y) = spans(file, Orientation::from_exif(1), placement);
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
