//! A part of a scan, as one of several threads reads it.

use super::super::stream::Stream;
use super::Coding;
use super::Place;
use super::guess::{meet, read_both};
use super::intervals::Halves;
use super::piece::{Segment, WORTH_TWO, limits};
use crate::jpeg::bits::Bits;
use crate::jpeg::unstuff::{BLOCK, End, Stretch, reserve, restart_marker, unstuff};

/// How many bytes of the file a part is, and how many parts there are. All of them together are the file from
/// somewhere to its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Division<'a> {
    pub(super) file: &'a [u8],
    /// Offset of the entropy-coded bytes.
    pub(super) at: usize,
    /// The restart interval that is there.
    pub(super) interval: usize,
    /// Bytes of a part.
    pub(super) size: usize,
}

impl Division<'_> {
    pub(super) fn parts(&self) -> usize {
        self.file.len().saturating_sub(self.at).div_ceil(self.size)
    }

    /// Where part `index` begins in the file, wherever that is.
    fn border(&self, index: usize) -> usize {
        (self.at + index * self.size).min(self.file.len())
    }

    /// The same, but never between 0xFF and what follows it.
    fn whole_border(&self, index: usize) -> usize {
        let (border, limit) = (self.border(index), self.border(index + 1));
        if index == 0 {
            return border;
        }
        let is_whole = |at: &usize| self.file.get(at - 1) != Some(&0xff);
        // Of a run of them as long as a part only the last counts.
        (border..=limit).find(is_whole).unwrap_or(border)
    }
}

/// The part and what two readers found in it.
#[derive(Debug, Default)]
pub(super) struct Part {
    bytes: Vec<u8>,
    length: usize,
    /// How many of the bytes come before the next part, which is in them as far as a unit may reach.
    pub(super) own: usize,
    starts: Vec<usize>,
    end: Option<End>,
    reserve: usize,
    /// Where it begins in the file, behind a restart marker if it begins with one,
    pub(super) begins_at: usize,
    /// and where the bytes end that were looked at.
    pub(super) ends_at: usize,
    /// The restart marker that it begins with.
    pub(super) marker: Option<u8>,
    /// How it ends.
    pub(super) last: Last,
    pub(super) segments: [Segment; 2],
    /// Where the readers stand.
    pub(super) readers: [Resting; 2],
    /// Restart intervals that have been read.
    pub(super) intervals: usize,
}

/// What is behind the last bytes of a part.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    /// Another part.
    #[default]
    Next,
    /// The end of the scan, or something that should not be there.
    End,
    /// More of an interval than a part holds.
    More,
}

/// A reader before a unit.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Resting {
    bits: Bits,
    predictions: [i32; 4],
    is_lost: bool,
}

impl Resting {
    fn of(stream: &Stream<'_>) -> Self {
        Self {
            bits: stream.bits(),
            predictions: stream.target.predictions,
            is_lost: stream.target.is_lost,
        }
    }

    /// A reader that stands at a place and has found nothing.
    pub(super) fn at(place: &Place) -> Self {
        Self {
            bits: place.bits,
            predictions: place.predictions,
            is_lost: false,
        }
    }

    /// The reader, with what it has found.
    pub(super) fn stream(self, segment: &mut Segment) -> Stream<'_> {
        let Segment { units, starts } = segment;
        let mut stream = Stream::new(self.bits, self.predictions, units, starts);
        stream.target.is_lost = self.is_lost;
        stream
    }
}

