//! Progressive files for tests: given coefficients, split into scans by any script. What a decoder must make of them is
//! known exactly, because no pixels and no transform were involved.

use crate::jpeg::ZIGZAG;

/// A scan of a script.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) components: Vec<usize>,
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) high: u8,
    pub(super) low: u8,
}

/// The scan of `components` that has the band `first..=last` from bit `high` down to bit `low`.
pub(super) fn step(components: &[usize], first: usize, last: usize, high: u8, low: u8) -> Step {
    Step {
        components: components.to_vec(),
        first,
        last,
        high,
        low,
    }
}

/// Like libjpeg's: every kind of scan, bands that are refined together, in two steps.
pub(super) fn usual() -> Vec<Step> {
    vec![
        step(&[0, 1, 2], 0, 0, 0, 1),
        step(&[0], 1, 5, 0, 2),
        step(&[2], 1, 63, 0, 1),
        step(&[1], 1, 63, 0, 1),
        step(&[0], 6, 63, 0, 2),
        step(&[0], 1, 63, 2, 1),
        step(&[0, 1, 2], 0, 0, 1, 0),
        step(&[2], 1, 63, 1, 0),
        step(&[1], 1, 63, 1, 0),
        step(&[0], 1, 63, 1, 0),
    ]
}

/// An image as coefficients.
#[derive(Debug, Clone)]
pub(super) struct Specimen {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Sampling factors of each component.
    pub(super) factors: Vec<(usize, usize)>,
    pub(super) restart_interval: u16,
    /// Quantised coefficients in zig-zag order, by component and block, padded to whole units.
    pub(super) blocks: Vec<Vec<[i16; 64]>>,
}

