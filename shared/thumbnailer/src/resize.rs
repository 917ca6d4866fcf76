//! Lanczos3 by `fast_image_resize`, every thumbnail from the full-size picture.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{MulDiv, PixelType, ResizeOptions, Resizer};

use crate::fit::Placement;
use crate::picture::{Layout, Picture};

impl Layout {
    fn pixel_type(self) -> PixelType {
        match self {
            Self::Gray => PixelType::U8,
            Self::GrayAlpha => PixelType::U8x2,
            Self::Rgb => PixelType::U8x3,
            Self::Rgba | Self::Cmyk => PixelType::U8x4,
        }
    }
}

impl Picture {
    /// Multiplies colours by alpha, in place and once for all thumbnails, so that what hides
    /// behind transparent pixels does not bleed into their neighbours.
    pub(crate) fn premultiplied(mut self) -> Result<Self, String> {
        if self.layout.has_alpha() {
            let mut view = Image::from_slice_u8(
                self.width,
                self.height,
                &mut self.samples,
                self.layout.pixel_type(),
            )
            .map_err(|error| error.to_string())?;
            MulDiv::new()
                .multiply_alpha_inplace(&mut view)
                .map_err(|error| error.to_string())?;
        }
        Ok(self)
    }
}

/// Cuts and scales a premultiplied picture as `placement` (in stored orientation) says. Gives the
/// samples of the picture's layout, no longer premultiplied.
pub(crate) fn resize(
    resizer: &mut Resizer,
    picture: &Picture,
    placement: Placement,
) -> Result<Vec<u8>, String> {
    let pixel_type = picture.layout.pixel_type();
    let source = ImageRef::new(picture.width, picture.height, &picture.samples, pixel_type)
        .map_err(|error| error.to_string())?;
    let mut target = Image::new(placement.width, placement.height, pixel_type);
    let left = (f64::from(picture.width) - placement.crop_width) / 2.0;
    let top = (f64::from(picture.height) - placement.crop_height) / 2.0;
    let options = ResizeOptions::new()
        .crop(
            left.max(0.0),
            top.max(0.0),
            placement.crop_width,
            placement.crop_height,
        )
        .use_alpha(false);
    resizer
        .resize(&source, &mut target, &options)
        .map_err(|error| error.to_string())?;
    if picture.layout.has_alpha() {
        MulDiv::new()
            .divide_alpha_inplace(&mut target)
            .map_err(|error| error.to_string())?;
    }
    Ok(target.into_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fit, Size};

    #[test]
    fn a_hidden_colour_does_not_bleed() {
        // Left half transparent red, right half opaque blue.
        let samples = [
            [255, 0, 0, 0],
            [255, 0, 0, 0],
            [0, 0, 255, 255],
            [0, 0, 255, 255],
        ];
        let picture = Picture {
            width: 4,
            height: 1,
            layout: Layout::Rgba,
            samples: samples.concat(),
        };
        let placement = Fit::Inside.place(4, 1, Size::square(2), false);
        let picture = picture.premultiplied().unwrap();
        let resized = resize(&mut Resizer::new(), &picture, placement).unwrap();
        for pixel in resized.chunks_exact(4) {
            assert_eq!(pixel[0], 0, "{resized:?}");
        }
    }

    #[test]
    fn a_flat_picture_stays_flat() {
        let picture = Picture {
            width: 40,
            height: 30,
            layout: Layout::Rgb,
            samples: [10, 20, 30].repeat(40 * 30),
        };
        let placement = Fit::Cover.place(40, 30, Size::square(7), false);
        let resized = resize(&mut Resizer::new(), &picture, placement).unwrap();
        assert_eq!(resized, [10, 20, 30].repeat(49));
    }
}