impl Part {
    /// The bytes.
    pub(super) fn stretch(&self) -> Stretch<'_> {
        Stretch {
            bytes: self.bytes.get(..self.length).unwrap_or_default(),
            starts: &self.starts,
            end: self.end,
            // A reader that stands this far has passed the part's own bytes with all that it holds.
            until: self.own + 8,
            reserve: self.reserve,
        }
    }

    /// What ends its last interval.
    pub(super) fn end(&self) -> Option<End> {
        self.end
    }

    fn clear(&mut self, coding: &Coding<'_>) {
        self.length = 0;
        self.starts.clear();
        self.end = None;
        self.reserve = reserve(coding.geometry.blocks.len());
        self.marker = None;
        self.last = Last::Next;
        for segment in &mut self.segments {
            segment.prepare(coding);
        }
        self.intervals = 0;
    }

    /// Appends bytes of the file, up to the next marker. Gives how many were read, and the marker.
    fn append(&mut self, file: &[u8]) -> (usize, Option<u8>) {
        let room = self.length + file.len() + BLOCK;
        if self.bytes.len() < room {
            self.bytes.resize(room, 0);
        }
        let target = self.bytes.get_mut(self.length..).unwrap_or_default();
        let moved = unstuff(file, target);
        self.length += moved.written;
        (moved.read, moved.marker)
    }

    /// Reads a part of one interval, from a guess.
    pub(super) fn guess(&mut self, coding: &Coding<'_>, division: &Division<'_>, index: usize) {
        self.clear(coding);
        let file = division.file;
        let (from, to) = (
            division.whole_border(index),
            division.whole_border(index + 1),
        );
        let (read, marker) = self.append(file.get(from..to).unwrap_or_default());
        self.own = self.length;
        (self.begins_at, self.ends_at) = (from, from + read);
        self.end = marker.map(End::Marker);
        if self.end.is_none() {
            // Twice as many, for each may be stuffed.
            let more = file.get(to..).unwrap_or_default();
            let some = more.get(..2 * (self.reserve + 32)).unwrap_or(more);
            let (read, marker) = self.append(some);
            self.end = match marker {
                Some(code) => Some(End::Marker(code)),
                None => (some.len() == more.len()).then_some(End::Input),
            };
            if self.end.is_some() {
                self.ends_at = to + read;
            }
        }
        if self.end.is_some() {
            self.last = Last::End;
        }
        let mut segments = std::mem::take(&mut self.segments);
        let stretch = self.stretch();
        let shared = coding.shared(stretch.bytes);
        let (certain, _) = limits(&stretch);
        let middle = if certain < WORTH_TWO {
            certain
        } else {
            certain / 2
        };
        let [first, second] = &mut segments;
        let mut one = Stream::new(Bits::before(0), [0; 4], &mut first.units, &mut first.starts);
        let mut other = Stream::new(
            Bits::before(middle),
            [0; 4],
            &mut second.units,
            &mut second.starts,
        );
        one.target.stop_units = coding.held;
        one.target.stop_at = middle;
        other.target.stop_units = coding.held;
        other.target.stop_at = certain;
        read_both(&mut one, true, &mut other, &shared);
        if !one.target.is_lost {
            one.target.is_lost = meet(&mut one, &other, coding.held, certain, &shared).is_err();
        }
        self.readers = [Resting::of(&one), Resting::of(&other)];
        self.segments = segments;
    }

    /// Reads the intervals that begin in a part.
    pub(super) fn whole_intervals(
        &mut self,
        coding: &Coding<'_>,
        division: &Division<'_>,
        index: usize,
        longest: usize,
    ) {
        self.clear(coding);
        let file = division.file;
        let (from, to) = (division.border(index), division.border(index + 1));
        self.own = 0;
        self.begins_at = from;
        self.ends_at = from;
        if index > 0 {
            let Some((behind, code)) = first_restart(file, from, to) else {
                // It is within an interval.
                self.end = Some(End::Input);
                return;
            };
            self.begins_at = behind;
            self.marker = Some(code);
        }
        let mut known = self
            .marker
            .map_or(division.interval, |code| usize::from(code & 7) + 1);
        let mut at = self.begins_at;
        let mut chunk_end = to;
        let limit = (to + longest).min(file.len());
        loop {
            let (read, marker) = self.append(file.get(at..chunk_end).unwrap_or_default());
            at += read;
            let last_start = self.starts.last().copied().unwrap_or(0);
            match marker {
                Some(code @ 0xd0..=0xd7) if at + 1 >= to => {
                    self.end = Some(End::Marker(code));
                    break;
                }
                Some(code) if code == restart_marker(known + 1) && last_start < self.length => {
                    self.starts.push(self.length);
                    known += 1;
                    at += 2;
                }
                Some(code) => {
                    self.end = Some(End::Marker(code));
                    self.last = Last::End;
                    break;
                }
                None if chunk_end >= file.len() => {
                    self.end = Some(End::Input);
                    self.last = Last::End;
                    break;
                }
                None if chunk_end >= limit => {
                    self.last = Last::More;
                    return;
                }
                None => chunk_end = (chunk_end + (32 << 10)).min(limit),
            }
        }
        self.ends_at = at;
        // How many units the last interval of the scan has is known only to who has counted those before.
        let whole = self.starts.len() + usize::from(self.last == Last::Next);
        let place = Place {
            bits: Bits::before(0),
            predictions: [0; 4],
            interval: 0,
            left: coding.interval,
            total: coding.interval * whole,
        };
        let mut segments = std::mem::take(&mut self.segments);
        let [first, second] = &mut segments;
        let stretch = self.stretch();
        self.intervals = match Halves::new(coding, &stretch, &place) {
            Some(halves) => halves
                .read(
                    coding,
                    &stretch,
                    &place,
                    &mut first.units,
                    &mut second.units,
                )
                .map_or(0, |_| halves.until),
            None => 0,
        };
        self.segments = segments;
    }
}