impl Specimen {
    /// An image whose coefficients look like chance: many of the first ones, few of the others, now and then a block
    /// with all of them or none.
    pub(super) fn new(width: usize, height: usize, factors: &[(usize, usize)]) -> Self {
        let mut specimen = Self {
            width,
            height,
            factors: factors.to_vec(),
            restart_interval: 0,
            blocks: Vec::new(),
        };
        let mut state = (width * 1000 + height) as u64 + 0x9e37_79b9_7f4a_7c15;
        let mut random = move |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) % below
        };
        for component in 0..factors.len() {
            let (stride, rows) = specimen.padded(component);
            let blocks = (0..stride * rows).map(|_| {
                let kind = random(6);
                let mut block = [0; 64];
                for (index, coefficient) in block.iter_mut().enumerate() {
                    let often = match kind {
                        0 => 0,
                        1 => 100,
                        _ => 60 / (index as u64 + 2),
                    };
                    if index == 0 || random(100) < often {
                        let range = if index == 0 { 1000 } else { 1 << random(10) };
                        let magnitude = i16::try_from(random(range) + 1).unwrap();
                        *coefficient = if random(2) == 0 {
                            magnitude
                        } else {
                            -magnitude
                        };
                    }
                }
                block
            });
            specimen.blocks.push(blocks.collect());
        }
        specimen
    }

    fn largest(&self) -> (usize, usize) {
        let h = self.factors.iter().map(|(h, _)| *h).max().unwrap();
        let v = self.factors.iter().map(|(_, v)| *v).max().unwrap();
        (h, v)
    }

    /// Blocks in a row and rows of blocks, as interleaved scans have them.
    pub(super) fn padded(&self, component: usize) -> (usize, usize) {
        let (h_max, v_max) = self.largest();
        let (h, v) = self.factors[component];
        (
            self.width.div_ceil(8 * h_max) * h,
            self.height.div_ceil(8 * v_max) * v,
        )
    }

    /// Blocks in a row and rows of blocks of the picture alone.
    pub(super) fn covered(&self, component: usize) -> (usize, usize) {
        let (h_max, v_max) = self.largest();
        let (h, v) = self.factors[component];
        (
            (self.width * h).div_ceil(8 * h_max),
            (self.height * v).div_ceil(8 * v_max),
        )
    }

    /// The quantiser of all components, in natural order.
    pub(super) fn quantiser() -> [u16; 64] {
        std::array::from_fn(|index| u16::try_from(index / 8 + index % 8 + 1).unwrap())
    }

    /// A file whose scans are those of `script`.
    pub(super) fn write(&self, script: &[Step]) -> Vec<u8> {
        let mut file = self.start();
        for step in script {
            self.scan(step, &mut file);
        }
        file.extend([0xff, 0xd9]);
        file
    }

    /// What comes before the first scan.
    pub(super) fn start(&self) -> Vec<u8> {
        let mut file = vec![0xff, 0xd8];
        let quantiser = Self::quantiser();
        let values = ZIGZAG.map(|natural| u8::try_from(quantiser[usize::from(natural)]).unwrap());
        segment(&mut file, 0xdb, &[&[0], values.as_slice()].concat());
        let mut frame = vec![8];
        frame.extend(u16::try_from(self.height).unwrap().to_be_bytes());
        frame.extend(u16::try_from(self.width).unwrap().to_be_bytes());
        frame.push(u8::try_from(self.factors.len()).unwrap());
        for (id, (h, v)) in (1..).zip(&self.factors) {
            frame.extend([id, u8::try_from(h << 4 | v).unwrap(), 0]);
        }
        segment(&mut file, 0xc2, &frame);
        segment(&mut file, 0xdd, &self.restart_interval.to_be_bytes());
        file
    }

    /// Appends a scan and its Huffman table.
    pub(super) fn scan(&self, step: &Step, file: &mut Vec<u8>) {
        let tokens = self.tokens(step);
        let code = Code::of(tokens.iter().flatten());
        let class = if step.first == 0 { 0x00 } else { 0x10 };
        segment(file, 0xc4, &[&[class], code.table().as_slice()].concat());
        let mut header = vec![u8::try_from(step.components.len()).unwrap()];
        for component in &step.components {
            header.extend([u8::try_from(component + 1).unwrap(), 0]);
        }
        header.push(u8::try_from(step.first).unwrap());
        header.push(u8::try_from(step.last).unwrap());
        header.push(step.high << 4 | step.low);
        segment(file, 0xda, &header);
        for (index, interval) in tokens.iter().enumerate() {
            if index > 0 {
                file.extend([0xff, 0xd0 + u8::try_from((index - 1) % 8).unwrap()]);
            }
            code.write(interval, file);
        }
    }

    /// The blocks of a scan in its order: for each unit the component and the index of each block.
    fn units(&self, step: &Step) -> Vec<Vec<(usize, usize)>> {
        if let [component] = step.components[..] {
            let (stride, _) = self.padded(component);
            let (width, rows) = self.covered(component);
            return (0..width * rows)
                .map(|unit| vec![(component, unit / width * stride + unit % width)])
                .collect();
        }
        let (h_max, v_max) = self.largest();
        let columns = self.width.div_ceil(8 * h_max);
        let rows = self.height.div_ceil(8 * v_max);
        (0..columns * rows)
            .map(|unit| {
                let mut blocks = Vec::new();
                for &component in &step.components {
                    let (h, v) = self.factors[component];
                    let (stride, _) = self.padded(component);
                    for block in 0..h * v {
                        let row = unit / columns * v + block / h;
                        blocks.push((component, row * stride + unit % columns * h + block % h));
                    }
                }
                blocks
            })
            .collect()
    }

    /// The symbols of a scan, by restart interval.
    fn tokens(&self, step: &Step) -> Vec<Vec<Token>> {
        let units = self.units(step);
        let interval = match self.restart_interval {
            0 => units.len(),
            interval => interval.into(),
        };
        units
            .chunks(interval)
            .map(|units| {
                let mut interval = Interval {
                    step,
                    tokens: Vec::new(),
                    run: 0,
                    late: Vec::new(),
                };
                let mut before = [0; 4];
                for &(component, index) in units.iter().flatten() {
                    let block = &self.blocks[component][index];
                    match (step.first, step.high) {
                        (0, 0) => {
                            let value = i32::from(block[0] >> step.low);
                            let token = Token::value(0, value - before[component]);
                            before[component] = value;
                            interval.tokens.push(token);
                        }
                        (0, _) => interval.tokens.push(Token {
                            symbol: None,
                            bits: vec![block[0] >> step.low & 1 == 1],
                        }),
                        (_, 0) => interval.first(block),
                        _ => interval.refine(block),
                    }
                }
                interval.end_run();
                interval.tokens
            })
            .collect()
    }
}

fn segment(file: &mut Vec<u8>, marker: u8, parameters: &[u8]) {
    file.extend([0xff, marker]);
    file.extend(u16::try_from(parameters.len() + 2).unwrap().to_be_bytes());
    file.extend(parameters);
}

/// A symbol, if any, and what follows it as it is.
#[derive(Debug, Clone)]
struct Token {
    symbol: Option<u8>,
    bits: Vec<bool>,
}

impl Token {
    /// A coefficient after `run` zeros: T.81 table F.1 and F.2.
    fn value(run: usize, value: i32) -> Self {
        let size = 32 - value.unsigned_abs().leading_zeros();
        let bits = if value < 0 { value - 1 } else { value };
        Self {
            symbol: Some(u8::try_from(run << 4 | size as usize).unwrap()),
            bits: (0..size).rev().map(|bit| bits >> bit & 1 == 1).collect(),
        }
    }
}

