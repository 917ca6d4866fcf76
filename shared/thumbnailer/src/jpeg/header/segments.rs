//! Marker segments, ITU-T T.81 annex B: the tables that they set for the scans after them.

use super::markers::{Marker, code, find_marker};
use super::{Component, JpegError};
use crate::input::Input;
use crate::jpeg::ZIGZAG;

/// Scans that an image may have. Encoders write about ten; each costs a pass over the image, so that a small file with
/// thousands of them is a bomb of time.
const MAX_SCANS: u32 = 256;

/// One Huffman table as its segment states it, T.81 section B.2.4.2. Whether its codes make sense is for who builds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HuffmanSpec {
    /// BITS: how many codes have 1, 2, .. 16 bits. Their sum is the length of `values`.
    pub(crate) counts: [u8; 16],
    /// HUFFVAL: the symbols, in order of their codes; at most 256.
    pub(crate) values: Vec<u8>,
}

/// What the segments up to some scan have set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "tables are what they are")]
pub(crate) struct Tables {
    /// Quantisation tables by their destination, in natural order.
    pub(crate) quantisers: [Option<[u16; 64]>; 4],
    /// Huffman tables for DC by their destination.
    pub(crate) dc_tables: [Option<HuffmanSpec>; 4],
    /// Huffman tables for AC by their destination.
    pub(crate) ac_tables: [Option<HuffmanSpec>; 4],
    /// Minimum coded units between two restart markers; none when 0.
    pub(crate) restart_interval: u16,
    /// The quantiser of each component that has been in a scan: what its destination held at the first one. A file
    /// may fill the same destination anew for its next component.
    pub(crate) latched: [Option<[u16; 64]>; 4],
    scans: u32,
}

/// A scan header, T.81 section B.2.3. Of a sequential image the last four are always 0, 63, 0, 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScanHeader {
    /// One to four, each component at most once.
    pub(crate) components: Vec<ScanComponent>,
    /// First zig-zag index of the band, `Ss`.
    pub(crate) first: u8,
    /// Last zig-zag index of the band, `Se`: at least `first`, at most 63.
    pub(crate) last: u8,
    /// `Ah`: down to which bit earlier scans have brought the band; 0 in a first scan.
    pub(crate) high: u8,
    /// `Al`: down to which bit this one brings it, 0 to 13.
    pub(crate) low: u8,
}

/// A component of a scan and the destinations of its Huffman tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScanComponent {
    /// Index into the components of the frame.
    pub(crate) index: usize,
    /// Destination of the DC table, 0 to 3.
    pub(crate) dc_table: usize,
    /// Destination of the AC table, 0 to 3.
    pub(crate) ac_table: usize,
}

/// What follows the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// A scan whose entropy-coded data start at `data_at`.
    Scan {
        /// What the scan holds.
        header: ScanHeader,
        /// Offset of the first byte of entropy-coded data.
        data_at: usize,
    },
    /// The end of the image.
    End {
        /// Offset of the first byte after the end marker.
        end: usize,
    },
}

impl Tables {
    /// Reads the segments from offset `at` up to the next scan header and past it, or to the end of the image.
    ///
    /// # Errors
    ///
    /// When a segment is broken, the input ends, there is a second frame, or a component's first scan comes before
    /// its quantiser.
    pub(crate) fn markers_until_scan(
        &mut self,
        input: &mut dyn Input,
        mut at: usize,
        components: &[Component],
        progressive: bool,
    ) -> Result<Next, JpegError> {
        loop {
            let marker = find_marker(input, at)?;
            match marker.code {
                code::EOI => return Ok(Next::End { end: marker.at + 2 }),
                code::SOI => return Err(JpegError::corrupt("an image starts within the image")),
                code::SOS => {
                    let (segment, data_at) = marker.segment(input)?;
                    let header = ScanHeader::read(segment, components, progressive)?;
                    self.enter(&header, components)?;
                    return Ok(Next::Scan { header, data_at });
                }
                _ => at = self.take(marker, input)?,
            }
        }
    }

