use std::fmt;
use std::num::NonZero;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::animation::{Target, animate};
use crate::encode::encode;
use crate::engine::{Engine, PixelRows};
use crate::fit::Placement;
use crate::header::{SNIFFED_BYTES, inspect_whole, length};
use crate::limits::check;
use crate::picture::{Canvas, Layout, Picture};
use crate::placeholder::{MAX_SIDE, placeholder};
use crate::render::Renderer;
use crate::sniff::sniff;
use crate::source::{self, Decoded, guarded};
use crate::{Fit, Header, ImageFormat, Input, Limits, Plan, Size, ThumbnailError};

/// Every thumbnail of an image, and what is known of the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Thumbnails {
    /// The image itself.
    pub source: Source,
    /// One for each size and format of the plan, sizes in the plan's order.
    pub images: Vec<Thumbnail>,
    /// The ThumbHash of the image, in standard base64: about 30 bytes that a page shows as a
    /// blurred preview until the thumbnail has come.
    pub placeholder: String,
}

/// The image that thumbnails were made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Its type, by its first bytes.
    pub format: ImageFormat,
    /// Width in pixels as displayed, the orientation applied.
    pub width: u32,
    /// Height in pixels as displayed, the orientation applied.
    pub height: u32,
    /// EXIF orientation as stored, 1 to 8.
    pub orientation: u8,
    /// Whether a pixel of the first frame is transparent.
    pub alpha: bool,
    /// Whether it has more frames than one.
    pub animated: bool,
    /// Frames, 1 for a still image.
    pub frames: u32,
    /// How its pixels were had.
    pub path: DecodePath,
    /// Eighths of its width and height at which a JPEG was decoded: 1, 2, 4 or 8. `None` for other types, and for
    /// a JPEG that took the general path.
    pub scale: Option<u8>,
    /// How many of its bytes, from its start, were needed.
    pub bytes_read: u64,
}

/// How the pixels of an image were had, the cheapest first. In lower case in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DecodePath {
    /// The scaled JPEG decoder: as little of the coefficients as the largest thumbnail needs, each plane in its own
    /// resolution.
    Planes,
    /// Rows were resized as they came; no whole picture was ever in memory.
    Rows,
    /// The format's library gave a smaller picture than the file has.
    Scaled,
    /// Decoded whole, then resized.
    General,
}

impl fmt::Display for DecodePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Planes => "planes",
            Self::Rows => "rows",
            Self::Scaled => "scaled",
            Self::General => "general",
        })
    }
}

/// One thumbnail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Thumbnail {
    /// The size of the plan that it was made for.
    pub size: Size,
    /// The type it is in.
    pub format: ImageFormat,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// Its frames, 1 for a still one.
    pub frames: u32,
    /// The encoded file. Thumbnails that came out equal share it.
    #[serde(skip)]
    pub bytes: Bytes,
}

/// Makes every thumbnail in `plan` from one encoded image, from one decode.
///
/// Pure: no clock, no network, no file, no environment; the same bytes and plan give the same
/// thumbnails. Works on the calling thread for up to seconds.
///
/// # Errors
///
/// Refuses what [`inspect`](crate::inspect) refuses, an image that turns out corrupt, and a thumbnail too large
/// for its format or for the memory limit.
pub fn thumbnails(
    mut image: &[u8],
    plan: &Plan,
    limits: &Limits,
) -> Result<Thumbnails, ThumbnailError> {
    Thumbnailer::new().thumbnails(&mut image, plan, limits)
}

/// Makes thumbnails of one image after another and keeps its buffers in between. One for each thread that works.
pub struct Thumbnailer(Engine);

impl Default for Thumbnailer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Thumbnailer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Thumbnailer")
            .field("threads", &self.0.threads)
            .finish_non_exhaustive()
    }
}

impl Thumbnailer {
    /// One that works on the calling thread alone.
    pub fn new() -> Self {
        Self(Engine::new(NonZero::<usize>::MIN))
    }

    /// How many threads may work on one image. Takes effect where one image can be split: a JPEG that is all there.
    /// The thumbnails are the same.
    #[must_use]
    pub fn threads(mut self, threads: NonZero<usize>) -> Self {
        self.0.threads = threads;
        self
    }

    /// [`thumbnails`](crate::thumbnails()) of an image that may still be arriving.
    ///
    /// # Errors
    ///
    /// As there, and [`ThumbnailError::Input`].
    pub fn thumbnails(
        &mut self,
        input: &mut dyn Input,
        plan: &Plan,
        limits: &Limits,
    ) -> Result<Thumbnails, ThumbnailError> {
        let format = sniff(input.from(0, SNIFFED_BYTES)?)?;
        // Decoders own what they work on, but the engine keeps buffers: after a panic they are made anew.
        let engine = &mut self.0;
        let made = guarded(format, || engine.thumbnails(format, input, plan, limits));
        if let Err(ThumbnailError::Panicked { .. }) = made {
            self.0 = Engine::new(self.0.threads);
        }
        if let Some(mut made) = made? {
            if made.source.bytes_read == 0 {
                made.source.bytes_read = length(Some(input.from(0, usize::MAX)?));
            }
            return Ok(made);
        }
        let mut made = general(&mut self.0, input.from(0, usize::MAX)?, plan, limits)?;
        made.source.bytes_read = length(Some(input.from(0, usize::MAX)?));
        Ok(made)
    }
}