/// The AC symbols of a restart interval: T.81 section G.1.2.2 and G.1.2.3.
struct Interval<'a> {
    step: &'a Step,
    tokens: Vec<Token>,
    /// Blocks that end without another new coefficient.
    run: usize,
    /// Their corrections.
    late: Vec<bool>,
}

impl Interval<'_> {
    fn first(&mut self, block: &[i16; 64]) {
        let mut zeros = 0;
        for &coefficient in &block[self.step.first..=self.step.last] {
            let magnitude = i32::from(coefficient.abs() >> self.step.low);
            if magnitude == 0 {
                zeros += 1;
                continue;
            }
            self.end_run();
            while zeros > 15 {
                self.sixteen_zeros(&mut Vec::new());
                zeros -= 16;
            }
            let value = magnitude * i32::from(coefficient.signum());
            self.tokens.push(Token::value(zeros, value));
            zeros = 0;
        }
        if zeros > 0 {
            self.lengthen_run(&mut Vec::new());
        }
    }

    fn refine(&mut self, block: &[i16; 64]) {
        let band = self.step.first..=self.step.last;
        let magnitude = |index: usize| block[index].abs() >> self.step.low;
        let last_new = band.clone().rev().find(|&index| magnitude(index) == 1);
        let mut zeros = 0;
        let mut corrections = Vec::new();
        for index in band {
            if magnitude(index) == 0 {
                zeros += 1;
                continue;
            }
            while zeros > 15 && last_new.is_some_and(|last| index <= last) {
                self.end_run();
                self.sixteen_zeros(&mut corrections);
                zeros -= 16;
            }
            if magnitude(index) > 1 {
                corrections.push(magnitude(index) & 1 == 1);
                continue;
            }
            self.end_run();
            let mut token = Token::value(zeros, block[index].signum().into());
            token.bits.append(&mut corrections);
            self.tokens.push(token);
            zeros = 0;
        }
        if zeros > 0 || !corrections.is_empty() {
            self.lengthen_run(&mut corrections);
        }
    }

    fn sixteen_zeros(&mut self, corrections: &mut Vec<bool>) {
        self.tokens.push(Token {
            symbol: Some(0xf0),
            bits: std::mem::take(corrections),
        });
    }

    fn lengthen_run(&mut self, corrections: &mut Vec<bool>) {
        self.run += 1;
        self.late.append(corrections);
        if self.run == 0x7fff {
            self.end_run();
        }
    }

    fn end_run(&mut self) {
        if self.run > 0 {
            let length = self.run.ilog2();
            let mut bits: Vec<bool> = (0..length)
                .rev()
                .map(|bit| self.run >> bit & 1 == 1)
                .collect();
            bits.append(&mut self.late);
            self.tokens.push(Token {
                symbol: Some(u8::try_from(length << 4).unwrap()),
                bits,
            });
            self.run = 0;
        }
    }
}

/// A Huffman code: the most frequent symbols in 1 to 7 bits, all others in 16.
struct Code {
    symbols: Vec<u8>,
}

impl Code {
    fn of<'a>(tokens: impl Iterator<Item = &'a Token>) -> Self {
        let mut counts = [0_usize; 256];
        for symbol in tokens.filter_map(|token| token.symbol) {
            counts[usize::from(symbol)] += 1;
        }
        let mut symbols: Vec<u8> = (0..=255)
            .filter(|symbol| counts[usize::from(*symbol)] > 0)
            .collect();
        symbols.sort_by_key(|symbol| std::cmp::Reverse(counts[usize::from(*symbol)]));
        Self { symbols }
    }

    fn table(&self) -> Vec<u8> {
        let mut table = vec![0; 16];
        for index in 0..self.symbols.len() {
            table[if index < 7 { index } else { 15 }] += 1;
        }
        table.extend(&self.symbols);
        table
    }

    fn write(&self, tokens: &[Token], file: &mut Vec<u8>) {
        let mut bits = Vec::new();
        for token in tokens {
            if let Some(symbol) = token.symbol {
                let index = self
                    .symbols
                    .iter()
                    .position(|other| *other == symbol)
                    .unwrap();
                // Seven codes of 1 to 7 bits are ones and a zero; the others count up behind seven ones.
                bits.extend(std::iter::repeat_n(true, index.min(7)));
                match index.checked_sub(7) {
                    None => bits.push(false),
                    Some(rest) => bits.extend((0..9).rev().map(|bit| rest >> bit & 1 == 1)),
                }
            }
            bits.extend(&token.bits);
        }
        for byte in bits.chunks(8) {
            let ones = byte.iter().chain(std::iter::repeat(&true)).take(8);
            let byte = ones.fold(0, |byte, bit| byte << 1 | u8::from(*bit));
            file.push(byte);
            if byte == 0xff {
                file.push(0);
            }
        }
    }
}
