//! The steps that [`thumbnails`](crate::thumbnails()) is made of, one by one, for benches and for
//! whoever wants to look at what is in between.

use crate::picture::{Canvas, Picture};
use crate::render::Renderer;
use crate::source::{self, Decoded};
use crate::{Header, ImageFormat, Limits, Plan, Size, ThumbnailError, inspect};

/// The first frame of an image, decoded, neither upright nor sRGB yet.
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

/// Checks the header and decodes the first frame.
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
