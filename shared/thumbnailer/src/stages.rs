//! The steps that [`thumbnails`](crate::thumbnails()) is made of, one by one, for benches and for whoever wants to look
//! at what is in between.

use std::hash::{DefaultHasher, Hasher};
use std::iter;

use crate::cpu::Cpu;
use crate::jpeg::{self, BlockSide};
use crate::jpeg_encode::{Encoder, HuffmanTables};
use crate::levels::{Levels, Request, Span};
use crate::picture::{Canvas, Picture};
use crate::planes::{Gathered, Grid, Plane, RowSink, Rows};
use crate::render::Renderer;
use crate::resample::Pool;
use crate::source::{self, Decoded};
use crate::{Header, ImageFormat, Limits, Plan, Size, ThumbnailError, inspect};

/// The first frame of an image, decoded by the general decoder of its type, neither upright nor sRGB yet.
pub struct Frame {
    header: Header,
    picture: Picture,
    renderer: Renderer,
}

/// A thumbnail that is not encoded yet.
pub struct Pixels(Canvas);

impl Pixels {
    /// How many pixels it has.
    pub fn count(&self) -> u64 {
        u64::from(self.0.width) * u64::from(self.0.height)
    }
}

/// Checks the header and decodes the first frame by the general decoder of its type.
pub fn decode(image: &[u8], limits: &Limits) -> Result<Frame, ThumbnailError> {
    let header = inspect(image, limits)?;
    let Decoded { picture, profile } = source::first_frame(header.format, image, limits)?;
    let picture = picture
        .without_idle_alpha()
        .premultiplied()
        .map_err(|reason| ThumbnailError::corrupt(header.format, reason))?;
    Ok(Frame {
        renderer: Renderer::new(&header, picture.layout, profile.as_deref()),
        header,
        picture,
    })
}

/// Cuts and resizes a frame to a size of the plan, converts it to sRGB and turns it upright.
pub fn resize(frame: &mut Frame, size: Size, plan: &Plan) -> Result<Pixels, ThumbnailError> {
    let (width, height) = frame.header.displayed();
    let placement = plan.fit.place(width, height, size, plan.upscale);
    let canvas = frame
        .renderer
        .render(&frame.header, &mut frame.picture, placement)?;
    Ok(Pixels(canvas))
}

/// Encodes a thumbnail.
pub fn encode(
    pixels: &Pixels,
    format: ImageFormat,
    plan: &Plan,
) -> Result<Vec<u8>, ThumbnailError> {
    crate::encode::encode(&pixels.0, format, plan)
}

/// A JPEG on its way through the scaled decoder, the planar resampler and the encoder.
pub struct Jpeg<'a> {
    image: &'a [u8],
    header: jpeg::Header,
    cpu: Cpu,
    decoder: jpeg::Decoder,
    encoder: Encoder,
    pool: Pool,
}

/// The planes of a JPEG, each in its own resolution.
pub struct Planes {
    planes: Vec<Plane>,
    grids: Vec<Grid>,
}

impl Planes {
    /// How many samples all planes have.
    pub fn count(&self) -> u64 {
        self.planes
            .iter()
            .map(|plane| u64::try_from(plane.samples.len()).unwrap_or(u64::MAX))
            .sum()
    }
}

/// What tells one decoded picture from another without keeping it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// Bytes of the file that were needed.
    pub bytes: u64,
    /// Each component as its rows came.
    pub planes: Vec<PlaneFingerprint>,
    /// The width and height of each component by the header.
    pub announced: Vec<(usize, usize)>,
}

/// One component of a [`Fingerprint`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlaneFingerprint {
    /// Samples in the last row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// A hash of all samples.
    pub hash: u64,
}

impl<'a> Jpeg<'a> {
    /// Reads the header. Fails for what the scaled decoder leaves to the general one.
    pub fn new(image: &'a [u8]) -> Result<Self, ThumbnailError> {
        Self::on(Cpu::detect(), image)
    }