    /// Takes what a segment other than a scan header sets, and gives the offset after it.
    ///
    /// # Errors
    ///
    /// When the segment is broken, or is a frame header of any kind.
    pub(crate) fn take(
        &mut self,
        marker: Marker,
        input: &mut dyn Input,
    ) -> Result<usize, JpegError> {
        match marker.code {
            code::DQT => {
                let (segment, end) = marker.segment(input)?;
                self.quantisation(segment)?;
                Ok(end)
            }
            code::DHT => {
                let (segment, end) = marker.segment(input)?;
                self.huffman(segment)?;
                Ok(end)
            }
            code::DRI => {
                let (segment, end) = marker.segment(input)?;
                let interval: &[u8; 2] = segment
                    .try_into()
                    .map_err(|_| JpegError::corrupt("its restart interval is not two bytes"))?;
                self.restart_interval = u16::from_be_bytes(*interval);
                Ok(end)
            }
            code::DHP | code::EXP => Err(JpegError::Unsupported("hierarchical coding")),
            // Conditioning of arithmetic coding: of no effect where there is none.
            code::DAC => marker.segment_end(input),
            code::SOF0..=code::SOF15 => Err(JpegError::corrupt("it has two frame headers")),
            _ => marker.segment_end(input),
        }
    }

    /// T.81 section B.2.4.1.
    fn quantisation(&mut self, mut segment: &[u8]) -> Result<(), JpegError> {
        const SHORT: JpegError = JpegError::corrupt("its quantisation table is cut short");
        while let Some((&kind, rest)) = segment.split_first() {
            let mut table = [0; 64];
            segment = match kind >> 4 {
                0 => {
                    let (values, rest) = rest.split_first_chunk::<64>().ok_or(SHORT)?;
                    for (value, place) in values.iter().zip(ZIGZAG) {
                        table[usize::from(place)] = u16::from(*value);
                    }
                    rest
                }
                1 => {
                    let (values, rest) = rest.split_first_chunk::<128>().ok_or(SHORT)?;
                    for (value, place) in values.as_chunks().0.iter().zip(ZIGZAG) {
                        table[usize::from(place)] = u16::from_be_bytes(*value);
                    }
                    rest
                }
                _ => {
                    return Err(JpegError::corrupt(
                        "its quantisation table has no precision",
                    ));
                }
            };
            *self
                .quantisers
                .get_mut(usize::from(kind & 15))
                .ok_or(JpegError::corrupt("it has more than four quantisers"))? = Some(table);
        }
        Ok(())
    }

    /// T.81 section B.2.4.2.
    fn huffman(&mut self, mut segment: &[u8]) -> Result<(), JpegError> {
        const SHORT: JpegError = JpegError::corrupt("its Huffman table is cut short");
        while let Some((&kind, rest)) = segment.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(SHORT)?;
            let count: usize = counts.iter().copied().map(usize::from).sum();
            if count > 256 {
                return Err(JpegError::corrupt("its Huffman table has too many codes"));
            }
            let (values, rest) = rest.split_at_checked(count).ok_or(SHORT)?;
            let tables = match kind >> 4 {
                0 => &mut self.dc_tables,
                1 => &mut self.ac_tables,
                _ => return Err(JpegError::corrupt("its Huffman table has no class")),
            };
            *tables
                .get_mut(usize::from(kind & 15))
                .ok_or(JpegError::corrupt("it has more than four Huffman tables"))? =
                Some(HuffmanSpec {
                    counts: *counts,
                    values: values.to_vec(),
                });
            segment = rest;
        }
        Ok(())
    }

    fn enter(&mut self, scan: &ScanHeader, components: &[Component]) -> Result<(), JpegError> {
        self.scans += 1;
        if self.scans > MAX_SCANS {
            return Err(JpegError::corrupt("it has more than 256 scans"));
        }
        for ScanComponent { index, .. } in &scan.components {
            let (Some(component), Some(latched)) =
                (components.get(*index), self.latched.get_mut(*index))
            else {
                continue;
            };
            if latched.is_none() {
                *latched = self.quantisers.get(component.quantiser).copied().flatten();
            }
            if latched.is_none() {
                return Err(JpegError::corrupt("a component has no quantisation table"));
            }
        }
        Ok(())
    }
}

