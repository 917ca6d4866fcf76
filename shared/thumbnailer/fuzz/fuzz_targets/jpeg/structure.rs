//! A JPEG taken apart far enough to change one part and leave the rest in order.

/// Marker codes, T.81 table B.1.
pub mod code {
    pub const SOF0: u8 = 0xc0;
    pub const SOF2: u8 = 0xc2;
    pub const DHT: u8 = 0xc4;
    pub const RST0: u8 = 0xd0;
    pub const RST7: u8 = 0xd7;
    pub const SOI: u8 = 0xd8;
    pub const EOI: u8 = 0xd9;
    pub const SOS: u8 = 0xda;
    pub const DQT: u8 = 0xdb;
    pub const DRI: u8 = 0xdd;
}

/// A marker, what its segment says, and the entropy-coded bytes behind it.
pub struct Segment {
    pub marker: u8,
    /// Without the length.
    pub payload: Vec<u8>,
    /// Restart intervals without their stuffing; none but for a scan.
    pub intervals: Vec<Vec<u8>>,
}

/// All segments between the start of the image and its end, as far as they can be read.
pub fn parse(bytes: &[u8]) -> Option<Vec<Segment>> {
    let mut rest = bytes.strip_prefix(&[0xff, code::SOI])?;
    let mut segments = Vec::new();
    while let [0xff, marker, high, low, ..] = *rest {
        if marker == code::EOI {
            break;
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        let payload = rest.get(4..2 + length)?.to_vec();
        rest = &rest[2 + length..];
        let mut intervals = Vec::new();
        if marker == code::SOS {
            (intervals, rest) = entropy_coded(rest);
        }
        segments.push(Segment {
            marker,
            payload,
            intervals,
        });
    }
    (!segments.is_empty()).then_some(segments)
}

/// The restart intervals at the start of `bytes`, and what follows them.
fn entropy_coded(bytes: &[u8]) -> (Vec<Vec<u8>>, &[u8]) {
    let mut intervals = vec![Vec::new()];
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, bytes.get(at + 1)) {
            (0xff, Some(0)) => at += 1,
            (0xff, Some(code::RST0..=code::RST7)) => {
                intervals.push(Vec::new());
                at += 2;
                continue;
            }
            (0xff, Some(0xff) | None) => {}
            (0xff, Some(_)) => break,
            _ => {}
        }
        if let Some(interval) = intervals.last_mut() {
            interval.push(byte);
        }
        at += 1;
    }
    (intervals, &bytes[at..])
}

/// The file again.
pub fn write(segments: &[Segment]) -> Vec<u8> {
    let mut bytes = vec![0xff, code::SOI];
    for segment in segments {
        let length = u16::try_from(segment.payload.len() + 2).unwrap_or(u16::MAX);
        bytes.extend([0xff, segment.marker]);
        bytes.extend(length.to_be_bytes());
        bytes.extend(segment.payload.iter().take(usize::from(length) - 2));
        for (interval, marker) in segment.intervals.iter().zip((0..8).cycle()) {
            for &byte in interval {
                bytes.push(byte);
                if byte == 0xff {
                    bytes.push(0);
                }
            }
            bytes.extend([0xff, code::RST0 + marker]);
        }
        if !segment.intervals.is_empty() {
            // No marker follows the last interval.
            bytes.truncate(bytes.len() - 2);
        }
    }
    bytes.extend([0xff, code::EOI]);
    bytes
}
