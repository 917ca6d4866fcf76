//! Progressive scans, ITU-T T.81 annex G: the few that a size needs, and of them no more coefficients than it needs.

#![expect(
    clippy::inline_always,
    reason = "the loops are compiled once for each set of instructions, with all that they call"
)]

mod ac_first;
mod ac_refine;
mod blocks;
mod dc;
mod deposit;
mod scan;
mod script;
#[cfg(test)]
mod specimen;
#[cfg(test)]
mod tests;

use blocks::Blocks;
use scan::Scan;
use script::Script;

use super::header::{Header, Next, ScanHeader};
use super::unstuff::Window;
use super::{BlockSide, JpegError, Read};
use crate::cpu::Cpu;
use crate::input::Input;
use crate::planes::RowSink;

/// What decoding a progressive image to `sides` holds at once, in bytes: two for each coefficient that is kept, and,
/// where there are others than the DC, a bit for each of the 64. (A fixed window of the file comes on top.) The caller
/// may refuse the image before anything is decoded.
pub(crate) fn progressive_bytes(header: &Header, sides: &[BlockSide]) -> u64 {
    Blocks::layout(header, sides)
        .iter()
        .map(Blocks::bytes)
        .fold(0, u64::saturating_add)
}

/// Decodes progressive images. Keeps its buffers for the next one, but for very large ones.
#[derive(Debug)]
pub(crate) struct Progressive {
    window: Window,
    /// The coefficients that are kept, component after component, row of blocks after row of blocks.
    coefficients: Vec<i16>,
    /// For each block which coefficients are not zero, by their zig-zag index.
    nonzero: Vec<u64>,
    /// One row of blocks as samples.
    samples: Vec<u8>,
}

impl Progressive {
    /// A decoder without buffers yet.
    pub(crate) fn new() -> Self {
        Self {
            window: Window::new(),
            coefficients: Vec::new(),
            nonzero: Vec::new(),
            samples: Vec::new(),
        }
    }

    /// Decodes component `i` to `sides[i]`, and reads no further than the last scan that this needs. Scans of details
    /// only are passed over. When an image ends properly without all the bits that were announced, what is there is the
    /// picture.
    ///
    /// # Errors
    ///
    /// When the file ends too soon, its scans contradict each other, or one that its sides need is broken.
    pub(crate) fn decode(
        &mut self,
        cpu: Cpu,
        input: &mut dyn Input,
        header: &Header,
        sides: &[BlockSide],
        sink: &mut dyn RowSink,
    ) -> Result<Read, JpegError> {
        let read = self.decode_scans(cpu, input, header, sides, sink);
        release(&mut self.coefficients);
        release(&mut self.nonzero);
        read
    }

    fn decode_scans(
        &mut self,
        cpu: Cpu,
        input: &mut dyn Input,
        header: &Header,
        sides: &[BlockSide],
        sink: &mut dyn RowSink,
    ) -> Result<Read, JpegError> {
        let layout = Blocks::layout(header, sides);
        let kept = layout.iter().map(Blocks::coefficients).sum();
        let mapped = layout.iter().map(Blocks::mapped).sum();
        zeros(&mut self.coefficients, kept);
        zeros(&mut self.nonzero, mapped);

        let mut script = Script::new(sides);
        if sides.iter().any(|side| *side > BlockSide::One)
            && let Some(scans) = input.whole().and_then(|whole| headers(whole, header))
        {
            script.look_ahead(&scans);
        }
        let mut tables = header.tables.clone();
        let mut at = header.first_scan;
        while !script.is_complete() {
            let next = tables.markers_until_scan(input, at, &header.components, true)?;
            let (scan_header, data_at) = match next {
                Next::Scan { header, data_at } => (header, data_at),
                Next::End { end } => {
                    at = end;
                    break;
                }
            };
            if script.enter(&scan_header)? {
                let decoded = Scan::new(header, &scan_header, &tables, &layout).and_then(|scan| {
                    scan.decode(
                        cpu,
                        &mut self.window,
                        input,
                        data_at,
                        &mut self.coefficients,
                        &mut self.nonzero,
                    )
                });
                at = match decoded {
                    Ok(end) => end,
                    Err(JpegError::Input(error)) => return Err(error.into()),
                    // What has been looked at may be gone.
                    Err(_) if script.forgive(&scan_header) => self.window.looked_at().max(data_at),
                    Err(error) => return Err(error),
                };
            } else {
                at = data_at;
            }
        }
        script.check_dc()?;
        for (index, blocks) in layout.iter().enumerate() {
            let quantiser = tables.latched.get(index).copied().flatten();
            blocks.deliver(
                cpu,
                header.grid(index, blocks.side),
                &quantiser.unwrap_or([0; 64]),
                &self.coefficients,
                &self.nonzero,
                &mut self.samples,
                &mut |rows| sink.rows(index, rows),
            );
        }
        Ok(Read { bytes: at })
    }
}

/// The headers of all scans, as far as they can be read.
fn headers(mut whole: &[u8], header: &Header) -> Option<Vec<ScanHeader>> {
    let mut tables = header.tables.clone();
    let mut at = header.first_scan;
    let mut headers = Vec::new();
    loop {
        match tables.markers_until_scan(&mut whole, at, &header.components, true) {
            Ok(Next::Scan { header, data_at }) => {
                headers.push(header);
                at = data_at;
            }
            Ok(Next::End { .. }) => return Some(headers),
            Err(_) => return None,
        }
    }
}

/// Makes `buffer` that many zeros. A new one is had from the system as zeros, not touched before its time.
fn zeros<T: Clone + Default>(buffer: &mut Vec<T>, length: usize) {
    if buffer.capacity() < length {
        *buffer = vec![T::default(); length];
    } else {
        buffer.clear();
        buffer.resize(length, T::default());
    }
}

/// Gives back a buffer that only an unusual image needs.
fn release<T>(buffer: &mut Vec<T>) {
    /// In bytes: the coefficients of 60 megapixels of 4:2:0 at 1/4 and chroma at 1/8.
    const KEPT: usize = 16 << 20;
    if buffer.capacity() * size_of::<T>() > KEPT {
        *buffer = Vec::new();
    }
}
