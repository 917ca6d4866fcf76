//! Changes to a JPEG that leave it one: blind changes rarely get past its headers, and none of them keeps Huffman tables
//! whole or restart markers in order.

use libfuzzer_sys::fuzzer_mutate;

use crate::structure::{Segment, code, parse, write};

/// Changes `bytes[..size]` in place to at most `max_size` bytes, and gives how many there are then.
pub fn mutate(bytes: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut dice = Dice(u64::from(seed) << 1 | 1);
    let parsed = bytes.get(..size).and_then(parse);
    let Some(mut segments) = parsed.filter(|_| dice.below(8) != 0) else {
        return fuzzer_mutate(bytes, size, max_size);
    };
    for _ in 0..=dice.below(3) {
        match dice.below(16) {
            0..=5 => change_interval(&mut segments, &mut dice),
            6 => change_payload(&mut segments, &mut dice),
            7 => move_segment(&mut segments, &mut dice),
            8 | 9 => change_frame(&mut segments, &mut dice),
            10 | 11 => change_codes(&mut segments, &mut dice),
            12 => change_quantiser(&mut segments, &mut dice),
            13 => change_scan(&mut segments, &mut dice),
            _ => change_restarts(&mut segments, &mut dice),
        }
    }
    let file = write(&segments);
    let length = file.len().min(max_size);
    bytes[..length].copy_from_slice(&file[..length]);
    length
}

/// Random numbers from a seed, by a linear congruence with the multiplier of Knuth's MMIX.
struct Dice(u64);

impl Dice {
    /// A number below `end`, 0 when that is 0.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }

    fn one_of<const N: usize>(&mut self, choices: [usize; N]) -> usize {
        choices[self.below(N)]
    }

    fn byte(&mut self) -> u8 {
        self.below(256) as u8
    }

    /// One of the segments with such a marker.
    fn pick<'a>(
        &mut self,
        segments: &'a mut [Segment],
        is_wanted: impl Fn(u8) -> bool,
    ) -> Option<&'a mut Segment> {
        let mut found: Vec<&mut Segment> = segments
            .iter_mut()
            .filter(|segment| is_wanted(segment.marker))
            .collect();
        let index = self.below(found.len());
        (index < found.len()).then(|| found.swap_remove(index))
    }
}

/// What libFuzzer does to bytes, with room for some more.
fn change(bytes: &mut Vec<u8>, room: usize) {
    let size = bytes.len();
    bytes.resize(size + room, 0);
    let size = fuzzer_mutate(bytes, size, size + room);
    bytes.truncate(size);
}

fn change_interval(segments: &mut [Segment], dice: &mut Dice) {
    let Some(scan) = dice.pick(segments, |marker| marker == code::SOS) else {
        return;
    };
    let index = dice.below(scan.intervals.len());
    if let Some(interval) = scan.intervals.get_mut(index) {
        match dice.below(6) {
            0 => interval.truncate(dice.below(interval.len())),
            1 => {
                // More of the same kind: the fuzzer itself adds a few bytes at a time.
                let start = dice.below(interval.len());
                interval.extend_from_within(start..);
            }
            _ => change(interval, 16),
        }
    }
}

fn change_payload(segments: &mut [Segment], dice: &mut Dice) {
    if let Some(segment) = dice.pick(segments, |_| true) {
        change(&mut segment.payload, 4);
    }
}

fn move_segment(segments: &mut Vec<Segment>, dice: &mut Dice) {
    let (from, to) = (dice.below(segments.len()), dice.below(segments.len()));
    match dice.below(3) {
        0 if segments.len() > 1 => drop(segments.remove(from)),
        1 if segments.len() < 64 => {
            let Segment {
                marker,
                payload,
                intervals,
            } = &segments[from];
            let copy = Segment {
                marker: *marker,
                payload: payload.clone(),
                intervals: intervals.clone(),
            };
            segments.insert(to, copy);
        }
        _ => segments.swap(from, to),
    }
}

