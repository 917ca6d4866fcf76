//! The container of an animated WebP, RFC 9649 section 2.7: still frames, each with its place and
//! time, one after the other.

use crate::picture::Canvas;

/// A rectangle of a picture. The container counts its origin in steps of two pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

impl Part {
    pub(super) fn whole(canvas: &Canvas) -> Self {
        Self {
            left: 0,
            top: 0,
            width: canvas.width,
            height: canvas.height,
        }
    }

    /// The smallest part outside of which two pictures of one size are the same; a corner of two
    /// pixels when they are the same all over, because a frame must have pixels.
    pub(super) fn changed(previous: &Canvas, canvas: &Canvas) -> Self {
        let channels = canvas.channels();
        let row_bytes = (canvas.width as usize * channels).max(1);
        let (mut first_row, mut last_row) = (None, 0);
        let (mut left, mut right) = (usize::MAX, 0);
        let rows = previous
            .samples
            .chunks_exact(row_bytes)
            .zip(canvas.samples.chunks_exact(row_bytes));
        for (y, (before, after)) in rows.enumerate() {
            let differs = |(before, after): (&u8, &u8)| before != after;
            let Some(first) = before.iter().zip(after).position(differs) else {
                continue;
            };
            let last = before.iter().zip(after).rposition(differs).unwrap_or(first);
            first_row.get_or_insert(y);
            last_row = y;
            left = left.min(first / channels);
            right = right.max(last / channels);
        }
        let Some(first_row) = first_row else {
            return Self {
                left: 0,
                top: 0,
                width: canvas.width.min(2),
                height: canvas.height.min(2),
            };
        };
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let (left, top) = (number(left) & !1, number(first_row) & !1);
        Self {
            left,
            top,
            width: number(right) + 1 - left,
            height: number(last_row) + 1 - top,
        }
    }

    /// The pixels of the part.
    pub(super) fn cut(self, canvas: &Canvas) -> Canvas {
        let channels = canvas.channels();
        let row_bytes = (canvas.width as usize * channels).max(1);
        let skip = self.left as usize * channels;
        let take = self.width as usize * channels;
        let samples = canvas
            .samples
            .chunks_exact(row_bytes)
            .skip(self.top as usize)
            .take(self.height as usize)
            .flat_map(|row| row.iter().skip(skip).take(take))
            .copied()
            .collect();
        Canvas {
            width: self.width,
            height: self.height,
            alpha: canvas.alpha,
            samples,
        }
    }
}

/// An animated WebP in the making.
pub(super) struct Container {
    width: u32,
    height: u32,
    loops: u16,
    alpha: bool,
    frames: Vec<u8>,
}

impl Container {
    pub(super) fn new(width: u32, height: u32, loops: u16) -> Self {
        Self {
            width,
            height,
            loops,
            alpha: false,
            frames: Vec::new(),
        }
    }

    /// Adds a frame that is itself a still WebP.
    pub(super) fn push(&mut self, part: Part, delay_ms: u32, still: &[u8]) -> Result<(), String> {
        let mut body = Vec::with_capacity(still.len() + 16);
        for number in [
            part.left / 2,
            part.top / 2,
            part.width - 1,
            part.height - 1,
            delay_ms.min(0x00ff_ffff),
        ] {
            body.extend(three_bytes(number));
        }
        // The part replaces what was there (no blending) and stays for the next frame.
        body.push(0b10);
        let chunks = still.get(12..).ok_or("libwebp wrote no container")?;
        self.alpha |=
            copy_bitstream(chunks, &mut body).ok_or("libwebp wrote a broken container")?;
        append_chunk(&mut self.frames, *b"ANMF", &body)
    }

    pub(super) fn finish(self) -> Result<Vec<u8>, String> {
        let mut body = b"WEBP".to_vec();
        let mut extended = vec![if self.alpha { 0x12 } else { 0x02 }, 0, 0, 0];
        extended.extend(three_bytes(self.width - 1));
        extended.extend(three_bytes(self.height - 1));
        append_chunk(&mut body, *b"VP8X", &extended)?;
        let [low, high] = self.loops.to_le_bytes();
        // A transparent background, then the times to play.
        append_chunk(&mut body, *b"ANIM", &[0, 0, 0, 0, low, high])?;
        body.extend(self.frames);
        let mut webp = Vec::with_capacity(body.len() + 8);
        append_chunk(&mut webp, *b"RIFF", &body)?;
        Ok(webp)
    }
}

/// Copies the alpha and bitstream chunks of a still image and says whether it has alpha.
fn copy_bitstream(mut chunks: &[u8], into: &mut Vec<u8>) -> Option<bool> {
    let mut alpha = false;
    while !chunks.is_empty() {
        let (kind, rest) = chunks.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let body = rest.get(..length)?;
        if matches!(kind, b"ALPH" | b"VP8 " | b"VP8L") {
            alpha |= kind == b"ALPH"
                || (kind == b"VP8L" && body.get(4).is_some_and(|bits| bits & 0x10 != 0));
            append_chunk(into, *kind, body).ok()?;
        }
        chunks = rest.get(length + length % 2..).unwrap_or_default();
    }
    Some(alpha)
}

fn append_chunk(into: &mut Vec<u8>, kind: [u8; 4], body: &[u8]) -> Result<(), String> {
    let length = u32::try_from(body.len()).map_err(|_| "a WebP is at most 4 GiB".to_owned())?;
    into.extend(kind);
    into.extend(length.to_le_bytes());
    into.extend(body);
    if body.len() % 2 == 1 {
        into.push(0);
    }
    Ok(())
}

fn three_bytes(number: u32) -> [u8; 3] {
    let [low, middle, high, _] = number.to_le_bytes();
    [low, middle, high]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canvas(changed: &[(usize, usize)]) -> Canvas {
        let mut samples = vec![0; 10 * 8 * 3];
        for (x, y) in changed {
            samples[(y * 10 + x) * 3 + 1] = 200;
        }
        Canvas {
            width: 10,
            height: 8,
            alpha: false,
            samples,
        }
    }

    #[test]
    fn a_part_begins_at_even_pixels_and_holds_every_change() {
        let part = Part::changed(&canvas(&[]), &canvas(&[(3, 5), (7, 6)]));
        let expected = Part {
            left: 2,
            top: 4,
            width: 6,
            height: 3,
        };
        assert_eq!(part, expected);
        let cut = part.cut(&canvas(&[(3, 5), (7, 6)]));
        assert_eq!(cut.samples.len(), 6 * 3 * 3);
        assert_eq!(
            cut.samples
                .iter()
                .map(|sample| u32::from(*sample))
                .sum::<u32>(),
            400
        );
    }

    #[test]
    fn a_frame_like_the_one_before_still_has_pixels() {
        let part = Part::changed(&canvas(&[(1, 1)]), &canvas(&[(1, 1)]));
        assert_eq!((part.width, part.height), (2, 2));
    }
}
