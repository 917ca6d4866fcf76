//! Rows as they are stored to rows of eight bits a channel: palettes looked up, depths evened out, transparency as a
//! channel and multiplied in.

use png::{BitDepth, ColorType, Info};

use crate::picture::Layout;

/// How the pixels of an image are turned into channels.
pub(super) struct Expansion {
    layout: Layout,
    bits: usize,
    source: Source,
}

enum Source {
    /// Gray, and the level that is transparent.
    Gray(Option<u16>),
    GrayAlpha,
    /// Red, green and blue, and the colour that is transparent.
    Rgb(Option<[u16; 3]>),
    Rgba,
    /// Red, green, blue and alpha of each index.
    Palette(Box<[[u8; 4]; 256]>),
}

impl Expansion {
    pub(super) fn new(info: &Info<'_>) -> Option<Self> {
        let bits = match info.bit_depth {
            BitDepth::One => 1,
            BitDepth::Two => 2,
            BitDepth::Four => 4,
            BitDepth::Eight => 8,
            BitDepth::Sixteen => 16,
        };
        let transparent = info.trns.as_deref();
        // `png` has dropped the high bytes of depths that do not need them.
        let level = |index: usize| match bits {
            16 => Some(u16::from_be_bytes(
                *transparent?.get(2 * index..)?.first_chunk()?,
            )),
            _ => transparent?.get(index).copied().map(u16::from),
        };
        let (layout, source) = match info.color_type {
            ColorType::Grayscale => {
                let key = level(0);
                let layout = if key.is_some() {
                    Layout::GrayAlpha
                } else {
                    Layout::Gray
                };
                (layout, Source::Gray(key))
            }
            ColorType::GrayscaleAlpha => (Layout::GrayAlpha, Source::GrayAlpha),
            ColorType::Rgb => {
                let key = level(0)
                    .zip(level(1))
                    .zip(level(2))
                    .map(|((red, green), blue)| [red, green, blue]);
                (
                    if key.is_some() {
                        Layout::Rgba
                    } else {
                        Layout::Rgb
                    },
                    Source::Rgb(key),
                )
            }
            ColorType::Rgba => (Layout::Rgba, Source::Rgba),
            ColorType::Indexed => {
                // What lies behind the palette is black, as libpng has it.
                let mut palette = Box::new([[0, 0, 0, 255]; 256]);
                for (entry, colour) in palette
                    .iter_mut()
                    .zip(info.palette.as_deref()?.as_chunks::<3>().0)
                {
                    let [red, green, blue] = *colour;
                    *entry = [red, green, blue, 255];
                }
                for (entry, alpha) in palette.iter_mut().zip(transparent.unwrap_or_default()) {
                    let [.., last] = entry;
                    *last = *alpha;
                }
                let layout = if transparent.is_some() {
                    Layout::Rgba
                } else {
                    Layout::Rgb
                };
                (layout, Source::Palette(palette))
            }
        };
        Some(Self {
            layout,
            bits,
            source,
        })
    }

    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// Channels of a row: one of [`Layout::Gray`].
    pub(super) fn channels(&self) -> usize {
        match self.layout {
            Layout::Gray => 1,
            Layout::Rgb => 3,
            Layout::GrayAlpha | Layout::Rgba | Layout::Cmyk => 4,
        }
    }

    /// Whether rows are what they must be already.
    pub(super) fn is_idle(&self) -> bool {
        self.bits == 8 && matches!(self.source, Source::Gray(None) | Source::Rgb(None))
    }