/// Thumbnails from a picture that was decoded whole.
fn general(
    engine: &mut Engine,
    image: &[u8],
    plan: &Plan,
    limits: &Limits,
) -> Result<Thumbnails, ThumbnailError> {
    let header = inspect_whole(image, limits)?;
    check(
        "bytes of memory",
        memory(&header, plan),
        limits.max_memory_bytes,
    )?;
    let Decoded { picture, profile } = source::first_frame(header.format, image, limits)?;
    let picture = picture.without_idle_alpha();
    let alpha = picture.layout.has_alpha();
    let picture = picture
        .premultiplied()
        .map_err(|reason| ThumbnailError::corrupt(header.format, reason))?;

    if plan.linear_light
        && header.frames == 1
        && matches!(picture.layout, Layout::Gray | Layout::Rgb)
    {
        return PixelRows::of_picture(engine, &header, &picture, profile.as_deref(), plan);
    }

    let slots = slots(&header, plan, alpha);
    let mut still = Still {
        renderer: Renderer::new(&header, picture.layout, profile.as_deref()),
        header: &header,
        plan,
        picture,
        canvas: None,
    };
    let placeholder = still.placeholder()?;

    let animates = plan.animation && header.frames > 1;
    let mut made: Vec<Made> = Vec::new();
    let mut moving: Vec<Target> = Vec::new();
    for (_, target) in &slots {
        if animates && target.format.can_animate() {
            if !moving.contains(target) {
                moving.push(*target);
            }
        } else if !made.iter().any(|made| made.target == *target) {
            made.push(Made {
                target: *target,
                frames: 1,
                bytes: still.make(*target)?.into(),
            });
        }
    }
    // The first frame is done with; the animation needs its memory.
    drop(still);
    if !moving.is_empty() {
        let pixels = u64::from(header.width) * u64::from(header.height);
        let animated_pixels = pixels.saturating_mul(header.frames.into());
        check(
            "animated pixels",
            animated_pixels,
            limits.max_animated_pixels(),
        )?;
        if let Some(animation) = source::animation(header.format, image, limits)? {
            let animated = animate(&header, animation, &moving, plan)?;
            for (target, animated) in moving.into_iter().zip(animated) {
                made.push(Made {
                    target,
                    frames: animated.frames,
                    bytes: animated.bytes.into(),
                });
            }
        }
    }

    Ok(assemble(&header, slots, &made, placeholder, alpha))
}

/// A thumbnail that is made.
pub(crate) struct Made {
    pub(crate) target: Target,
    pub(crate) frames: u32,
    pub(crate) bytes: Bytes,
}

/// The thumbnails of every slot; says that the image took the general path.
pub(crate) fn assemble(
    header: &Header,
    slots: Vec<(Size, Target)>,
    made: &[Made],
    placeholder: String,
    alpha: bool,
) -> Thumbnails {
    let images = slots
        .into_iter()
        .filter_map(|(size, target)| {
            let made = made.iter().find(|made| made.target == target)?;
            Some(Thumbnail {
                size,
                format: target.format,
                width: target.placement.width,
                height: target.placement.height,
                frames: made.frames,
                bytes: made.bytes.clone(),
            })
        })
        .collect();
    let (width, height) = header.displayed();
    Thumbnails {
        source: Source {
            format: header.format,
            width,
            height,
            orientation: header.orientation,
            alpha,
            animated: header.frames > 1,
            frames: header.frames,
            path: DecodePath::General,
            scale: None,
            bytes_read: 0,
        },
        images,
        placeholder,
    }
}

/// Each size and format that the plan asks for, without repetitions, formats of one size together.
pub(crate) fn slots(header: &Header, plan: &Plan, alpha: bool) -> Vec<(Size, Target)> {
    let (width, height) = header.displayed();
    let mut slots = Vec::new();
    for size in &plan.sizes {
        let placement = plan.fit.place(width, height, *size, plan.upscale);
        for format in &plan.formats {
            let format = format.resolve(header.format, alpha);
            let slot = (*size, Target { placement, format });
            if !slots.contains(&slot) {
                slots.push(slot);
            }
        }
    }
    slots
}

/// The header's estimate, raised by what thumbnails larger than usual take: for each pixel of the
/// largest, the resized samples, the sRGB ones, the upright ones, and the encoder's own copy.
pub(crate) fn memory(header: &Header, plan: &Plan) -> u64 {
    let (width, height) = header.displayed();
    let largest = plan
        .sizes
        .iter()
        .map(|size| plan.fit.place(width, height, *size, plan.upscale))
        .map(|placement| u64::from(placement.width) * u64::from(placement.height))
        .max()
        .unwrap_or(0);
    header
        .memory_bytes
        .saturating_add(largest.saturating_mul(16))
}

/// Makes the still thumbnails of a decoded picture.
struct Still<'a> {
    header: &'a Header,
    plan: &'a Plan,
    picture: Picture,
    renderer: Renderer,
    /// The last canvas, for the next format of the same size.
    canvas: Option<(Placement, Canvas)>,
}

impl Still<'_> {
    fn make(&mut self, target: Target) -> Result<Vec<u8>, ThumbnailError> {
        let canvas = match self.canvas.take() {
            Some((placement, canvas)) if placement == target.placement => canvas,
            _ => self
                .renderer
                .render(self.header, &mut self.picture, target.placement)?,
        };
        let encoded = encode(&canvas, target.format, self.plan);
        self.canvas = Some((target.placement, canvas));
        encoded
    }

    fn placeholder(&mut self) -> Result<String, ThumbnailError> {
        let (width, height) = self.header.displayed();
        let placement = Fit::Inside.place(width, height, Size::square(MAX_SIDE), false);
        let canvas = self
            .renderer
            .render(self.header, &mut self.picture, placement)?;
        Ok(placeholder(&canvas))
    }
}
