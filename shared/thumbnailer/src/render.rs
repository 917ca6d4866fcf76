//! A decoded picture to finished thumbnails: resized, converted to sRGB, turned upright, in this
//! order, because each step is cheaper on fewer pixels.

use fast_image_resize::Resizer;

use crate::colour::Conversion;
use crate::fit::Placement;
use crate::orientation::Orientation;
use crate::picture::{Canvas, Layout, Picture};
use crate::{Header, ThumbnailError};

/// Renders the frames of one source. Owns the resizer's scratch buffers.
pub(crate) struct Renderer {
    layout: Layout,
    conversion: Conversion,
    orientation: Orientation,
    resizer: Resizer,
}

impl Renderer {
    pub(crate) fn new(header: &Header, layout: Layout, profile: Option<&[u8]>) -> Self {
        Self {
            layout,
            conversion: Conversion::new(layout, profile),
            orientation: Orientation::from_exif(header.orientation),
            resizer: Resizer::new(),
        }
    }

    /// Renders a premultiplied picture at a place in displayed orientation.
    pub(crate) fn render(
        &mut self,
        header: &Header,
        picture: &mut Picture,
        placement: Placement,
    ) -> Result<Canvas, ThumbnailError> {
        let stored = if self.orientation.swaps_axes() {
            placement.transposed()
        } else {
            placement
        };
        let samples = crate::resize::resize(&mut self.resizer, picture, stored)
            .map_err(|reason| ThumbnailError::corrupt(header.format, reason))?;
        let canvas = Canvas {
            width: stored.width,
            height: stored.height,
            alpha: self.layout.has_alpha(),
            samples: self.conversion.srgb(samples),
        };
        Ok(canvas.oriented(self.orientation))
    }
}
