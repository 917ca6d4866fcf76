use super::blocks::Blocks;
use super::deposit::{BitByBit, Deposit};
use super::{ac_first, ac_refine, dc};
use crate::cpu::Cpu;
use crate::input::Input;
use crate::jpeg::JpegError;
use crate::jpeg::bits::Bits;
use crate::jpeg::header::{Header, HuffmanSpec, ScanHeader, Tables};
use crate::jpeg::huffman::{CoefficientTable, Entry, HuffmanCode, SymbolTable};
use crate::jpeg::unstuff::Window;

/// The tables of one Huffman code.
#[derive(Debug)]
pub(super) struct Code {
    coefficients: CoefficientTable,
    symbols: SymbolTable,
}

impl Code {
    fn new(spec: Option<&HuffmanSpec>) -> Result<Self, JpegError> {
        let spec = spec.ok_or(JpegError::corrupt("a scan has no Huffman table"))?;
        let code = HuffmanCode::new(spec.counts, &spec.values)?;
        Ok(Self {
            coefficients: CoefficientTable::new(&code),
            symbols: SymbolTable::new(&code),
        })
    }

    /// The next symbol, and how many bits of its code still have to be consumed with those of its value: see
    /// [`Entry`]; `None` for a code that is not in the table. Needs as many valid bits as a code that is not long and its value may have, 25; a long one is refilled
    /// before and after.
    #[inline(always)]
    pub(super) fn next(&self, bytes: &[u8], bits: &mut Bits) -> Option<Entry> {
        let entry = self.coefficients.look_up(bits.buffer);
        if entry.is_long() {
            // A copy: what a function that is not inlined can reach cannot stay in registers.
            let mut moved = *bits;
            let entry = self.long(bytes, &mut moved);
            *bits = moved;
            return entry;
        }
        Some(entry)
    }

    /// What [`Code::next`] gives for codes that are not long.
    pub(super) fn look_up(&self, buffer: u64) -> Entry {
        self.coefficients.look_up(buffer)
    }

    #[cold]
    #[inline(never)]
    fn long(&self, bytes: &[u8], bits: &mut Bits) -> Option<Entry> {
        bits.refill(bytes);
        let symbol = self.symbols.decode(bits);
        bits.refill(bytes);
        symbol.map(|symbol| Entry::of(symbol, 0))
    }
}

/// The error when [`Code::next`] finds none.
#[cold]
pub(super) fn no_code() -> JpegError {
    JpegError::corrupt("a Huffman code that is not in the table")
}

/// Where the bits of a scan come from, one restart interval after the other.
pub(super) struct Source<'a> {
    window: &'a mut Window,
    input: &'a mut dyn Input,
    /// Offset of the scan's first byte in the file.
    at: usize,
    /// Units of decoding between two restart markers.
    pub(super) interval: usize,
    /// The number of the next restart marker.
    number: u8,
}

impl Source<'_> {
    /// The first bit. At most `blocks` blocks are decoded between two calls of [`Source::ensure`].
    pub(super) fn begin(&mut self, blocks: usize) -> Bits {
        self.window.begin(self.at, blocks)
    }

    /// The bytes for [`Bits::refill`].
    #[inline(always)]
    pub(super) fn bytes(&self) -> &[u8] {
        self.window.bytes()
    }

    /// See [`Window::ensure`].
    #[inline(always)]
    pub(super) fn ensure(&mut self, bits: &mut Bits) -> Result<(), JpegError> {
        if bits.at >= self.window.safe_until() {
            let mut moved = *bits;
            let ensured = self.window.ensure(self.input, &mut moved);
            *bits = moved;
            ensured?;
        }
        Ok(())
    }

    /// See [`Window::check`]. Is to be called every now and then: a cut scan of a large image is not worth decoding
    /// zeros to its end.
    pub(super) fn check(&self, bits: Bits) -> Result<(), JpegError> {
        self.window.check(&bits)
    }

    /// Why decoding failed at `bits` with `error`: because the file ends there, if it does, and zeros were read for the
    /// rest of a symbol.
    #[cold]
    pub(super) fn blame(&self, bits: Bits, error: JpegError) -> JpegError {
        // A code and its value are shorter than 32 bits.
        let beyond = Bits {
            at: bits.at + 4,
            ..bits
        };
        match self.check(beyond) {
            Err(JpegError::Truncated) => JpegError::Truncated,
            _ => error,
        }
    }

    /// Goes on behind the restart marker that has to be here.
    #[cold]
    pub(super) fn restart(&mut self, mut bits: Bits) -> Result<Bits, JpegError> {
        self.window.restart(self.input, &mut bits, self.number)?;
        self.number = (self.number + 1) & 7;
        Ok(bits)
    }
}

/// A scan that is about to be decoded.
#[derive(Debug)]
pub(super) struct Scan {
    kind: Kind,
    /// Down to which bit it brings the coefficients.
    low: u32,
    restart_interval: u16,
}

#[derive(Debug)]
enum Kind {
    DcFirst(dc::Interleaving, Vec<Code>),
    DcRefine(dc::Interleaving),
    AcFirst(Band),
    AcRefine(Band),
}

/// A band of AC coefficients of one component.
#[derive(Debug)]
pub(super) struct Band {
    pub(super) blocks: Blocks,
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) code: Code,
}

impl Band {
    /// The blocks of row `row` of all blocks, and the maps of theirs.
    ///
    /// # Errors
    ///
    /// When there is no such row.
    pub(super) fn row<'a, const N: usize>(
        &self,
        row: usize,
        blocks: &'a mut [[i16; N]],
        nonzero: &'a mut [u64],
    ) -> Result<(&'a mut [[i16; N]], &'a mut [u64]), JpegError> {
        let start = row * self.blocks.stride;
        let row = start..start + self.blocks.width;
        let blocks = blocks.get_mut(row.clone());
        blocks.zip(nonzero.get_mut(row)).ok_or(JpegError::corrupt(
            "a scan of more blocks than the image has",
        ))
    }
}