    /// Turns a stored row into channels, colours multiplied by alpha. Says whether a pixel is transparent.
    pub(super) fn row(&self, stored: &[u8], row: &mut [u8]) -> bool {
        let wide = self.bits == 16;
        match &self.source {
            Source::Gray(None) => {
                let pixels = Levels::new(stored, self.bits);
                row.iter_mut()
                    .zip(pixels)
                    .for_each(|(gray, level)| *gray = self.eight_bits(level));
            }
            Source::Gray(Some(key)) => {
                let pixels = Levels::new(stored, self.bits);
                for (pixel, level) in row.as_chunks_mut().0.iter_mut().zip(pixels) {
                    let gray = self.eight_bits(level);
                    *pixel = if level == *key {
                        [0; 4]
                    } else {
                        [gray, gray, gray, 255]
                    };
                }
            }
            Source::GrayAlpha if wide => {
                spread(row, stored.as_chunks().0, |[gray, _, alpha, _]| {
                    [gray, gray, gray, alpha]
                });
            }
            Source::GrayAlpha => spread(row, stored.as_chunks().0, |[gray, alpha]| {
                [gray, gray, gray, alpha]
            }),
            Source::Rgb(None) => {
                // Sixteen bits: eight are passed on as they are.
                spread(row, stored.as_chunks().0, |[red, _, green, _, blue, _]| {
                    [red, green, blue]
                });
            }
            Source::Rgb(Some(key)) if wide => {
                let key = key
                    .map(u16::to_be_bytes)
                    .as_flattened()
                    .first_chunk()
                    .copied();
                spread(row, stored.as_chunks::<6>().0, |pixel| match pixel {
                    pixel if Some(pixel) == key => [0; 4],
                    [red, _, green, _, blue, _] => [red, green, blue, 255],
                });
            }
            Source::Rgb(Some(key)) => spread(row, stored.as_chunks().0, |[red, green, blue]| {
                if [red, green, blue].map(u16::from) == *key {
                    [0; 4]
                } else {
                    [red, green, blue, 255]
                }
            }),
            Source::Rgba if wide => spread(
                row,
                stored.as_chunks().0,
                |[red, _, green, _, blue, _, alpha, _]| [red, green, blue, alpha],
            ),
            Source::Rgba => spread(row, stored.as_chunks().0, |pixel: [u8; 4]| pixel),
            Source::Palette(palette) => {
                let pixels =
                    Levels::new(stored, self.bits).map(|index| palette[usize::from(index & 0xff)]);
                if self.layout == Layout::Rgb {
                    for (pixel, [red, green, blue, _]) in
                        row.as_chunks_mut().0.iter_mut().zip(pixels)
                    {
                        *pixel = [red, green, blue];
                    }
                } else {
                    row.as_chunks_mut()
                        .0
                        .iter_mut()
                        .zip(pixels)
                        .for_each(|(pixel, colour)| *pixel = colour);
                }
            }
        }
        self.layout.has_alpha() && premultiply(row)
    }

    /// A level of few bits, or of sixteen, as one of eight.
    fn eight_bits(&self, level: u16) -> u8 {
        let scaled = match self.bits {
            1 => level * 255,
            2 => level * 85,
            4 => level * 17,
            8 => level,
            _ => level >> 8,
        };
        u8::try_from(scaled).unwrap_or(u8::MAX)
    }
}

fn spread<const FROM: usize, const TO: usize>(
    row: &mut [u8],
    stored: &[[u8; FROM]],
    convert: impl Fn([u8; FROM]) -> [u8; TO],
) {
    for (pixel, stored) in row.as_chunks_mut().0.iter_mut().zip(stored) {
        *pixel = convert(*stored);
    }
}

/// Multiplies colours by alpha, rounded. Says whether any alpha is less than opaque.
fn premultiply(row: &mut [u8]) -> bool {
    let pixels = row.as_chunks_mut::<4>().0;
    if pixels
        .iter()
        .fold(255, |opaque, [.., alpha]| opaque & alpha)
        == 255
    {
        return false;
    }
    for pixel in pixels {
        let [.., alpha] = *pixel;
        let multiplied = pixel.map(|sample| {
            let product = u16::from(sample) * u16::from(alpha) + 128;
            // Exactly the product by 255, rounded, for all products of two bytes.
            ((product + (product >> 8)) >> 8) as u8
        });
        let [red, green, blue, _] = multiplied;
        *pixel = [red, green, blue, alpha];
    }
    true
}

/// The levels of a row of one channel, of any depth, packed from the high bits on.
struct Levels<'a> {
    stored: &'a [u8],
    bits: usize,
    at: usize,
}

impl<'a> Levels<'a> {
    fn new(stored: &'a [u8], bits: usize) -> Self {
        Self {
            stored,
            bits,
            at: 0,
        }
    }
}

impl Iterator for Levels<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        let bit = self.at * self.bits;
        self.at += 1;
        let byte = u16::from(*self.stored.get(bit / 8)?);
        if self.bits == 16 {
            return Some(byte << 8 | u16::from(*self.stored.get(bit / 8 + 1)?));
        }
        Some(byte >> (8 - self.bits - bit % 8) & ((1 << self.bits) - 1))
    }
}
