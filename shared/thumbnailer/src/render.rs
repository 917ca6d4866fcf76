//! A decoded picture to finished thumbnails: resized, converted to sRGB, turned upright, in this
//! order, because each step is cheaper on fewer pixels.

use fast_image_resize::Resizer;

use crate::colour::Conversion;
use crate::fit::Placement;
use crate::orientation::Orientation;
use crate::picture::{Canvas, Layout, Picture};
use crate::{Header, Plan, ThumbnailError};

/// Renders the frames of one source. Owns the resizer's scratch buffers.
pub(crate) struct Renderer {
    layout: Layout,
    conversion: Conversion,
    orientation: Orientation,
    resizer: Resizer,
    linear_light: bool,
    /// How many columns and rows of a decoded picture the image covers, when it was decoded smaller than it is.
    extent: Option<(f64, f64)>,
}

impl Renderer {
    pub(crate) fn new(
        header: &Header,
        layout: Layout,
        profile: Option<&[u8]>,
        plan: &Plan,
    ) -> Self {
        Self {
            layout,
            conversion: Conversion::new(layout, profile),
            orientation: Orientation::from_exif(header.orientation),
            resizer: Resizer::new(),
            linear_light: plan.linear_light,
            extent: None,
        }
    }

    /// For pictures that were decoded smaller than the image is: it covers `x` columns and `y` rows of them, perhaps
    /// fractional.
    pub(crate) fn of_extent(self, x: f64, y: f64) -> Self {
        Self {
            extent: Some((x, y)),
            ..self
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
        let part = match self.extent {
            Some((x, y)) => stored.of_smaller(
                x / f64::from(header.width.max(1)),
                y / f64::from(header.height.max(1)),
            ),
            None => stored,
        };
        let extent = self
            .extent
            .unwrap_or((picture.width.into(), picture.height.into()));
        let samples = crate::resize::resize(&mut self.resizer, picture, part, extent)
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
