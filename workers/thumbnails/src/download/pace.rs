//! How much of a photo to ask for, before anybody can know how much is needed.
//!
//! The figures are guesses that cost time or bytes when they are wrong, never a thumbnail: what a decoder asks for it gets.
//!
//! A request to S3 takes some 20 to 50 ms to its first byte, and then brings 50 to 100 bytes a microsecond ("Performance
//! guidelines for Amazon S3"): a second request costs as much time as two megabytes. So a photo that is needed whole is
//! asked for whole, at once. Only a progressive JPEG that becomes much smaller is not: the first of its scans have an
//! eighth of its resolution in a few per cent of its bytes.

use thumbnailer::{Fit, Plan, Size};

/// What is asked for first of a photo that may be needed in part. It holds the eighth of a 12-megapixel progressive JPEG of
/// usual quality, and costs 3 ms more than a small request.
const FIRST_BYTES: u64 = 256 * 1024;

/// How much smaller than the photo all thumbnails must be, for an eighth of its resolution to do: the pipeline decodes to at
/// least one and a half times the size that it makes.
const SHRINK: u32 = 12;

/// The longer side of the largest photos that are usual, those of 50 megapixels.
const USUAL_SIDE: u32 = 8_192;

/// From which share of the file on the rest is asked for at once: a decoder that wanted a quarter will want most.
const MOST: u64 = 4;

/// How the bytes after the first ones are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// All in one stream, at once.
    Whole,
    /// When they are wanted.
    OnDemand,
}

/// How many bytes to ask for first, of a photo that is said to have `announced`.
pub(crate) fn first_bytes(plan: &Plan, announced: u64) -> u64 {
    let in_part = shrinks(plan, USUAL_SIDE, USUAL_SIDE) && announced > 2 * FIRST_BYTES;
    if in_part { FIRST_BYTES } else { u64::MAX }
}

/// How to go on after `head`.
pub(super) fn pace(head: &[u8], plan: &Plan) -> Pace {
    match progressive_size(head) {
        Some((width, height)) if shrinks(plan, width, height) => Pace::OnDemand,
        _ => Pace::Whole,
    }
}

/// Where the next request ends, when `fetched` of `length` bytes are here and those up to `wanted` are needed: the requests
/// double, until the rest is one.
pub(super) fn next_end(pace: Pace, fetched: u64, wanted: u64, length: u64) -> u64 {
    let doubled = fetched.saturating_mul(2).max(wanted);
    if pace == Pace::Whole || doubled > length / MOST {
        length
    } else {
        doubled
    }
}

/// Whether an eighth of a photo of this size does for all thumbnails.
fn shrinks(plan: &Plan, width: u32, height: u32) -> bool {
    !plan.sizes.is_empty()
        && plan.sizes.iter().all(|size| {
            let Size {
                width: box_width,
                height: box_height,
            } = *size;
            let fits = |side: u32, wanted: u32| side / SHRINK >= wanted;
            let across = box_width.map(|wanted| fits(width, wanted));
            let down = box_height.map(|wanted| fits(height, wanted));
            match (across, down, plan.fit) {
                // The side that must shrink more decides.
                (Some(across), Some(down), Fit::Inside) => across || down,
                (Some(across), Some(down), _) => across && down,
                (Some(fits), None, _) | (None, Some(fits), _) => fits,
                (None, None, _) => false,
            }
        })
}

