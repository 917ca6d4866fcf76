//! Memory that goes from one photo to the next, so that it need not be had from the system, page by page, for each.

use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;

use thumbnailer::Thumbnailer;

/// What part of the function's memory one kept buffer may have. Larger ones go back to the system.
const BUFFER_SHARE: u64 = 64;

/// What one core needs at a time, kept between photos.
#[derive(Debug)]
pub(crate) struct Scratch {
    thumbnailers: Mutex<Vec<Thumbnailer>>,
    buffers: Mutex<Vec<Vec<u8>>>,
    most: usize,
    largest_buffer: usize,
}

impl Scratch {
    /// For a function with `memory_bytes`.
    pub(crate) fn new(memory_bytes: u64) -> Self {
        Self {
            thumbnailers: Mutex::default(),
            buffers: Mutex::default(),
            // No more than this many photos are decoded at once.
            most: available_parallelism().map_or(1, NonZero::get),
            largest_buffer: usize::try_from(memory_bytes / BUFFER_SHARE).unwrap_or(usize::MAX),
        }
    }

    /// One that was used before, or a new one, to work with that many threads.
    pub(crate) fn thumbnailer(&self, threads: NonZero<usize>) -> Thumbnailer {
        let kept = take(&self.thumbnailers);
        kept.unwrap_or_default().threads(threads)
    }

    /// Keeps it for the next photo. One that panicked is not given back.
    pub(crate) fn keep_thumbnailer(&self, thumbnailer: Thumbnailer) {
        keep(&self.thumbnailers, thumbnailer, self.most);
    }

    /// An empty buffer.
    pub(crate) fn buffer(&self) -> Vec<u8> {
        take(&self.buffers).unwrap_or_default()
    }

    /// Keeps a buffer for the next photo, unless it is large.
    pub(crate) fn keep_buffer(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= self.largest_buffer {
            buffer.clear();
            keep(&self.buffers, buffer, self.most);
        }
    }
}

fn take<T>(kept: &Mutex<Vec<T>>) -> Option<T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

fn keep<T>(kept: &Mutex<Vec<T>>, thing: T, most: usize) {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() < most {
        kept.push(thing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_kept_empty_and_a_large_one_is_not() {
        let scratch = Scratch::new(BUFFER_SHARE * 1_000);
        let mut buffer = Vec::with_capacity(1_000);
        buffer.push(1);
        scratch.keep_buffer(buffer);
        let again = scratch.buffer();
        assert_eq!((again.len(), again.capacity()), (0, 1_000));
        assert_eq!(scratch.buffer().capacity(), 0);
        scratch.keep_buffer(Vec::with_capacity(1_001));
        assert_eq!(scratch.buffer().capacity(), 0);
    }

    #[test]
    fn no_more_is_kept_than_cores_can_use() {
        let scratch = Scratch::new(u64::MAX);
        for _ in 0..=scratch.most {
            scratch.keep_buffer(vec![1]);
        }
        let kept = std::iter::repeat_with(|| scratch.buffer());
        let kept = kept.take_while(|buffer| buffer.capacity() > 0).count();
        assert_eq!(kept, scratch.most);
    }
}
