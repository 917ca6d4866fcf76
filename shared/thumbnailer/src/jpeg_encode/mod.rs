//! Baseline JPEG from planes: samples that are in `Y'CbCr` already are not converted, shrunk or copied on their way.
//!
//! One row of minimum coded units at a time is transformed and quantised ([`forward`]) and becomes a list of Huffman
//! symbols with their extra bits ([`tokens`]). What is left is to look up each symbol's code and to push its bits
//! ([`mod@write`]): at once with the standard tables, after the last row with tables made for the picture ([`huffman`]),
//! since the list keeps everything that the second pass needs.
//!
//! The bytes are those of libjpeg-turbo with its accurate forward DCT for the same planes, quality and kind of tables.
//!
//! # Where the time goes
//!
//! Three photos at 1024 x 768, 4:2:0, quality 80, from planes, in milliseconds on one core of a Zen 5:
//!
//! | tables | AVX-512 | AVX2 | portable | libjpeg-turbo 2.1 |
//! |---|---|---|---|---|
//! | standard | 0.41 to 0.71 | 0.76 to 1.09 | 2.1 to 2.4 | 1.07 to 1.42 |
//! | optimised | 0.49 to 0.85 | 0.76 to 1.21 | 2.2 to 2.6 | 2.7 to 4.7 |
//!
//! With AVX-512 transform, symbols and codes take about a quarter each; most of the rest is counting. With AVX2 the
//! symbols are found one by one and take a third. Four at a time, with what is too much thrown away, gained 2 %.

mod forward;
mod huffman;
mod markers;
#[cfg(target_arch = "aarch64")]
mod neon;
mod quantise;
mod sampling;
#[cfg(test)]
mod tests;
mod tokens;
mod write;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::cpu::Cpu;
use crate::planes::Plane;
use forward::Group;
use quantise::Quantiser;
use sampling::Sampling;
use tokens::Tokens;
use write::{Codes, EntropyWriter};

/// Which Huffman tables a file gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HuffmanTables {
    /// Made for the picture: a few per cent fewer bytes, for a second look at each symbol.
    Optimised,
    /// Those of ITU-T T.81, Annex K.3.
    Standard,
}

/// Writes baseline JPEG files, one interleaved scan each. Keeps its buffers from one picture to the next.
#[derive(Debug)]
pub(crate) struct Encoder {
    cpu: Cpu,
    groups: Vec<Group>,
    tokens: Tokens,
}

impl Encoder {
    /// An encoder without buffers yet: they grow with the pictures that it gets.
    pub(crate) fn new(cpu: Cpu) -> Self {
        Self {
            cpu,
            groups: Vec::new(),
            tokens: Tokens::default(),
        }
    }

    /// Encodes `luma`, and `chroma` (Cb, Cr) beside it; without `chroma` the file is grayscale.
    ///
    /// Chroma planes as large as luma are 4:4:4, of half its width (rounded up) 4:2:2, of half its width and height
    /// 4:2:0. Samples past the edges repeat the last column and row. `quality` is libjpeg's, 1 to 100; what lies
    /// outside counts as the nearest. The file is JFIF 1.01 without metadata.
    ///
    /// # Errors
    ///
    /// When a side is 0 or more than 65535, or the planes do not fit each other.
    pub(crate) fn encode(
        &mut self,
        luma: &Plane,
        chroma: Option<[&Plane; 2]>,
        quality: u8,
        tables: HuffmanTables,
    ) -> Result<Vec<u8>, String> {
        let sampling = Sampling::new(luma, chroma)?;
        let quantisers = [
            Quantiser::new(&quantise::LUMA, quality),
            Quantiser::new(&quantise::CHROMA, quality),
        ];
        let mut file = Vec::with_capacity(luma.samples.len() / 4 + 1024);
        markers::start(&mut file, &sampling, &quantisers);
        self.tokens.start();
        self.groups.resize_with(sampling.groups(), Group::default);
        match tables {
            HuffmanTables::Optimised => {
                for row in 0..sampling.mcu_rows {
                    forward::mcu_row(self.cpu, &sampling, row, &quantisers, &mut self.groups);
                    self.tokens.mcu_row(self.cpu, &sampling, row, &self.groups);
                    self.tokens.count_new();
                }
                let tables = huffman::optimised(&self.tokens.counts(), sampling.tables());
                markers::scan(&mut file, &sampling, &tables);
                let mut writer = EntropyWriter::new(file);
                writer.write(self.cpu, self.tokens.all(), &Codes::new(&tables));
                file = writer.finish();
            }
            HuffmanTables::Standard => {
                let tables = huffman::standard(sampling.tables());
                let codes = Codes::new(&tables);
                markers::scan(&mut file, &sampling, &tables);
                let mut writer = EntropyWriter::new(file);
                for row in 0..sampling.mcu_rows {
                    forward::mcu_row(self.cpu, &sampling, row, &quantisers, &mut self.groups);
                    self.tokens.mcu_row(self.cpu, &sampling, row, &self.groups);
                    writer.write(self.cpu, self.tokens.all(), &codes);
                    self.tokens.clear();
                }
                file = writer.finish();
            }
        }
        file.extend_from_slice(&markers::END);
        Ok(file)
    }
}