impl ScanHeader {
    fn read(
        segment: &[u8],
        components: &[Component],
        progressive: bool,
    ) -> Result<Self, JpegError> {
        let (&count, rest) = segment
            .split_first()
            .ok_or(JpegError::corrupt("a scan header is empty"))?;
        let count = usize::from(count);
        if !(1..=4).contains(&count) || rest.len() != 2 * count + 3 {
            return Err(JpegError::corrupt("a scan header has a wrong length"));
        }
        let mut scan = Self {
            components: Vec::with_capacity(count),
            first: 0,
            last: 63,
            high: 0,
            low: 0,
        };
        let mut blocks = 0;
        for &[id, tables] in rest.as_chunks().0.iter().take(count) {
            let index = components
                .iter()
                .position(|component| component.id == id)
                .ok_or(JpegError::corrupt(
                    "a scan names a component that is not there",
                ))?;
            if scan.components.iter().any(|other| other.index == index) {
                return Err(JpegError::corrupt("a scan names a component twice"));
            }
            let (dc_table, ac_table) = (usize::from(tables >> 4), usize::from(tables & 15));
            if dc_table > 3 || ac_table > 3 {
                return Err(JpegError::corrupt("a scan names a table that is not there"));
            }
            scan.components.push(ScanComponent {
                index,
                dc_table,
                ac_table,
            });
            blocks += components
                .get(index)
                .map_or(0, |component| component.h * component.v);
        }
        if count > 1 && blocks > 10 {
            return Err(JpegError::corrupt(
                "a scan interleaves more than ten blocks",
            ));
        }
        if let (true, Some(&[first, last, bits])) = (progressive, rest.last_chunk::<3>()) {
            (scan.first, scan.last) = (first, last);
            (scan.high, scan.low) = (bits >> 4, bits & 15);
            scan.check_progression()?;
        }
        Ok(scan)
    }