/// The first restart marker whose code is between two offsets: what is behind it, and its code.
pub(super) fn first_restart(file: &[u8], from: usize, to: usize) -> Option<(usize, u8)> {
    let mut at = from.checked_sub(1)?;
    loop {
        at += memchr::memchr(0xff, file.get(at..(to - 1).min(file.len()))?)?;
        match file.get(at + 1) {
            Some(code @ 0xd0..=0xd7) => return Some((at + 2, *code)),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use fixtures::encode::{JpegOptions, jpeg};

    use super::*;
    use crate::cpu::Cpu;
    use crate::jpeg::BlockSide;
    use crate::jpeg::baseline::geometry::Geometry;
    use crate::jpeg::baseline::tables::BuiltTables;
    use crate::jpeg::header::{Header, Next};

    #[test]
    #[cfg_attr(miri, ignore = "a large picture")]
    fn readers_find_units_wherever_a_part_begins() {
        let options = JpegOptions {
            quality: 97,
            ..JpegOptions::default()
        };
        let file = jpeg(&fixtures::photo(700, 460, 3), &options);
        let header = Header::read(&mut file.as_slice()).unwrap();
        let sides = [BlockSide::One; 3];
        let mut state = header.tables.clone();
        let (at, components) = (header.first_scan, &header.components);
        let next = state.markers_until_scan(&mut file.as_slice(), at, components, false);
        let Ok(Next::Scan {
            header: scan,
            data_at,
        }) = next
        else {
            panic!("{next:?}");
        };
        let geometry = Geometry::new(&header, &scan, &sides, &state).unwrap();
        let mut tables = BuiltTables::default();
        tables.build(&state, &scan, &sides).unwrap();
        let plans = tables.plans(&scan, &geometry).unwrap();
        let coding = Coding::new(Cpu::detect(), &geometry, &plans, 0);
        let mut part = Part::default();
        for at in (data_at..file.len() - (16 << 10)).step_by(501) {
            let division = Division {
                file: &file,
                at,
                interval: 0,
                size: 8 << 10,
            };
            part.guess(&coding, &division, 0);
            for (reader, segment) in part.readers.iter().zip(&part.segments) {
                assert!(!reader.is_lost, "{at}");
                assert!(segment.units.count() > 10, "{at}");
            }
        }
    }

    #[test]
    fn parts_without_their_stuffing_are_the_whole_without_it() {
        let files: [Vec<u8>; 3] = [
            (0..400_u16)
                .map(|byte| (byte % 250).to_le_bytes()[0])
                .collect(),
            [7, 0xff, 0, 8, 0xff, 0].repeat(60),
            [
                vec![1, 0xff],
                vec![0xff; 70],
                vec![0; 9],
                [0xff, 0].repeat(90),
            ]
            .concat(),
        ];
        for file in files {
            let mut whole = vec![0; file.len() + BLOCK];
            let moved = unstuff(&file, &mut whole);
            assert_eq!((moved.read, moved.marker), (file.len(), None));
            for size in [1, 2, 3, 7, 64] {
                for at in 0..2 {
                    let division = Division {
                        file: &file,
                        at,
                        interval: 0,
                        size,
                    };
                    let mut part = Part::default();
                    for index in 0..division.parts() {
                        let [from, to] =
                            [index, index + 1].map(|index| division.whole_border(index));
                        let (_, marker) = part.append(&file[from..to]);
                        assert_eq!(marker, None);
                    }
                    assert_eq!(part.bytes[..part.length], whole[at..moved.written]);
                }
            }
        }
    }

    #[test]
    fn a_restart_marker_belongs_to_where_its_code_is() {
        let file = [
            9, 0xff, 0, 0xff, 0xd0, 1, 0xff, 0xff, 0xd1, 0xff, 0xc0, 0xff,
        ];
        for (from, to, expected) in [
            (1, 12, Some((5, 0xd0))),
            (4, 5, Some((5, 0xd0))),
            (1, 4, None),
            (5, 12, Some((9, 0xd1))),
            (8, 9, Some((9, 0xd1))),
            (9, 12, None),
            (9, 99, None),
        ] {
            assert_eq!(first_restart(&file, from, to), expected, "{from} {to}");
        }
    }
}