    /// As [`Jpeg::new`], with none of the instructions that only some processors have. All results are the same.
    pub fn portable(image: &'a [u8]) -> Result<Self, ThumbnailError> {
        Self::on(Cpu::Portable, image)
    }

    fn on(cpu: Cpu, image: &'a [u8]) -> Result<Self, ThumbnailError> {
        let header = jpeg::Header::read(&mut &*image).map_err(refusal)?;
        Ok(Self {
            image,
            header,
            cpu,
            decoder: jpeg::Decoder::new(cpu),
            encoder: Encoder::new(cpu),
            pool: Pool::default(),
        })
    }

    /// Decodes every plane to `eighths` (1, 2, 4 or 8) of its resolution on `threads` threads and drops the rows:
    /// entropy decoding, inverse transform and nothing else. Gives the bytes that were needed.
    pub fn skim(&mut self, eighths: u8, threads: usize) -> Result<u64, ThumbnailError> {
        struct Nowhere;
        impl RowSink for Nowhere {
            fn rows(&mut self, _component: usize, rows: Rows<'_>) {
                std::hint::black_box(rows);
            }
        }
        self.run(eighths, threads, &mut Nowhere)
    }

    /// Decodes component i to `eighths[i]` of its resolution, all that are left to the last of them, on `threads`
    /// threads, and gives what tells one result from another.
    pub fn fingerprint(
        &mut self,
        eighths: &[u8],
        threads: usize,
    ) -> Result<Fingerprint, ThumbnailError> {
        struct Hashes(Vec<(PlaneFingerprint, DefaultHasher)>);
        impl RowSink for Hashes {
            fn rows(&mut self, component: usize, rows: Rows<'_>) {
                if let Some((plane, hasher)) = self.0.get_mut(component) {
                    plane.height += rows.count;
                    for row in rows.iter() {
                        plane.width = row.len();
                        hasher.write(row);
                    }
                }
            }
        }
        let last = eighths.last().copied().unwrap_or(8);
        let sides: Vec<BlockSide> = eighths
            .iter()
            .copied()
            .chain(iter::repeat(last))
            .map(side)
            .take(self.header.components.len())
            .collect();
        let mut hashes = Hashes(vec![Default::default(); sides.len()]);
        let bytes = self.decode(&sides, threads, &mut hashes)?;
        let planes = hashes.0.into_iter().map(|(plane, hasher)| {
            let hash = hasher.finish();
            PlaneFingerprint { hash, ..plane }
        });
        let grids = (sides.iter().enumerate()).map(|(component, side)| {
            let grid = self.header.grid(component, *side);
            (grid.width, grid.height)
        });
        Ok(Fingerprint {
            bytes,
            planes: planes.collect(),
            announced: grids.collect(),
        })
    }

    /// Decodes every plane to `eighths` of its resolution.
    pub fn planes(&mut self, eighths: u8) -> Result<Planes, ThumbnailError> {
        let mut gathered = Gathered::new(self.header.components.len());
        self.run(eighths, 1, &mut gathered)?;
        let grids = (0..gathered.0.len())
            .map(|component| self.header.grid(component, side(eighths)))
            .collect();
        Ok(Planes {
            planes: gathered.0,
            grids,
        })
    }

    /// Resizes planes to a luma of `width` by `height` and chroma of half of that.
    pub fn resize(&mut self, planes: &Planes, width: u32, height: u32) -> Planes {
        let requests: Vec<Request> = (0..planes.planes.len())
            .map(|component| {
                let [x, y] = [width, height].map(|length| Span::centred(1.0, 1.0, length, false));
                if component == 0 {
                    Request { component, x, y }
                } else {
                    Request {
                        component,
                        x: x.halved(),
                        y: y.halved(),
                    }
                }
            })
            .collect();
        let mut levels = Levels::new(&mut self.pool, self.cpu, &planes.grids, &requests);
        for (component, plane) in planes.planes.iter().enumerate() {
            levels.rows(component, Rows::of(plane));
        }
        let grids = requests
            .iter()
            .map(|request| Span::grid(request.x, request.y))
            .collect();
        Planes {
            planes: levels.finish(&mut self.pool),
            grids,
        }
    }

