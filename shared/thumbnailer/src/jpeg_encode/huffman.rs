use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// One Huffman table as a DHT segment says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// Whether it is for AC coefficients.
    pub(super) ac: bool,
    /// 0 for luma, 1 for chroma.
    pub(super) identifier: u8,
    /// How many codes have 1, 2, ... 16 bits.
    pub(super) lengths: [u8; 16],
    /// The symbols, by rising length of their codes.
    pub(super) values: Vec<u8>,
}

impl Table {
    /// The first token of this table's symbols.
    pub(super) fn place(&self) -> usize {
        usize::from(self.identifier) << 8 | usize::from(self.ac) << 9
    }
}

/// The tables of ITU-T T.81, Annex K.3: DC then AC, for luma alone or luma and chroma.
pub(super) fn standard(tables: usize) -> Vec<Table> {
    let dc = [DC_LUMA_LENGTHS, DC_CHROMA_LENGTHS];
    let ac = [
        (AC_LUMA_LENGTHS, AC_LUMA_VALUES),
        (AC_CHROMA_LENGTHS, AC_CHROMA_VALUES),
    ];
    (0..)
        .zip(dc.into_iter().zip(ac))
        .take(tables)
        .flat_map(|(identifier, (dc, (ac, values)))| {
            [
                Table {
                    ac: false,
                    identifier,
                    lengths: dc,
                    values: (0..12).collect(),
                },
                Table {
                    ac: true,
                    identifier,
                    lengths: ac,
                    values: values.to_vec(),
                },
            ]
        })
        .collect()
}

/// The best tables for symbols that occur as often as `counts` say (DC of luma and chroma, then AC), for luma alone
/// or luma and chroma.
pub(super) fn optimised(counts: &[[u32; 256]; 4], tables: usize) -> Vec<Table> {
    let [dc_luma, dc_chroma, ac_luma, ac_chroma] = counts;
    (0..)
        .zip([(dc_luma, ac_luma), (dc_chroma, ac_chroma)])
        .take(tables)
        .flat_map(|(identifier, (dc, ac))| {
            [(false, dc), (true, ac)].map(|(is_ac, counts)| {
                let (lengths, values) = lengths(counts);
                Table {
                    ac: is_ac,
                    identifier,
                    lengths,
                    values,
                }
            })
        })
        .collect()
}

/// A symbol that no picture has: it takes the code of only ones, which JPEG does not allow for a symbol.
const RESERVED: usize = 256;

/// The number of codes of each length and the symbols by rising length: ITU-T T.81, K.2, and its choice between
/// equal counts, which is the symbol of the highest value, a merged pair counting as the rarer of the two.
fn lengths(counts: &[u32; 256]) -> ([u8; 16], Vec<u8>) {
    /// Sorts by count, then by falling symbol.
    type Key = Reverse<(u64, Reverse<usize>, usize)>;
    let mut heap: BinaryHeap<Key> = counts
        .iter()
        .map(|&count| u64::from(count))
        .chain([1])
        .enumerate()
        .filter(|&(_, count)| count > 0)
        .map(|(symbol, count)| Reverse((count, Reverse(symbol), symbol)))
        .collect();
    // Nodes 0 to 256 are the symbols, those after them pairs, each later than what it consists of.
    let mut parents = [0_usize; 2 * (RESERVED + 1)];
    let mut nodes = RESERVED + 1;
    while let Some(Reverse((rare, order, first))) = heap.pop() {
        let Some(Reverse((common, _, second))) = heap.pop() else {
            break;
        };
        parents[first] = nodes;
        parents[second] = nodes;
        heap.push(Reverse((rare + common, order, nodes)));
        nodes += 1;
    }
    let root = nodes - 1;
    let mut depths = [0_usize; 2 * (RESERVED + 1)];
    for node in (0..root).rev() {
        if parents[node] != 0 {
            depths[node] = depths[parents[node]] + 1;
        }
    }
    let mut symbols: Vec<(usize, u8)> = (0..=255_u8)
        .map(|symbol| (depths[usize::from(symbol)], symbol))
        .filter(|&(depth, _)| depth > 0)
        .collect();
    symbols.sort_unstable();
    let values = symbols.into_iter().map(|(_, symbol)| symbol).collect();

    let mut bits = [0_usize; RESERVED + 1];
    for &depth in depths[..=RESERVED].iter().filter(|&&depth| depth > 0) {
        bits[depth] += 1;
    }
    // Two codes that are too long give way to the shorter one that they begin with; the other moves below a code that
    // is shorter still.
    for length in (17..bits.len()).rev() {
        while bits[length] > 0 {
            let shorter = (1..length - 1).rev().find(|&shorter| bits[shorter] > 0);
            let Some(shorter) = shorter else { break };
            bits[length] -= 2;
            bits[length - 1] += 1;
            bits[shorter + 1] += 2;
            bits[shorter] -= 1;
        }
    }
    // The reserved symbol has one of the longest codes.
    if let Some(longest) = bits.iter_mut().rev().find(|count| **count > 0) {
        *longest -= 1;
    }
    let lengths = std::array::from_fn(|index| u8::try_from(bits[index + 1]).unwrap_or(u8::MAX));
    (lengths, values)
}

