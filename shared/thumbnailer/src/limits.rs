use serde::Serialize;

use crate::ThumbnailError;

const MEBIBYTE: u64 = 1 << 20;

/// What an image may cost. Every limit is checked on the header, before a pixel is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Pixels of one frame, width times height.
    pub max_pixels: u64,
    /// Bytes of the encoded image.
    pub max_input_bytes: u64,
    /// Width and height, each, in pixels.
    pub max_dimension: u32,
    /// Frames of an animation.
    pub max_frames: u32,
    /// Estimated peak of memory while the thumbnails are made, in bytes.
    pub max_memory_bytes: u64,
}

impl Limits {
    /// Limits that take every photograph that a camera of today makes and refuse bombs:
    /// 100 megapixels, 64 MiB of input, 65535 pixels on a side (the most that a JPEG can say),
    /// 1000 frames, 1 GiB of memory.
    pub fn sane_defaults() -> Self {
        Self {
            max_pixels: 100_000_000,
            max_input_bytes: 64 * MEBIBYTE,
            max_dimension: 65_535,
            max_frames: 1_000,
            max_memory_bytes: 1_024 * MEBIBYTE,
        }
    }

    /// The sane defaults for a function that has `function_memory_bytes`.
    ///
    /// A quarter of it, at least 64 MiB and at most 256 MiB, is left to the runtime, the SDK, and
    /// the allocator's own overhead.
    pub fn for_memory(function_memory_bytes: u64) -> Self {
        let runtime = (function_memory_bytes / 4).clamp(64 * MEBIBYTE, 256 * MEBIBYTE);
        Self {
            max_memory_bytes: function_memory_bytes.saturating_sub(runtime),
            ..Self::sane_defaults()
        }
    }

    /// Frames times pixels that an animation may have to be kept as one. A bound on time rather
    /// than memory: frames are worked one at a time.
    pub(crate) fn max_animated_pixels(&self) -> u64 {
        self.max_pixels.saturating_mul(10)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::sane_defaults()
    }
}

/// Refuses `actual` when it is over `limit`.
pub(crate) fn check(what: &'static str, actual: u64, limit: u64) -> Result<(), ThumbnailError> {
    if actual > limit {
        return Err(ThumbnailError::Limit {
            what,
            actual,
            limit,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_function_still_leaves_room_for_its_runtime() {
        assert_eq!(
            Limits::for_memory(128 * MEBIBYTE).max_memory_bytes,
            64 * MEBIBYTE
        );
        assert_eq!(
            Limits::for_memory(512 * MEBIBYTE).max_memory_bytes,
            384 * MEBIBYTE
        );
        assert_eq!(
            Limits::for_memory(4_096 * MEBIBYTE).max_memory_bytes,
            3_840 * MEBIBYTE
        );
        assert_eq!(Limits::for_memory(0).max_memory_bytes, 0);
    }

    #[test]
    fn exactly_the_limit_is_allowed() {
        assert_eq!(check("pixels", 10, 10), Ok(()));
        let error = check("pixels", 11, 10).expect_err("over the limit");
        assert_eq!(
            error.to_string(),
            "the image has 11 pixels, over the limit of 10"
        );
    }
}
