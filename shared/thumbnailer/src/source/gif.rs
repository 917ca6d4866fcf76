//! GIF, by `gif` as `image` composes its frames.

use std::fmt::Display;
use std::io::Cursor;

use image::codecs::gif::GifDecoder;
use image::metadata::LoopCount;
use image::{AnimationDecoder, Frame, ImageDecoder};

use super::{Animation, AnimationFrame, Decoded, Facts, decoder_limits, guarded};
use crate::picture::{Layout, Picture};
use crate::{ImageFormat, Limits, ThumbnailError, limits};

pub(super) fn facts(image: &[u8], limits: &Limits) -> Result<Facts, ThumbnailError> {
    let mut blocks = Blocks { rest: image };
    let (width, height) = blocks.screen().ok_or_else(truncated)?;
    let canvas = u64::from(width) * u64::from(height);
    let (mut frames, mut alpha, mut largest) = (0u32, false, canvas);
    while let Some(block) = blocks.next().ok_or_else(truncated)? {
        match block {
            Block::Frame {
                left,
                top,
                width: frame_width,
                height: frame_height,
            } => {
                if left >= width || top >= height {
                    return Err(corrupt("a frame lies outside of the canvas"));
                }
                frames = frames.saturating_add(1);
                let pixels = u64::from(frame_width) * u64::from(frame_height);
                // A frame may be larger than the canvas that it is drawn on.
                limits::check("pixels", pixels, limits.max_pixels)?;
                largest = largest.max(pixels);
                alpha |=
                    frames == 1 && (left, top, frame_width, frame_height) != (0, 0, width, height);
            }
            Block::Control { transparent } => alpha |= transparent,
            Block::Other => {}
        }
    }
    if frames == 0 {
        return Err(corrupt("it has no frame"));
    }
    Ok(Facts {
        width: width.into(),
        height: height.into(),
        orientation: 1,
        alpha,
        frames,
        // The canvas, the frame, and the two composed, in four bytes a pixel.
        decode_bytes: canvas
            .saturating_mul(8)
            .saturating_add(largest.saturating_mul(4)),
    })
}

pub(super) fn decode(image: &[u8], limits: &Limits) -> Result<Decoded, ThumbnailError> {
    let mut animation = animation(image, limits)?;
    let first = animation
        .frames
        .next()
        .ok_or_else(|| corrupt("it has no frame"))??;
    Ok(Decoded {
        picture: first.picture,
        profile: animation.profile,
    })
}

pub(super) fn animation<'a>(
    image: &'a [u8],
    limits: &Limits,
) -> Result<Animation<'a>, ThumbnailError> {
    let mut decoder = GifDecoder::new(Cursor::new(image)).map_err(corrupt)?;
    decoder
        .set_limits(decoder_limits(limits))
        .map_err(corrupt)?;
    let loops = loops(decoder.loop_count());
    let frames = decoder
        .into_frames()
        .map(|frame| frame.map(composed).map_err(corrupt));
    Ok(Animation {
        loops,
        profile: None,
        frames: Box::new(Guarded(frames, ImageFormat::Gif)),
    })
}

fn corrupt(reason: impl Display) -> ThumbnailError {
    ThumbnailError::corrupt(ImageFormat::Gif, reason)
}

fn truncated() -> ThumbnailError {
    corrupt("it is truncated: it ends inside a block")
}

/// Times to play as GIF and WebP write it: 0 is for ever.
pub(super) fn loops(count: LoopCount) -> u16 {
    match count {
        LoopCount::Infinite => 0,
        LoopCount::Finite(times) => u16::try_from(times.get()).unwrap_or(u16::MAX),
    }
}

/// A frame as `image` hands it out, which has drawn it on the canvas already.
pub(super) fn composed(frame: Frame) -> AnimationFrame {
    let (numerator, denominator) = frame.delay().numer_denom_ms();
    let buffer = frame.into_buffer();
    AnimationFrame {
        delay_ms: numerator / denominator.max(1),
        picture: Picture {
            width: buffer.width(),
            height: buffer.height(),
            layout: Layout::Rgba,
            samples: buffer.into_raw(),
        },
    }
}

/// Frames whose decoder may panic.
pub(super) struct Guarded<I>(pub(super) I, pub(super) ImageFormat);

impl<I: Iterator<Item = Result<AnimationFrame, ThumbnailError>>> Iterator for Guarded<I> {
    type Item = Result<AnimationFrame, ThumbnailError>;

    fn next(&mut self) -> Option<Self::Item> {
        guarded(self.1, || self.0.next().transpose()).transpose()
    }
}

enum Block {
    Frame {
        left: u16,
        top: u16,
        width: u16,
        height: u16,
    },
    Control {
        transparent: bool,
    },
    Other,
}

/// The blocks of a GIF, `GIF89a` section 12 on, with their data skipped.
struct Blocks<'a> {
    rest: &'a [u8],
}

impl Blocks<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*bytes)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.rest = self.rest.get(count..)?;
        Some(())
    }

    fn skip_palette(&mut self, flags: u8) -> Option<()> {
        if flags & 0x80 == 0 {
            return Some(());
        }
        self.skip(3 << ((flags & 7) + 1))
    }

    fn skip_data(&mut self) -> Option<()> {
        loop {
            match self.take()? {
                [0] => return Some(()),
                [length] => self.skip(usize::from(length))?,
            }
        }
    }

    /// The logical screen: its width and height.
    fn screen(&mut self) -> Option<(u16, u16)> {
        let _signature = self.take::<6>()?;
        let [w0, w1, h0, h1, flags, _background, _aspect] = self.take()?;
        self.skip_palette(flags)?;
        Some((u16::from_le_bytes([w0, w1]), u16::from_le_bytes([h0, h1])))
    }

    /// `None` when the file ends inside a block, `Some(None)` at the end of the image. Many a file
    /// lacks the trailer, so the end of the bytes between blocks is an end too.
    #[expect(
        clippy::option_option,
        reason = "truncated, ended and a block are three things"
    )]
    fn next(&mut self) -> Option<Option<Block>> {
        if self.rest.is_empty() {
            return Some(None);
        }
        match self.take()? {
            [0x2c] => {
                let [x0, x1, y0, y1, w0, w1, h0, h1, flags] = self.take()?;
                self.skip_palette(flags)?;
                let [_code_size] = self.take()?;
                self.skip_data()?;
                Some(Some(Block::Frame {
                    left: u16::from_le_bytes([x0, x1]),
                    top: u16::from_le_bytes([y0, y1]),
                    width: u16::from_le_bytes([w0, w1]),
                    height: u16::from_le_bytes([h0, h1]),
                }))
            }
            [0x21] => {
                let [label] = self.take()?;
                let transparent = match self.rest {
                    [4, flags, ..] => flags & 1 == 1,
                    _ => false,
                };
                self.skip_data()?;
                Some(Some(if label == 0xf9 {
                    Block::Control { transparent }
                } else {
                    Block::Other
                }))
            }
            // The trailer; anything else is rubbish behind the last block.
            _ => Some(None),
        }
    }
}
