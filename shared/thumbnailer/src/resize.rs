//! Lanczos3 by `fast_image_resize`, every thumbnail from the full-size picture.

use fast_image_resize::images::TypedImage;
use fast_image_resize::pixels::{U8x3, U8x4};
use fast_image_resize::{MulDiv, PixelTrait, ResizeOptions, Resizer};

use crate::fit::Placement;
use crate::picture::Picture;

// Each kernel of the library is compiled thirty times for each type of pixel and each type of
// image that a call can reach: so two types of pixel, named, and one type of image. The calls that
// find the type out themselves reach thirteen, which is four megabytes and two minutes.

impl Picture {
    /// Multiplies colours by alpha, in place and once for all thumbnails, so that what hides
    /// behind transparent pixels does not bleed into their neighbours.
    pub(crate) fn premultiplied(mut self) -> Result<Self, String> {
        if self.layout.has_alpha() {
            let mut image =
                TypedImage::<U8x4>::from_buffer(self.width, self.height, &mut self.samples)
                    .map_err(|error| error.to_string())?;
            MulDiv::new()
                .multiply_alpha_inplace_typed(&mut image)
                .map_err(|error| error.to_string())?;
        }
        Ok(self)
    }
}

/// Cuts and scales a premultiplied picture as `placement` (in stored orientation) says. Gives the
/// samples of the picture's layout, no longer premultiplied.
pub(crate) fn resize(
    resizer: &mut Resizer,
    picture: &mut Picture,
    placement: Placement,
) -> Result<Vec<u8>, String> {
    if picture.layout.channels() == 3 {
        return convolve::<U8x3>(resizer, picture, placement);
    }
    let mut samples = convolve::<U8x4>(resizer, picture, placement)?;
    if picture.layout.has_alpha() {
        unpremultiply(&mut samples, placement.width, placement.height)?;
    }
    Ok(samples)
}

/// Divides the colours of RGBA pixels by their alpha.
pub(crate) fn unpremultiply(samples: &mut [u8], width: u32, height: u32) -> Result<(), String> {
    let mut image = TypedImage::<U8x4>::from_buffer(width, height, samples)
        .map_err(|error| error.to_string())?;
    MulDiv::new()
        .divide_alpha_inplace_typed(&mut image)
        .map_err(|error| error.to_string())
}

fn convolve<P: PixelTrait>(
    resizer: &mut Resizer,
    picture: &mut Picture,
    placement: Placement,
) -> Result<Vec<u8>, String> {
    let (width, height) = (placement.width as usize, placement.height as usize);
    let mut samples = vec![0; width * height * picture.layout.channels()];
    // Only read; mutable because the targets are, and one type of image is compiled.
    let source = TypedImage::<P>::from_buffer(picture.width, picture.height, &mut picture.samples)
        .map_err(|error| error.to_string())?;
    let mut target = TypedImage::<P>::from_buffer(placement.width, placement.height, &mut samples)
        .map_err(|error| error.to_string())?;
    let left = (f64::from(picture.width) - placement.crop_width) / 2.0;
    let top = (f64::from(picture.height) - placement.crop_height) / 2.0;
    let options = ResizeOptions::new()
        .crop(
            left.max(0.0),
            top.max(0.0),
            placement.crop_width,
            placement.crop_height,
        )
        // The picture is premultiplied already.
        .use_alpha(false);
    resizer
        .resize_typed(&source, &mut target, &options)
        .map_err(|error| error.to_string())?;
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Layout;
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
        let mut picture = picture.premultiplied().unwrap();
        let resized = resize(&mut Resizer::new(), &mut picture, placement).unwrap();
        for pixel in resized.chunks_exact(4) {
            assert_eq!(pixel[0], 0, "{resized:?}");
        }
    }

    #[test]
    fn a_flat_picture_stays_flat() {
        let mut picture = Picture {
            width: 40,
            height: 30,
            layout: Layout::Rgb,
            samples: [10, 20, 30].repeat(40 * 30),
        };
        let placement = Fit::Cover.place(40, 30, Size::square(7), false);
        let resized = resize(&mut Resizer::new(), &mut picture, placement).unwrap();
        assert_eq!(resized, [10, 20, 30].repeat(49));
    }
}
