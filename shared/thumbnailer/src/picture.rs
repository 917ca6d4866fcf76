//! Decoded pixels on their way to being thumbnails.

use crate::orientation::Orientation;

/// What the samples of a pixel mean. Eight bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Gray three times over: what it costs in memory it saves in kernels, and three channels are
    /// resized as fast as one.
    Gray,
    /// Gray three times over, and alpha.
    GrayAlpha,
    Rgb,
    Rgba,
    /// 0 is no ink.
    Cmyk,
}

impl Layout {
    pub(crate) fn channels(self) -> usize {
        match self {
            Self::Gray | Self::Rgb => 3,
            Self::GrayAlpha | Self::Rgba | Self::Cmyk => 4,
        }
    }

    pub(crate) fn has_alpha(self) -> bool {
        matches!(self, Self::GrayAlpha | Self::Rgba)
    }

    pub(crate) fn opaque(self) -> Self {
        match self {
            Self::GrayAlpha => Self::Gray,
            Self::Rgba => Self::Rgb,
            Self::Gray | Self::Rgb | Self::Cmyk => self,
        }
    }
}

/// Gray samples as [`Layout::Gray`] has them.
pub(crate) fn spread_gray(gray: &[u8]) -> Vec<u8> {
    let mut spread = vec![0; gray.len() * 3];
    for (pixel, gray) in spread.chunks_exact_mut(3).zip(gray) {
        pixel.fill(*gray);
    }
    spread
}

/// Gray and alpha samples as [`Layout::GrayAlpha`] has them.
pub(crate) fn spread_gray_alpha(samples: &[u8]) -> Vec<u8> {
    let mut spread = vec![0; samples.len() * 2];
    for (pixel, source) in spread.chunks_exact_mut(4).zip(samples.chunks_exact(2)) {
        if let ([red, green, blue, alpha], [gray, opacity]) = (pixel, source) {
            (*red, *green, *blue, *alpha) = (*gray, *gray, *gray, *opacity);
        }
    }
    spread
}

/// One decoded frame, as stored: neither turned upright nor converted to sRGB. Alpha is not
/// premultiplied until [`Picture::premultiplied`].
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) layout: Layout,
    /// Rows without padding: `width * height * layout.channels()` bytes.
    pub(crate) samples: Vec<u8>,
}

impl Picture {
    /// Drops an alpha channel in which every pixel is opaque: three channels are resized faster
    /// than four, and what is opaque can be written as JPEG.
    pub(crate) fn without_idle_alpha(self) -> Self {
        let channels = self.layout.channels();
        if !self.layout.has_alpha()
            || self
                .samples
                .chunks_exact(channels)
                .any(|pixel| pixel.last() != Some(&255))
        {
            return self;
        }
        let mut samples = self.samples;
        let mut kept = 0;
        for index in 0..samples.len() {
            if index % channels != channels - 1 {
                samples[kept] = samples[index];
                kept += 1;
            }
        }
        samples.truncate(kept);
        Self {
            layout: self.layout.opaque(),
            samples,
            ..self
        }
    }
}

/// A finished thumbnail before it is encoded: upright, sRGB, alpha not premultiplied.
#[derive(Debug, Clone)]
pub(crate) struct Canvas {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) alpha: bool,
    /// RGB, or RGBA with `alpha`.
    pub(crate) samples: Vec<u8>,
}

impl Canvas {
    pub(crate) fn channels(&self) -> usize {
        if self.alpha { 4 } else { 3 }
    }

    pub(crate) fn oriented(self, orientation: Orientation) -> Self {
        let channels = self.channels();
        let (width, height) = orientation.displayed(self.width, self.height);
        Self {
            samples: orientation.apply(self.samples, self.width, self.height, channels),
            width,
            height,
            alpha: self.alpha,
        }
    }

    /// RGB with what is transparent filled by `background`.
    pub(crate) fn flattened(&self, background: [u8; 3]) -> Vec<u8> {
        if !self.alpha {
            return self.samples.clone();
        }
        let mut opaque = Vec::with_capacity(self.samples.len() / 4 * 3);
        for pixel in self.samples.chunks_exact(4) {
            let (colour, alpha) = pixel.split_at(3);
            let alpha = u32::from(alpha.first().copied().unwrap_or(255));
            for (above, below) in colour.iter().zip(background) {
                let mixed = u32::from(*above) * alpha + u32::from(below) * (255 - alpha);
                opaque.push(u8::try_from((mixed + 127) / 255).unwrap_or(255));
            }
        }
        opaque
    }

    /// RGBA, opaque where there was no alpha.
    pub(crate) fn rgba(&self) -> Vec<u8> {
        if self.alpha {
            return self.samples.clone();
        }
        let mut rgba = Vec::with_capacity(self.samples.len() / 3 * 4);
        for pixel in self.samples.chunks_exact(3) {
            rgba.extend_from_slice(pixel);
            rgba.push(255);
        }
        rgba
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alpha_channel_without_a_transparent_pixel_is_dropped() {
        let picture = Picture {
            width: 2,
            height: 1,
            layout: Layout::Rgba,
            samples: vec![1, 2, 3, 255, 4, 5, 6, 255],
        };
        let opaque = picture.clone().without_idle_alpha();
        assert_eq!(opaque.layout, Layout::Rgb);
        assert_eq!(opaque.samples, [1, 2, 3, 4, 5, 6]);

        let transparent = Picture {
            samples: vec![1, 2, 3, 255, 4, 5, 6, 254],
            ..picture
        };
        assert_eq!(transparent.without_idle_alpha().layout, Layout::Rgba);
    }

    #[test]
    fn flattening_mixes_in_the_background() {
        let canvas = Canvas {
            width: 3,
            height: 1,
            alpha: true,
            samples: vec![10, 20, 30, 255, 10, 20, 30, 0, 0, 0, 0, 128],
        };
        assert_eq!(
            canvas.flattened([255, 0, 0]),
            [10, 20, 30, 255, 0, 0, 127, 0, 0]
        );
    }
}