    /// T.81 section G.1.1.1, and that each refinement adds one bit.
    fn check_progression(&self) -> Result<(), JpegError> {
        let band = if self.first == 0 {
            self.last == 0
        } else {
            self.first <= self.last && self.last <= 63 && self.components.len() == 1
        };
        let bits = self.low <= 13 && (self.high == 0 || self.high == self.low + 1);
        if band && bits {
            Ok(())
        } else {
            Err(JpegError::corrupt(
                "a scan has impossible progression parameters",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jpeg::header::Trickle;

    const COMPONENTS: [Component; 2] = [
        Component {
            id: 1,
            h: 2,
            v: 2,
            quantiser: 0,
        },
        Component {
            id: 7,
            h: 1,
            v: 1,
            quantiser: 0,
        },
    ];

    fn scan(parameters: &[u8]) -> Result<ScanHeader, JpegError> {
        ScanHeader::read(parameters, &COMPONENTS, true)
    }

    #[test]
    fn a_scan_names_its_components_and_its_band() {
        let header = scan(&[1, 7, 0x12, 1, 5, 0x21]).unwrap();
        let component = ScanComponent {
            index: 1,
            dc_table: 1,
            ac_table: 2,
        };
        assert_eq!(header.components, [component]);
        assert_eq!((header.first, header.last), (1, 5));
        assert_eq!((header.high, header.low), (2, 1));
        let sequential = ScanHeader::read(&[1, 7, 0x12, 9, 9, 9], &COMPONENTS, false).unwrap();
        assert_eq!((sequential.first, sequential.last), (0, 63));
        assert_eq!((sequential.high, sequential.low), (0, 0));
    }

    #[test]
    fn impossible_scans_are_corrupt() {
        for broken in [
            &[][..],
            &[0, 0, 0, 0],
            &[5, 1, 0, 7, 0, 1, 0, 7, 0, 1, 0, 0, 0, 0],
            &[1, 1, 0, 0, 0],
            &[1, 2, 0, 0, 0, 0],
            &[2, 1, 0, 1, 0, 0, 0, 0],
            &[1, 1, 0x40, 0, 0, 0],
            &[1, 1, 0x04, 0, 0, 0],
            // AC with DC, a band backwards, past the end, of two components; two bits at once, fourteen to come.
            &[1, 1, 0, 0, 5, 0],
            &[1, 1, 0, 5, 4, 0],
            &[1, 1, 0, 5, 64, 0],
            &[2, 1, 0, 7, 0, 1, 5, 0],
            &[1, 1, 0, 0, 0, 0x20],
            &[1, 1, 0, 0, 0, 0x0e],
        ] {
            assert!(
                matches!(scan(broken), Err(JpegError::Corrupt(_))),
                "{broken:?}"
            );
        }
    }

    #[test]
    fn more_than_ten_blocks_are_not_interleaved() {
        let wide = |v| Component {
            h: 3,
            v,
            ..COMPONENTS[0]
        };
        let read =
            |v| ScanHeader::read(&[2, 1, 0, 7, 0, 0, 63, 0], &[wide(v), COMPONENTS[1]], false);
        assert!(read(3).is_ok());
        assert!(read(4).is_err());
        assert!(ScanHeader::read(&[1, 1, 0, 0, 63, 0], &[wide(4)], false).is_ok());
    }

    fn quantiser(value: u8) -> Vec<u8> {
        let mut bytes = vec![0xff, 0xdb, 0, 67, 0];
        bytes.extend([value; 64]);
        bytes
    }

    const SCAN: [u8; 10] = [0xff, 0xda, 0, 8, 1, 7, 0, 0, 63, 0];

    #[test]
    fn a_component_keeps_the_quantiser_of_its_first_scan() {
        let bytes = [
            &quantiser(5)[..],
            &SCAN,
            &[1, 2, 0xff, 0, 3],
            &quantiser(6),
            &SCAN,
            &[0xff, 0xd9],
        ]
        .concat();
        for step in [1, 7, 4096] {
            let mut trickle = Trickle::new(&bytes, step);
            let mut tables = Tables::default();
            let mut at = 0;
            let mut scans = 0;
            loop {
                match tables
                    .markers_until_scan(&mut trickle, at, &COMPONENTS, false)
                    .unwrap()
                {
                    Next::Scan { data_at, .. } => {
                        scans += 1;
                        at = data_at;
                    }
                    Next::End { end } => break assert_eq!(end, bytes.len()),
                }
                assert_eq!(tables.latched[1], Some([5; 64]));
                assert_eq!(tables.latched[0], None);
            }
            assert_eq!(scans, 2);
            assert_eq!(tables.quantisers[0], Some([6; 64]));
        }
    }

    #[test]
    fn a_scan_without_a_quantiser_a_second_frame_and_a_second_start_are_corrupt() {
        let frame = [0xff, 0xc0, 0, 8, 0, 0, 0, 0, 0, 0];
        let start = [0xff, 0xd8, 0, 2];
        for bytes in [&SCAN[..], &frame, &start] {
            let next = Tables::default().markers_until_scan(&mut &bytes[..], 0, &COMPONENTS, false);
            assert!(matches!(next, Err(JpegError::Corrupt(_))), "{bytes:?}");
        }
    }

    #[test]
    fn a_file_with_thousands_of_scans_is_refused() {
        let bytes = [quantiser(5), SCAN.repeat(300)].concat();
        let mut tables = Tables::default();
        let mut at = 0;
        let scans = (0..300)
            .take_while(|_| {
                let next = tables.markers_until_scan(&mut bytes.as_slice(), at, &COMPONENTS, false);
                next.is_ok_and(|next| {
                    let Next::Scan { data_at, .. } = next else {
                        return false;
                    };
                    at = data_at;
                    true
                })
            })
            .count();
        assert_eq!(scans, 256);
    }
}
