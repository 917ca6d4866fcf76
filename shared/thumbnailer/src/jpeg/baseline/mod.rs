//! Sequential scans, baseline and extended: row after row of minimum coded units, each row to samples at once.

mod block;
mod geometry;
mod rows;
mod scan;
mod stream;
mod tables;
#[cfg(test)]
mod tests;
mod units;

use super::header::{Header, Next, ScanHeader, Tables};
use super::unstuff::Window;
use super::{BlockSide, JpegError, Read};
use crate::cpu::Cpu;
use crate::input::Input;
use crate::planes::RowSink;
use geometry::Geometry;
use tables::BuiltTables;

/// Bytes of the file that are held at once. Two readers share them, and the second loses about one kilobyte each time.
const WINDOW: usize = 128 << 10;

/// More threads than this are not used for one image.
pub(crate) const MOST_THREADS: usize = 16;

/// Parts of a scan that there are beside those that threads work on: finished ones that wait for their turn.
pub(crate) const WAITING_PARTS: usize = 3;

/// What is kept between images: buffers, and the tables of the last image, which most often are those of the next.
#[derive(Debug)]
pub(crate) struct Sequential {
    window: Window,
    tables: BuiltTables,
    buffers: scan::Buffers,
}

impl Sequential {
    pub(crate) fn new() -> Self {
        Self {
            window: Window::with_capacity(WINDOW),
            tables: BuiltTables::default(),
            buffers: scan::Buffers::default(),
        }
    }

    /// Decodes component i to `sides[i]`, a row of minimum coded units at a time.
    ///
    /// Holds a window of 128 KiB, up to a mebibyte of coefficients for each of two readers, and the coefficients and the
    /// samples of one row: up to 65535 x 32 of each. Several threads have a window and two readers for each of them
    /// besides, and for three more.
    ///
    /// # Errors
    ///
    /// Those of the input, and whatever is wrong in the bytes that the picture needs. Rows that came before it have
    /// reached the sink by then.
    pub(crate) fn decode(
        &mut self,
        cpu: Cpu,
        input: &mut dyn Input,
        header: &Header,
        sides: &[BlockSide],
        threads: usize,
        sink: &mut dyn RowSink,
    ) -> Result<Read, JpegError> {
        // Threads are for bytes that need not be waited for.
        let threads = input.whole().map_or(1, |_| threads.clamp(1, MOST_THREADS));
        let mut state = header.tables.clone();
        let mut missing = vec![true; header.components.len()];
        let mut at = header.first_scan;
        loop {
            let next = state.markers_until_scan(input, at, &header.components, false)?;
            let Next::Scan {
                header: scan,
                data_at,
            } = next
            else {
                return Err(JpegError::corrupt("a component has no scan"));
            };
            for component in &scan.components {
                match missing.get_mut(component.index) {
                    Some(missing) if *missing => *missing = false,
                    _ => return Err(JpegError::corrupt("a component has two scans")),
                }
            }
            let bits = self.scan(
                cpu, input, header, sides, &state, &scan, data_at, threads, sink,
            )?;
            if !missing.contains(&true) {
                return Ok(Read {
                    bytes: self.window.looked_at(),
                });
            }
            at = self.window.finish(input, &bits)?;
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what a scan is made of")]
    fn scan(
        &mut self,
        cpu: Cpu,
        input: &mut dyn Input,
        header: &Header,
        sides: &[BlockSide],
        state: &Tables,
        scan: &ScanHeader,
        data_at: usize,
        threads: usize,
        sink: &mut dyn RowSink,
    ) -> Result<super::bits::Bits, JpegError> {
        let geometry = Geometry::new(header, scan, sides, state)?;
        self.tables.build(state, scan, sides)?;
        let plans = self.tables.plans(scan, &geometry)?;
        let interval = usize::from(state.restart_interval);
        let coding = scan::Coding::new(cpu, &geometry, &plans, interval);
        scan::decode(
            &coding,
            &mut self.window,
            input,
            data_at,
            &mut self.buffers,
            threads,
            sink,
        )
    }
}
