//! What one resize leaves to the next: buffers, and the weights of sizes that come again.

use std::sync::Arc;

use super::axis::{Axis, Taps};
use super::resizer::Buffers;

/// Axes whose weights are kept: a photo has two for its luma and two for its chroma.
const KEPT_TAPS: usize = 8;
/// Sets of buffers that are kept, one for each plane of a photo.
const KEPT_BUFFERS: usize = 4;

/// Buffers and weights, kept from one image to the next. An empty one works as well, and costs their allocation.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    buffers: Vec<Buffers>,
    taps: Vec<(Axis, u32, Arc<Taps>)>,
}

impl Pool {
    pub(super) fn buffers(&mut self) -> Buffers {
        self.buffers.pop().unwrap_or_default()
    }

    pub(super) fn give_back(&mut self, buffers: Buffers) {
        if self.buffers.len() < KEPT_BUFFERS {
            self.buffers.push(buffers);
        }
    }

    /// The weights of an axis.
    pub(super) fn taps(&mut self, axis: &Axis, most_bits: u32) -> Arc<Taps> {
        let found = self
            .taps
            .iter()
            .position(|(of, bits, _)| of == axis && *bits == most_bits);
        let entry = if let Some(index) = found {
            self.taps.remove(index)
        } else {
            if self.taps.len() == KEPT_TAPS {
                self.taps.remove(0);
            }
            (*axis, most_bits, Arc::new(Taps::new(axis, most_bits)))
        };
        let taps = Arc::clone(&entry.2);
        // The one used last is dropped last.
        self.taps.push(entry);
        taps
    }
}