    /// Encodes planes as a JPEG, with Huffman tables made for it when `optimised`, else with those of the standard.
    pub fn encode(
        &mut self,
        planes: &Planes,
        quality: u8,
        optimised: bool,
    ) -> Result<Vec<u8>, ThumbnailError> {
        let tables = if optimised {
            HuffmanTables::Optimised
        } else {
            HuffmanTables::Standard
        };
        let (luma, chroma) = match planes.planes.as_slice() {
            [luma] => (luma, None),
            [luma, blue, red] => (luma, Some([blue, red])),
            _ => {
                return Err(ThumbnailError::corrupt(
                    ImageFormat::Jpeg,
                    "it has four components",
                ));
            }
        };
        self.encoder
            .encode(luma, chroma, quality, tables)
            .map_err(|reason| ThumbnailError::corrupt(ImageFormat::Jpeg, reason))
    }

    fn run(
        &mut self,
        eighths: u8,
        threads: usize,
        sink: &mut dyn RowSink,
    ) -> Result<u64, ThumbnailError> {
        let sides = vec![side(eighths); self.header.components.len()];
        self.decode(&sides, threads, sink)
    }

    fn decode(
        &mut self,
        sides: &[BlockSide],
        threads: usize,
        sink: &mut dyn RowSink,
    ) -> Result<u64, ThumbnailError> {
        let read = self
            .decoder
            .decode(&mut &*self.image, &self.header, sides, threads, sink)
            .map_err(refusal)?;
        Ok(u64::try_from(read.bytes).unwrap_or(u64::MAX))
    }
}

/// Blocks of coefficients like those of a photograph, and what they become.
pub struct Blocks {
    cpu: Cpu,
    side: BlockSide,
    count: usize,
    coefficients: Vec<i16>,
    last: Vec<u8>,
    samples: Vec<u8>,
}

impl Blocks {
    /// `count` blocks in a row, each to become `eighths` by `eighths` samples (1, 2, 4 or 8).
    pub fn new(count: usize, eighths: u8) -> Self {
        let side = side(eighths);
        let samples = side.samples() * side.samples();
        // Any noise will do that falls off towards the high frequencies.
        let mut state = 1_u32;
        let coefficients = (0..count * samples)
            .map(|index| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = i16::from(state.to_be_bytes()[0].cast_signed());
                let at = index % samples;
                let frequency = at % side.samples() + at / side.samples();
                noise >> frequency.min(8)
            })
            .collect();
        Self {
            cpu: Cpu::detect(),
            side,
            count,
            coefficients,
            last: vec![u8::try_from(side.last_index()).unwrap_or(63); count],
            samples: vec![0; count * samples],
        }
    }

    /// Samples that come out.
    pub fn samples(&self) -> u64 {
        u64::try_from(self.samples.len()).unwrap_or(u64::MAX)
    }

    /// Dequantises and transforms every block.
    pub fn inverse(&mut self) {
        jpeg::inverse::inverse(
            self.cpu,
            self.side,
            &self.coefficients,
            &self.last,
            &[3; 64],
            &mut self.samples,
            self.count * self.side.samples(),
        );
    }
}

fn side(eighths: u8) -> BlockSide {
    match eighths {
        0 | 1 => BlockSide::One,
        2 => BlockSide::Two,
        3 | 4 => BlockSide::Four,
        _ => BlockSide::Eight,
    }
}

fn refusal(error: jpeg::JpegError) -> ThumbnailError {
    ThumbnailError::corrupt(ImageFormat::Jpeg, error)
}
