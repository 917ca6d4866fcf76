//! Application segments: what cameras and programs say beside the frame.

use super::markers::code;
use crate::exif;

/// What the application segments say.
#[derive(Default)]
pub(super) struct Application {
    pub(super) jfif: bool,
    pub(super) adobe_transform: Option<u8>,
    pub(super) exif_orientation: Option<u8>,
    pub(super) icc: IccParts,
}

impl Application {
    /// Takes a segment with its marker's code.
    pub(super) fn take(&mut self, marker: u8, segment: &[u8]) {
        match (marker, segment) {
            // A shorter one is no JFIF segment to libjpeg either.
            (code::APP0, [b'J', b'F', b'I', b'F', 0, ..]) if segment.len() >= 14 => {
                self.jfif = true;
            }
            (code::APP1, [b'E', b'x', b'i', b'f', 0, 0, ..]) if self.exif_orientation.is_none() => {
                self.exif_orientation = Some(exif::orientation(segment));
            }
            (code::APP2, _) => {
                // ICC.1 section B.4: a name, the part's number from 1, the count of parts.
                if let Some([number, count, part @ ..]) = segment.strip_prefix(b"ICC_PROFILE\0") {
                    self.icc.take(*number, *count, part);
                }
            }
            (code::APP14, [b'A', b'd', b'o', b'b', b'e', .., _]) => {
                if let Some(transform) = segment.get(11) {
                    self.adobe_transform = Some(*transform);
                }
            }
            _ => {}
        }
    }
}

/// An ICC profile that comes in parts.
#[derive(Default)]
pub(super) struct IccParts {
    count: u8,
    parts: Vec<(u8, Vec<u8>)>,
    /// A part came twice or they do not agree how many they are: no profile is better than a wrong one.
    inconsistent: bool,
}

impl IccParts {
    fn take(&mut self, number: u8, count: u8, part: &[u8]) {
        let known = self.parts.iter().any(|(other, _)| *other == number);
        let other_count = !self.parts.is_empty() && self.count != count;
        if known || other_count || number == 0 || number > count {
            self.inconsistent = true;
        }
        if !self.inconsistent {
            self.count = count;
            self.parts.push((number, part.to_vec()));
        }
    }

    /// The whole profile, when all parts of it have come.
    pub(super) fn joined(mut self) -> Option<Vec<u8>> {
        let complete = !self.inconsistent && self.parts.len() == usize::from(self.count);
        self.parts.sort_by_key(|(number, _)| *number);
        (complete && self.count > 0)
            .then(|| self.parts.into_iter().flat_map(|(_, part)| part).collect())
    }
}