const DC_LUMA_LENGTHS: [u8; 16] = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
const DC_CHROMA_LENGTHS: [u8; 16] = [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0];
const AC_LUMA_LENGTHS: [u8; 16] = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d];
const AC_CHROMA_LENGTHS: [u8; 16] = [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77];
const AC_LUMA_VALUES: &[u8; 162] = &[
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
    0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0,
    0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
    0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
    0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
    0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
    0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5,
    0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
    0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
];
const AC_CHROMA_VALUES: &[u8; 162] = &[
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
    0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0,
    0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26,
    0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
    0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
    0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
    0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5,
    0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
    0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
    0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The share of all codes of 16 bits that the codes take, in units of one such code.
    fn taken(lengths: &[u8; 16]) -> u32 {
        (1..)
            .zip(lengths)
            .map(|(length, &count)| u32::from(count) << (16 - length))
            .sum()
    }

    fn skewed(symbols: usize) -> [u32; 256] {
        let mut counts = [0; 256];
        let (mut count, mut next) = (1, 1);
        for slot in counts.iter_mut().take(symbols) {
            *slot = count;
            (count, next) = (next, count + next);
        }
        counts
    }

    #[test]
    fn no_code_has_more_than_sixteen_bits_or_only_ones() {
        for symbols in 1..=40 {
            let (lengths, values) = lengths(&skewed(symbols));
            assert_eq!(values.len(), symbols);
            assert_eq!(
                lengths
                    .iter()
                    .map(|&count| usize::from(count))
                    .sum::<usize>(),
                symbols
            );
            assert!(taken(&lengths) < 1 << 16);
        }
        // Without the limit, the rarest of forty would have a code of forty bits.
        let (lengths, values) = lengths(&skewed(40));
        assert_eq!(lengths, [0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 2, 0, 15]);
        assert_eq!((values[0], values[39]), (38, 1));
    }

    #[test]
    fn a_rarer_symbol_has_no_shorter_code_where_all_are_short_enough() {
        let mut counts = [0; 256];
        for (symbol, count) in (0_u32..).zip(&mut counts) {
            *count = (symbol * 77) % 256;
        }
        let (lengths, values) = lengths(&counts);
        let lengths = (1..)
            .zip(lengths)
            .flat_map(|(length, count)| std::iter::repeat_n(length, usize::from(count)));
        let coded: Vec<(u32, u32)> = lengths
            .zip(values)
            .map(|(length, value)| (length, counts[usize::from(value)]))
            .collect();
        for (length, count) in &coded {
            assert!(
                coded
                    .iter()
                    .all(|(other, more)| more <= count || other <= length)
            );
        }
    }

    #[test]
    fn the_standard_tables_have_every_symbol_once() {
        for table in standard(2) {
            let mut values = table.values.clone();
            values.sort_unstable();
            values.dedup();
            assert_eq!(values.len(), if table.ac { 162 } else { 12 });
            let coded: usize = table.lengths.iter().map(|&count| usize::from(count)).sum();
            assert_eq!(coded, values.len());
            assert!(taken(&table.lengths) < 1 << 16);
        }
    }
}
