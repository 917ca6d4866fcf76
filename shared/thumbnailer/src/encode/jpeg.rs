use std::borrow::Cow;

use crate::Plan;
use crate::cpu::Cpu;
use crate::jpeg_encode::{Encoder, HuffmanTables};
use crate::picture::Canvas;
use crate::ycc;

/// Baseline, 4:2:0, one interleaved scan, Huffman tables made for the picture: what every viewer shows.
pub(super) fn encode(canvas: &Canvas, plan: &Plan) -> Result<Vec<u8>, String> {
    let samples = if canvas.alpha {
        Cow::Owned(canvas.flattened(plan.background.0))
    } else {
        Cow::Borrowed(&canvas.samples)
    };
    let cpu = Cpu::detect();
    let (width, height) = (canvas.width as usize, canvas.height as usize);
    let [luma, blue, red] = ycc::from_rgb(cpu, &samples, width, height, true);
    Encoder::new(cpu).encode(
        &luma,
        Some([&blue, &red]),
        plan.quality.jpeg,
        HuffmanTables::Optimised,
    )
}
