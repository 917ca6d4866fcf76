//! The two things the pipeline wants of a TIFF structure (EXIF is one): the orientation, and
//! whether it is a camera's raw file. Reads a handful of entries of the first directory only, so
//! loops and offsets out of range have nothing to bite on.

/// `Orientation`, TIFF 6.0 section 8.
const ORIENTATION: u16 = 0x0112;
/// `NewSubfileType`; bit 0 says that the directory holds a reduced copy of another image.
const NEW_SUBFILE_TYPE: u16 = 0x00fe;
/// `SubIFDs`, where camera makers keep the full image beside that reduced copy.
const SUB_IFDS: u16 = 0x014a;
/// `DNGVersion`, in every digital negative.
const DNG_VERSION: u16 = 0xc612;

/// The EXIF orientation, 1 to 8; 1 when there is none that can be read.
///
/// Takes what a JPEG APP1 segment holds (`Exif`, two zeros, a TIFF structure) or the bare
/// structure that PNG and most WebP files have.
pub(crate) fn orientation(exif: &[u8]) -> u8 {
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    first_directory(tiff)
        .and_then(|mut entries| entries.find(|entry| entry.tag == ORIENTATION))
        .and_then(|entry| u8::try_from(entry.value).ok())
        .filter(|orientation| (1..=8).contains(orientation))
        .unwrap_or(1)
}

/// Whether a TIFF file is a camera's raw file, whose first directory is only a preview.
pub(crate) fn is_camera_raw(tiff: &[u8]) -> bool {
    // Canon's CR2 says so after the header.
    if tiff.get(8..10) == Some(b"CR") {
        return true;
    }
    let Some(entries) = first_directory(tiff) else {
        return false;
    };
    let (mut preview, mut sub_directories) = (false, false);
    for entry in entries {
        match entry.tag {
            DNG_VERSION => return true,
            NEW_SUBFILE_TYPE => preview = entry.value & 1 == 1,
            SUB_IFDS => sub_directories = true,
            _ => {}
        }
    }
    preview && sub_directories
}

struct Entry {
    tag: u16,
    /// The first number of the value, when it fits in the entry.
    value: u32,
}

fn first_directory(tiff: &[u8]) -> Option<impl Iterator<Item = Entry>> {
    let reader = Reader {
        bytes: tiff,
        big_endian: match tiff.get(..4)? {
            b"II*\0" => false,
            b"MM\0*" => true,
            _ => return None,
        },
    };
    let start = usize::try_from(reader.u32(4)?).ok()?;
    let count = usize::from(reader.u16(start)?);
    Some((0..count).map_while(move |index| {
        let at = start.checked_add(2)?.checked_add(index * 12)?;
        let kind = reader.u16(at.checked_add(2)?)?;
        // SHORT values are left-justified in the four bytes.
        let value = match kind {
            3 => u32::from(reader.u16(at.checked_add(8)?)?),
            _ => reader.u32(at.checked_add(8)?)?,
        };
        Some(Entry {
            tag: reader.u16(at)?,
            value,
        })
    }))
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl Reader<'_> {
    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian {
            u16::from_be_bytes(*bytes)
        } else {
            u16::from_le_bytes(*bytes)
        })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian {
            u32::from_be_bytes(*bytes)
        } else {
            u32::from_le_bytes(*bytes)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn little_endian(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut tiff = b"II*\0\x08\0\0\0".to_vec();
        tiff.extend(u16::try_from(entries.len()).unwrap().to_le_bytes());
        for (tag, kind, value) in entries {
            tiff.extend(tag.to_le_bytes());
            tiff.extend(kind.to_le_bytes());
            tiff.extend(1u32.to_le_bytes());
            tiff.extend(value.to_le_bytes());
        }
        tiff
    }

    #[test]
    fn the_orientation_is_read_with_and_without_the_jpeg_prefix() {
        let tiff = little_endian(&[(0x010f, 2, 0), (ORIENTATION, 3, 6)]);
        assert_eq!(orientation(&tiff), 6);
        assert_eq!(orientation(&[b"Exif\0\0".as_slice(), &tiff].concat()), 6);
    }

    #[test]
    fn big_endian_short_values_are_left_justified() {
        let mut tiff = b"MM\0*\0\0\0\x08\0\x01".to_vec();
        tiff.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 8, 0, 0]);
        assert_eq!(orientation(&tiff), 8);
    }

    #[test]
    fn an_orientation_that_is_none_is_upright() {
        for value in [0, 9, 256 + 6, 65_535] {
            assert_eq!(orientation(&little_endian(&[(ORIENTATION, 3, value)])), 1);
        }
        let mut beyond = little_endian(&[(ORIENTATION, 3, 6)]);
        beyond[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(orientation(&beyond), 1);
        assert_eq!(orientation(b"Exif\0\0"), 1);
    }

    #[test]
    fn a_digital_negative_is_camera_raw_and_a_scan_is_not() {
        assert!(is_camera_raw(&little_endian(&[(DNG_VERSION, 1, 1)])));
        assert!(is_camera_raw(&little_endian(&[
            (NEW_SUBFILE_TYPE, 4, 1),
            (SUB_IFDS, 4, 99)
        ])));
        assert!(!is_camera_raw(&little_endian(&[(NEW_SUBFILE_TYPE, 4, 1)])));
        assert!(is_camera_raw(b"II*\0\x10\0\0\0CR\x02\0"));
    }

    proptest! {
        #[test]
        fn any_bytes_have_an_orientation(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!((1..=8).contains(&orientation(&bytes)));
            for (byte, magic) in bytes.iter_mut().zip(b"II*\0\x08\0\0\0") {
                *byte = *magic;
            }
            prop_assert!((1..=8).contains(&orientation(&bytes)));
            is_camera_raw(&bytes);
        }
    }
}