/// Size, process and sampling factors, T.81 section B.2.2.
fn change_frame(segments: &mut [Segment], dice: &mut Dice) {
    let is_frame = |marker| (code::SOF0..=code::SOF2).contains(&marker);
    let Some(frame) = dice.pick(segments, is_frame) else {
        return;
    };
    match dice.below(4) {
        0 => frame.marker = code::SOF0 + dice.below(3) as u8,
        1 => {
            let at = 1 + 2 * dice.below(2);
            let most = dice.one_of([8, 40, 300]);
            let length = 1 + dice.below(most);
            if let Some(bytes) = frame.payload.get_mut(at..at + 2) {
                bytes.copy_from_slice(&(length as u16).to_be_bytes());
            }
        }
        _ => {
            let components = frame.payload.len().saturating_sub(6) / 3;
            let at = 7 + 3 * dice.below(components);
            if let Some(factors) = frame.payload.get_mut(at) {
                let most = dice.one_of([2, 2, 4]);
                *factors = (1 + dice.below(most) as u8) << 4 | (1 + dice.below(most) as u8);
            }
        }
    }
}

/// Other Huffman codes that are whole: values change places, and so do numbers of codes as long as they fit.
fn change_codes(segments: &mut [Segment], dice: &mut Dice) {
    let Some(table) = dice.pick(segments, |marker| marker == code::DHT) else {
        return;
    };
    let Some((head, values)) = table.payload.split_at_mut_checked(17) else {
        return;
    };
    let counts = &mut head[1..];
    match dice.below(4) {
        0 | 1 => {
            let (one, other) = (dice.below(values.len()), dice.below(values.len()));
            if one != other {
                values.swap(one, other);
            }
        }
        2 => {
            let at = dice.below(values.len());
            let value = dice.byte();
            if let Some(old) = values.get_mut(at) {
                *old = value;
            }
        }
        _ => {
            let before: [u8; 16] = std::array::from_fn(|index| counts[index]);
            let (from, to) = (dice.below(16), dice.below(16));
            if counts[from] > 0 && counts[to] < u8::MAX {
                counts[from] -= 1;
                counts[to] += 1;
            }
            let room = (1..=16)
                .zip(counts.iter())
                .fold(0_u32, |room, (length, count)| {
                    room + (u32::from(*count) << (16 - length))
                });
            if room > 1 << 16 {
                counts.copy_from_slice(&before);
            }
        }
    }
}

fn change_quantiser(segments: &mut [Segment], dice: &mut Dice) {
    let Some(table) = dice.pick(segments, |marker| marker == code::DQT) else {
        return;
    };
    let at = 1 + dice.below(table.payload.len().saturating_sub(1));
    let any = dice.below(256);
    let value = dice.one_of([1, 2, 255, any]) as u8;
    if let Some(old) = table.payload.get_mut(at) {
        *old = value;
    }
}

/// Tables, and the band of coefficients and bits, T.81 section B.2.3.
fn change_scan(segments: &mut [Segment], dice: &mut Dice) {
    let Some(scan) = dice.pick(segments, |marker| marker == code::SOS) else {
        return;
    };
    let components = scan.payload.len().saturating_sub(4) / 2;
    let end = scan.payload.len();
    if dice.below(2) == 0 {
        let at = 2 + 2 * dice.below(components);
        let value = (dice.below(4) << 4 | dice.below(4)) as u8;
        if let Some(tables) = scan.payload.get_mut(at) {
            *tables = value;
        }
    } else if let Some([first, last, bits]) = scan.payload.get_mut(end.saturating_sub(3)..) {
        let (any, other, low) = (dice.below(64), dice.below(64), dice.below(4));
        *first = dice.one_of([0, 1, any]) as u8;
        *last = dice.one_of([0, 63, other]).max(usize::from(*first)) as u8;
        *bits = (dice.one_of([0, low + 1]) << 4 | low) as u8;
    }
}

/// Another restart interval, or intervals that are split or joined anywhere.
fn change_restarts(segments: &mut Vec<Segment>, dice: &mut Dice) {
    if dice.below(2) == 0 {
        let interval = (dice.below(12) as u16).to_be_bytes().to_vec();
        match dice.pick(segments, |marker| marker == code::DRI) {
            Some(segment) => segment.payload = interval,
            None => {
                let segment = Segment {
                    marker: code::DRI,
                    payload: interval,
                    intervals: Vec::new(),
                };
                segments.insert(dice.below(segments.len()), segment);
            }
        }
        return;
    }
    let Some(scan) = dice.pick(segments, |marker| marker == code::SOS) else {
        return;
    };
    let index = dice.below(scan.intervals.len());
    if dice.below(3) == 0 && index + 1 < scan.intervals.len() {
        let next = scan.intervals.remove(index + 1);
        scan.intervals[index].extend(next);
    } else if let Some(interval) = scan.intervals.get_mut(index) {
        let rest = interval.split_off(dice.below(interval.len()));
        scan.intervals.insert(index + 1, rest);
    }
}