impl Scan {
    /// # Errors
    ///
    /// When a Huffman table is missing or impossible.
    pub(super) fn new(
        header: &Header,
        scan: &ScanHeader,
        tables: &Tables,
        layout: &[Blocks],
    ) -> Result<Self, JpegError> {
        let kind = if scan.first == 0 {
            let interleaving = dc::Interleaving::new(header, scan, layout);
            if scan.high == 0 {
                let codes = scan.components.iter().map(|component| {
                    let spec = tables.dc_tables.get(component.dc_table);
                    let spec = spec.and_then(Option::as_ref);
                    if spec.is_some_and(|spec| spec.values.iter().any(|size| *size > 15)) {
                        return Err(JpegError::corrupt("a DC difference of more than 15 bits"));
                    }
                    Code::new(spec)
                });
                Kind::DcFirst(interleaving, codes.collect::<Result<_, _>>()?)
            } else {
                Kind::DcRefine(interleaving)
            }
        } else {
            let component = scan.components.first();
            let (Some(component), Some(blocks)) = (
                component,
                component.and_then(|component| layout.get(component.index)),
            ) else {
                return Err(JpegError::corrupt("a scan has no component"));
            };
            let spec = tables.ac_tables.get(component.ac_table);
            let band = Band {
                blocks: *blocks,
                first: scan.first.into(),
                last: scan.last.into(),
                code: Code::new(spec.and_then(Option::as_ref))?,
            };
            if scan.high == 0 {
                Kind::AcFirst(band)
            } else {
                Kind::AcRefine(band)
            }
        };
        Ok(Self {
            kind,
            low: scan.low.into(),
            restart_interval: tables.restart_interval,
        })
    }

    /// Decodes it into the buffers that the layout describes, and gives the offset of the marker after it.
    ///
    /// # Errors
    ///
    /// When the data end too soon or contain what no encoder writes.
    pub(super) fn decode(
        &self,
        cpu: Cpu,
        window: &mut Window,
        input: &mut dyn Input,
        at: usize,
        coefficients: &mut [i16],
        nonzero: &mut [u64],
    ) -> Result<usize, JpegError> {
        let mut source = Source {
            window,
            input,
            at,
            interval: match self.restart_interval {
                0 => usize::MAX,
                interval => interval.into(),
            },
            number: 0,
        };
        let bits = self.entropy(cpu, &mut source, coefficients, nonzero)?;
        source.window.finish(source.input, &bits)
    }

    #[cfg(target_arch = "x86_64")]
    fn entropy(
        &self,
        cpu: Cpu,
        source: &mut Source<'_>,
        coefficients: &mut [i16],
        nonzero: &mut [u64],
    ) -> Result<Bits, JpegError> {
        if let Some(bmi2) = super::deposit::Bmi2::of(cpu) {
            #[expect(
                unsafe_code,
                reason = "calls for instructions that not every processor has"
            )]
            // SAFETY: there is a `Bmi2` only for a `Cpu` of at least AVX2, and those are made by detection of all of
            // these instructions.
            unsafe {
                self.entropy_avx2(bmi2, source, coefficients, nonzero)
            }
        } else {
            self.entropy_with(BitByBit, source, coefficients, nonzero)
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn entropy(
        &self,
        _cpu: Cpu,
        source: &mut Source<'_>,
        coefficients: &mut [i16],
        nonzero: &mut [u64],
    ) -> Result<Bits, JpegError> {
        self.entropy_with(BitByBit, source, coefficients, nonzero)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,movbe")]
    fn entropy_avx2(
        &self,
        bmi2: super::deposit::Bmi2,
        source: &mut Source<'_>,
        coefficients: &mut [i16],
        nonzero: &mut [u64],
    ) -> Result<Bits, JpegError> {
        self.entropy_with(bmi2, source, coefficients, nonzero)
    }

    #[inline(always)]
    fn entropy_with(
        &self,
        deposit: impl Deposit,
        source: &mut Source<'_>,
        coefficients: &mut [i16],
        nonzero: &mut [u64],
    ) -> Result<Bits, JpegError> {
        let band = match &self.kind {
            Kind::DcFirst(interleaving, codes) => {
                return dc::first(source, interleaving, codes, self.low, coefficients);
            }
            Kind::DcRefine(interleaving) => {
                return dc::refine(source, interleaving, self.low, coefficients);
            }
            Kind::AcFirst(band) | Kind::AcRefine(band) => band,
        };
        let coefficients = coefficients.get_mut(band.blocks.first_coefficient..);
        let coefficients = coefficients.unwrap_or_default();
        let nonzero = nonzero.get_mut(band.blocks.first_map..).unwrap_or_default();
        let first = matches!(self.kind, Kind::AcFirst(_));
        match (band.blocks.of_block(), first) {
            (4, true) => ac_first::decode::<4>(source, band, self.low, coefficients, nonzero),
            (16, true) => ac_first::decode::<16>(source, band, self.low, coefficients, nonzero),
            (_, true) => ac_first::decode::<64>(source, band, self.low, coefficients, nonzero),
            (4, false) => {
                ac_refine::decode::<4>(deposit, source, band, self.low, coefficients, nonzero)
            }
            (16, false) => {
                ac_refine::decode::<16>(deposit, source, band, self.low, coefficients, nonzero)
            }
            (_, false) => {
                ac_refine::decode::<64>(deposit, source, band, self.low, coefficients, nonzero)
            }
        }
    }
}