/// Width and height of a progressive JPEG, if `head` has its frame header: ITU-T T.81, annex B.
fn progressive_size(head: &[u8]) -> Option<(u32, u32)> {
    let mut rest = head.strip_prefix(&[0xFF, 0xD8])?;
    loop {
        rest = rest.strip_prefix(&[0xFF])?;
        while let [0xFF, tail @ ..] = rest {
            rest = tail;
        }
        let [marker, high, low, segment @ ..] = rest else {
            return None;
        };
        match (marker, segment) {
            // The progressive frame: precision, lines, samples per line.
            (0xC2, [_, lines_high, lines_low, samples_high, samples_low, ..]) => {
                let size = |high: u8, low: u8| u32::from(u16::from_be_bytes([high, low]));
                return Some((
                    size(*samples_high, *samples_low),
                    size(*lines_high, *lines_low),
                ));
            }
            // The tables and what applications add may come before the frame.
            (0xC4 | 0xDB | 0xDD | 0xE0..=0xEF | 0xFE, _) => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                rest = segment.get(length.checked_sub(2)?..)?;
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(sizes: &str) -> Plan {
        Plan {
            sizes: sizes.split(',').map(|size| size.parse().unwrap()).collect(),
            ..Plan::default()
        }
    }

    fn frame(kind: u8, width: u16, height: u16) -> Vec<u8> {
        let [h, w] = [height, width].map(u16::to_be_bytes);
        let mut jpeg = vec![0xFF, 0xD8, 0xFF, 0xE1, 0, 4, 0xFF, 0xC2, 0xFF, 0xFF];
        jpeg.extend([kind, 0, 11, 8, h[0], h[1], w[0], w[1], 1, 1, 0x11, 0]);
        jpeg
    }

    #[test]
    fn only_a_plan_of_small_thumbnails_asks_for_a_large_photo_in_part() {
        let large = 4_000_000;
        assert_eq!(first_bytes(&plan("256"), large), FIRST_BYTES);
        assert_eq!(first_bytes(&plan("128,680"), large), FIRST_BYTES);
        assert_eq!(first_bytes(&plan("128,700"), large), u64::MAX);
        assert_eq!(first_bytes(&Plan::default(), large), u64::MAX);
        assert_eq!(first_bytes(&plan("256"), 2 * FIRST_BYTES), u64::MAX);
    }

    #[test]
    fn only_a_progressive_jpeg_that_shrinks_much_is_read_on_demand() {
        let small = plan("256");
        assert_eq!(pace(&frame(0xC2, 4032, 3024), &small), Pace::OnDemand);
        assert_eq!(pace(&frame(0xC2, 3024, 4032), &small), Pace::OnDemand);
        assert_eq!(pace(&frame(0xC2, 3000, 2000), &small), Pace::Whole);
        assert_eq!(pace(&frame(0xC0, 4032, 3024), &small), Pace::Whole);
        assert_eq!(
            pace(&frame(0xC2, 4032, 3024), &plan("256,512")),
            Pace::Whole
        );
        assert_eq!(pace(b"\x89PNG\r\n\x1A\n", &small), Pace::Whole);
        let cover = Plan {
            fit: Fit::Cover,
            ..plan("256")
        };
        assert_eq!(pace(&frame(0xC2, 4032, 3024), &cover), Pace::Whole);
        assert_eq!(pace(&frame(0xC2, 4032, 3072), &cover), Pace::OnDemand);
        assert_eq!(pace(&frame(0xC2, 4032, 100), &plan("256x")), Pace::OnDemand);
    }

    #[test]
    fn a_header_that_is_cut_anywhere_is_no_progressive_one() {
        let whole = frame(0xC2, 4032, 3024);
        assert_eq!(progressive_size(&whole), Some((4032, 3024)));
        for end in 0..whole.len() - 4 {
            assert_eq!(progressive_size(&whole[..end]), None, "{end}");
        }
        assert_eq!(progressive_size(&[0xFF, 0xD8, 0xFF, 0xE1, 0, 1, 0]), None);
    }

    #[test]
    fn requests_double_and_the_last_one_takes_the_rest() {
        let mut fetched = 256;
        let mut ends = Vec::new();
        while fetched < 10_000 {
            fetched = next_end(Pace::OnDemand, fetched, fetched + 1, 10_000);
            ends.push(fetched);
        }
        assert_eq!(ends, [512, 1024, 2048, 10_000]);
        assert_eq!(next_end(Pace::OnDemand, 256, 2_000, 10_000), 2_000);
        assert_eq!(next_end(Pace::Whole, 256, 257, 10_000), 10_000);
    }
}
