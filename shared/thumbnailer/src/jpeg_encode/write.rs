#![expect(
    clippy::inline_always,
    reason = "these are compiled once for each kind of processor"
)]

use super::huffman::Table;
use super::tokens::{SYMBOLS, Token};
use crate::cpu::Cpu;

/// Tokens whose bits go through the buffer at once: of at most 27 bits each, 864 bytes.
const BATCH: usize = 256;

/// The bits of every symbol that a token can name.
///
/// The low five bits are how many bits symbol and extra bits have together, at most 16 + 11; above them is the code,
/// shifted to make room for the extra bits.
#[derive(Debug)]
pub(super) struct Codes(Box<[u32; SYMBOLS]>);

impl Codes {
    /// The codes of the tables: DC of luma and chroma, then AC.
    pub(super) fn new(tables: &[Table]) -> Self {
        let mut codes = Box::new([0; SYMBOLS]);
        for table in tables {
            let mut code = 0_u32;
            let mut values = table.values.iter();
            for (length, &count) in (1_u32..).zip(&table.lengths) {
                for &value in values.by_ref().take(usize::from(count)) {
                    let extra = u32::from(value) % 16;
                    let place = table.place() | usize::from(value);
                    codes[place % SYMBOLS] = (code << extra) << 5 | (length + extra);
                    code += 1;
                }
                code <<= 1;
            }
        }
        Self(codes)
    }
}

/// Writes the entropy-coded segment of a file.
#[derive(Debug)]
pub(super) struct EntropyWriter {
    file: Vec<u8>,
    /// The low `pending` bits are not written yet; those above them are.
    bits: u64,
    /// Fewer than eight.
    pending: u32,
}

impl EntropyWriter {
    /// Continues `file`.
    pub(super) fn new(file: Vec<u8>) -> Self {
        Self {
            file,
            bits: 0,
            pending: 0,
        }
    }

    /// Adds the codes and the extra bits of all tokens.
    pub(super) fn write(&mut self, cpu: Cpu, tokens: &[Token], codes: &Codes) {
        match cpu {
            #[cfg(target_arch = "x86_64")]
            Cpu::Avx2 | Cpu::Avx512 => self.write_bmi(tokens, codes),
            _ => self.write_any(tokens, codes),
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "calls a function for a detected processor")]
    fn write_bmi(&mut self, tokens: &[Token], codes: &Codes) {
        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,movbe")]
        fn inner(writer: &mut EntropyWriter, tokens: &[Token], codes: &Codes) {
            writer.write_any(tokens, codes);
        }
        // SAFETY: only called when `Cpu` says AVX2 or more, whose definition includes all of these.
        unsafe { inner(self, tokens, codes) }
    }

    #[inline(always)]
    fn write_any(&mut self, tokens: &[Token], codes: &Codes) {
        let mut buffer = [0; 1024 + 8];
        for batch in tokens.chunks(BATCH) {
            let mut used = 0;
            // Two tokens and the pending bits fit one word, so that the word goes out once for both.
            let (pairs, rest) = batch.as_chunks();
            for &[first, second] in pairs {
                let (first, first_length) = bits_of(first, codes);
                let (second, second_length) = bits_of(second, codes);
                self.push(
                    first << second_length | second,
                    first_length + second_length,
                    &mut buffer,
                    &mut used,
                );
            }
            for &token in rest {
                let (bits, length) = bits_of(token, codes);
                self.push(bits, length, &mut buffer, &mut used);
            }
            stuff(buffer.get(..used).unwrap_or_default(), &mut self.file);
        }
    }

    /// Appends at most 56 bits and puts all whole bytes into the buffer.
    #[inline(always)]
    fn push(&mut self, bits: u64, length: u32, buffer: &mut [u8; 1024 + 8], used: &mut usize) {
        self.bits = self.bits << length | bits;
        self.pending += length;
        let word = self.bits << ((64 - self.pending) % 64);
        let start = *used % 1024;
        buffer[start..start + 8].copy_from_slice(&word.to_be_bytes());
        *used += (self.pending / 8) as usize;
        self.pending %= 8;
    }

    /// The file, its last byte filled with ones.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.pending > 0 {
            let byte = (self.bits << 8 | 0xff) >> self.pending;
            stuff(&byte.to_le_bytes()[..1], &mut self.file);
        }
        self.file
    }
}

/// The code of a token with its extra bits, and how many bits that is.
#[inline(always)]
fn bits_of(token: Token, codes: &Codes) -> (u64, u32) {
    let code = codes.0[token as usize % SYMBOLS];
    (u64::from(code >> 5 | token >> 16), code % 32)
}

/// Appends `bytes` with a zero byte after each 0xFF, which would start a marker.
fn stuff(mut bytes: &[u8], file: &mut Vec<u8>) {
    while let Some(place) = memchr::memchr(0xff, bytes) {
        let (done, rest) = bytes.split_at(place + 1);
        file.extend_from_slice(done);
        file.push(0);
        bytes = rest;
    }
    file.extend_from_slice(bytes);
}
