use super::huffman::Table;
use super::quantise::{Quantiser, ZIGZAG};
use super::sampling::Sampling;

/// End of image.
pub(super) const END: [u8; 2] = [0xff, 0xd9];

/// Everything before the Huffman tables: SOI, JFIF 1.01 with square pixels, a DQT for each quantiser, SOF0.
pub(super) fn start(file: &mut Vec<u8>, sampling: &Sampling<'_>, quantisers: &[Quantiser; 2]) {
    file.extend_from_slice(&[0xff, 0xd8]);
    segment(file, 0xe0, |body| {
        body.extend_from_slice(b"JFIF\0");
        body.extend_from_slice(&[1, 1, 0, 0, 1, 0, 1, 0, 0]);
    });
    for (identifier, quantiser) in (0..).zip(quantisers).take(sampling.tables()) {
        segment(file, 0xdb, |body| {
            body.push(identifier);
            body.extend(ZIGZAG.map(|place| quantiser.values[usize::from(place)]));
        });
    }
    segment(file, 0xc0, |body| {
        body.push(8);
        body.extend_from_slice(&sampling.height.to_be_bytes());
        body.extend_from_slice(&sampling.width.to_be_bytes());
        body.push(sampling.count());
        for (identifier, component) in (1..).zip(&sampling.components) {
            body.extend_from_slice(&[identifier, component.factors, component.table]);
        }
    });
}

/// The Huffman tables and the start of the scan.
pub(super) fn scan(file: &mut Vec<u8>, sampling: &Sampling<'_>, tables: &[Table]) {
    for table in tables {
        segment(file, 0xc4, |body| {
            body.push(u8::from(table.ac) << 4 | table.identifier);
            body.extend_from_slice(&table.lengths);
            body.extend_from_slice(&table.values);
        });
    }
    segment(file, 0xda, |body| {
        body.push(sampling.count());
        for (identifier, component) in (1..).zip(&sampling.components) {
            body.extend_from_slice(&[identifier, component.table * 0x11]);
        }
        body.extend_from_slice(&[0, 63, 0]);
    });
}

/// One marker segment, of a few hundred bytes; its length is found once its body is there.
fn segment(file: &mut Vec<u8>, marker: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = Vec::with_capacity(192);
    body(&mut bytes);
    file.extend_from_slice(&[0xff, marker]);
    let length = u16::try_from(bytes.len() + 2).unwrap_or(u16::MAX);
    file.extend_from_slice(&length.to_be_bytes());
    file.extend_from_slice(&bytes);
}
