//! The boxes of an AVIF still image: ISO/IEC 14496-12 (boxes), 23008-12 (items and their
//! properties), and the AV1 Image File Format on top. Reads what a thumbnail needs of them.

use std::borrow::Cow;

use super::avif_aperture::Aperture;

/// One coded picture of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    /// What of it is the picture, before it is turned.
    pub(super) aperture: Option<Aperture>,
    /// As EXIF counts it, from the rotation and mirror properties; EXIF itself has no say in AVIF.
    pub(super) orientation: u8,
    pub(super) profile: Option<&'a [u8]>,
    pub(super) coding: Option<Coding>,
    /// The AV1 stream.
    pub(super) stream: Cow<'a, [u8]>,
}

/// What the samples mean, as ITU-T H.273 numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coding {
    pub(super) primaries: u16,
    pub(super) matrix: u16,
    pub(super) full_range: bool,
}

/// The picture of an AVIF, and its transparency, which is a picture of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Container<'a> {
    pub(super) picture: Item<'a>,
    pub(super) alpha: Option<Item<'a>>,
}

/// The kind of a box, and what is in it.
type Boxed<'a> = ([u8; 4], &'a [u8]);

/// Why a container was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContainerError {
    Corrupt(&'static str),
    /// A picture put together from others, as some cameras write large ones.
    Derived,
}

use ContainerError::{Corrupt, Derived};

/// Pictures that go with another: its transparency, its depth, a map of gains.
const MOST_AUXILIARIES: usize = 16;

const CUT_SHORT: ContainerError = Corrupt("it is truncated or one of its boxes is");

impl<'a> Container<'a> {
    pub(super) fn read(file: &'a [u8]) -> Result<Self, ContainerError> {
        let meta = find(file, *b"meta").ok_or(Corrupt("it has no meta box"))?;
        // A version and flags, like every "full" box.
        let meta = Meta::read(file, meta.get(4..).ok_or(CUT_SHORT)?)?;
        let picture = meta.item(meta.primary)?;
        let alpha = meta
            .alpha_of(meta.primary)
            .map(|id| meta.item(id))
            .transpose()?;
        Ok(Self { picture, alpha })
    }
}

/// The boxes of the meta box, unread but for the primary item's number.
struct Meta<'a> {
    file: &'a [u8],
    primary: u32,
    locations: &'a [u8],
    information: &'a [u8],
    references: &'a [u8],
    properties: Vec<Boxed<'a>>,
    /// Which properties items have: one `ipma` box for each form that they are written in.
    associations: Vec<&'a [u8]>,
    data: &'a [u8],
}

impl<'a> Meta<'a> {
    fn read(file: &'a [u8], meta: &'a [u8]) -> Result<Self, ContainerError> {
        let primary = find(meta, *b"pitm").ok_or(Corrupt("it names no primary picture"))?;
        let mut primary = Reader(primary);
        let version = primary.version()?;
        let properties = find(meta, *b"iprp").ok_or(Corrupt("its pictures have no properties"))?;
        Ok(Self {
            file,
            primary: primary.number(if version == 0 { 2 } else { 4 })?,
            locations: find(meta, *b"iloc").ok_or(Corrupt("its pictures have no place"))?,
            information: find(meta, *b"iinf").unwrap_or_default(),
            references: find(meta, *b"iref").unwrap_or_default(),
            properties: boxes(find(properties, *b"ipco").unwrap_or_default()).collect(),
            associations: boxes(properties)
                .filter(|(kind, _)| kind == b"ipma")
                .map(|(_, body)| body)
                .collect(),
            data: find(meta, *b"idat").unwrap_or_default(),
        })
    }

    fn item(&self, id: u32) -> Result<Item<'a>, ContainerError> {
        if self.kind(id)? != *b"av01" {
            return Err(Derived);
        }
        let mut item = Item {
            width: 0,
            height: 0,
            aperture: None,
            orientation: 1,
            profile: None,
            coding: None,
            stream: self.stream(id)?,
        };
        let (mut quarter_turns, mut mirror, mut clean) = (0, None, None);
        for (kind, body) in self.properties_of(id)? {
            let mut reader = Reader(body);
            match &kind {
                b"ispe" => {
                    reader.version()?;
                    item.width = reader.number(4)?;
                    item.height = reader.number(4)?;
                }
                b"clap" => {
                    let mut fractions = [0; 8];
                    for number in &mut fractions {
                        *number = reader.number(4)?;
                    }
                    clean = Some(fractions);
                }
                b"irot" => quarter_turns = reader.number(1)? & 3,
                b"imir" => mirror = Some(reader.number(1)? & 1),
                b"colr" => match &reader.take::<4>()? {
                    b"prof" | b"rICC" => item.profile = Some(reader.0),
                    b"nclx" => item.coding = Some(Coding::read(&mut reader)?),
                    _ => {}
                },
                _ => {}
            }
        }
        item.aperture = clean.and_then(|clean| Aperture::of(clean, item.width, item.height));
        item.orientation = orientation(quarter_turns, mirror);
        Ok(item)
    }

    /// The type of an item, `av01` for one coded picture.
    fn kind(&self, id: u32) -> Result<[u8; 4], ContainerError> {
        let mut reader = Reader(self.information);
        let version = reader.version()?;
        reader.number(if version == 0 { 2 } else { 4 })?;
        for (kind, body) in boxes(reader.0) {
            let mut entry = Reader(body);
            let version = entry.version()?;
            if kind != *b"infe" || version < 2 {
                continue;
            }
            if entry.number(if version == 2 { 2 } else { 4 })? == id {
                let _protection = entry.number(2)?;
                return entry.take();
            }
        }
        Err(Corrupt("it does not say of what type its picture is"))
    }

    /// The bytes of an item, which may lie in several places.
    fn stream(&self, id: u32) -> Result<Cow<'a, [u8]>, ContainerError> {
        let mut reader = Reader(self.locations);
        let version = reader.version()?;
        let [sizes, more_sizes] = reader.take()?;
        let (offset_size, length_size) = (sizes >> 4, sizes & 15);
        let base_size = more_sizes >> 4;
        let index_size = if version == 0 { 0 } else { more_sizes & 15 };
        let id_size = if version < 2 { 2 } else { 4 };
        let count = reader.number(id_size)?;
        for _ in 0..count {
            let here = reader.number(id_size)? == id;
            let method = if version == 0 {
                0
            } else {
                reader.number(2)? & 15
            };
            reader.number(2)?;
            let base = reader.size(base_size)?;
            let extents = reader.number(2)?;
            let mut stream = Cow::Borrowed(&[][..]);
            for _ in 0..extents {
                reader.size(index_size)?;
                let start = base.saturating_add(reader.size(offset_size)?);
                let length = reader.size(length_size)?;
                if !here {
                    continue;
                }
                let source = match method {
                    0 => self.file,
                    1 => self.data,
                    _ => return Err(Derived),
                };
                let extent = match length {
                    0 => source.get(start..),
                    length => source.get(start..start.saturating_add(length)),
                };
                let extent = extent.ok_or(CUT_SHORT)?;
                if stream.len().saturating_add(extent.len()) > source.len() {
                    return Err(Corrupt("the parts of its picture overlap"));
                }
                if stream.is_empty() {
                    stream = Cow::Borrowed(extent);
                } else {
                    stream.to_mut().extend_from_slice(extent);
                }
            }
            if here {
                return Ok(stream);
            }
        }
        Err(Corrupt("its picture has no place"))
    }

    /// The properties that are associated with an item.
    fn properties_of(&self, id: u32) -> Result<Vec<Boxed<'a>>, ContainerError> {
        let mut properties = Vec::new();
        for associations in &self.associations {
            let mut reader = Reader(associations);
            let [version, _, _, flags] = reader.take()?;
            let count = reader.number(4)?;
            for _ in 0..count {
                let here = reader.number(if version == 0 { 2 } else { 4 })? == id;
                for _ in 0..reader.number(1)? {
                    // The bit on top says that a reader must know the property.
                    let index = if flags & 1 == 1 {
                        reader.number(2)? & 0x7fff
                    } else {
                        reader.number(1)? & 0x7f
                    };
                    // They are counted from one; zero is none.
                    let property = usize::try_from(index)
                        .ok()
                        .and_then(|index| self.properties.get(index.checked_sub(1)?));
                    if here {
                        properties.extend(property);
                    }
                }
            }
        }
        Ok(properties)
    }

    /// The item that holds the transparency of another.
    fn alpha_of(&self, id: u32) -> Option<u32> {
        let mut reader = Reader(self.references);
        let size = if reader.version().ok()? == 0 { 2 } else { 4 };
        boxes(reader.0)
            .filter(|(kind, _)| kind == b"auxl")
            .filter_map(|(_, body)| {
                let mut reference = Reader(body);
                let from = reference.number(size).ok()?;
                let count = reference.number(2).ok()?;
                (0..count)
                    .map_while(|_| reference.number(size).ok())
                    .any(|to| to == id)
                    .then_some(from)
            })
            // Looking at each takes as long as there are properties, and both may be as many as fit a file.
            .take(MOST_AUXILIARIES)
            .find(|from| self.is_alpha(*from))
    }

    fn is_alpha(&self, id: u32) -> bool {
        let names: [&[u8]; 2] = [
            b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0",
            b"urn:mpeg:hevc:2015:auxid:1\0",
        ];
        self.properties_of(id).is_ok_and(|properties| {
            properties.iter().any(|(kind, body)| {
                kind == b"auxC"
                    && body
                        .get(4..)
                        .is_some_and(|name| names.iter().any(|known| name.starts_with(known)))
            })
        })
    }
}

impl Coding {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ContainerError> {
        let [p1, p0, _, _, m1, m0, range] = reader.take()?;
        Ok(Self {
            primaries: u16::from_be_bytes([p1, p0]),
            matrix: u16::from_be_bytes([m1, m0]),
            full_range: range & 0x80 != 0,
        })
    }
}

/// Quarter turns against the clock, then a mirror that swaps top and bottom (0) or left and
/// right (1), as the EXIF orientation that does the same.
fn orientation(quarter_turns: u32, mirror: Option<u32>) -> u8 {
    match (quarter_turns, mirror) {
        (1, None) => 8,
        (2, None) => 3,
        (3, None) => 6,
        (0, Some(0)) | (2, Some(1)) => 4,
        (0, Some(1)) | (2, Some(0)) => 2,
        (1, Some(0)) | (3, Some(1)) => 5,
        (1, Some(1)) | (3, Some(0)) => 7,
        _ => 1,
    }
}

/// The body of the first box of a kind.
fn find(bytes: &[u8], wanted: [u8; 4]) -> Option<&[u8]> {
    boxes(bytes)
        .find(|(kind, _)| *kind == wanted)
        .map(|(_, body)| body)
}

/// Boxes one after the other, up to the first that does not fit. The last may be without end.
fn boxes(bytes: &[u8]) -> impl Iterator<Item = Boxed<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let mut reader = Reader(rest);
        let length = usize::try_from(reader.number(4).ok()?).ok()?;
        let kind = reader.take::<4>().ok()?;
        let (header, length) = match length {
            0 => (8, rest.len()),
            1 => {
                let length = u64::from_be_bytes(reader.take().ok()?);
                (16, usize::try_from(length).ok()?)
            }
            length => (8, length),
        };
        let body = rest.get(header..length)?;
        rest = rest.get(length..)?;
        Some((kind, body))
    })
}

/// Reads numbers, most significant byte first.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], ContainerError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(CUT_SHORT)?;
        self.0 = rest;
        Ok(*bytes)
    }

    /// The version of a full box; its flags are skipped.
    fn version(&mut self) -> Result<u8, ContainerError> {
        let [version, _, _, _] = self.take()?;
        Ok(version)
    }

    /// A number of one, two or four bytes.
    fn number(&mut self, bytes: u8) -> Result<u32, ContainerError> {
        Ok(match bytes {
            1 => u8::from_be_bytes(self.take()?).into(),
            2 => u16::from_be_bytes(self.take()?).into(),
            _ => u32::from_be_bytes(self.take()?),
        })
    }

    /// An offset or length of no, four or eight bytes.
    fn size(&mut self, bytes: u8) -> Result<usize, ContainerError> {
        let size = match bytes {
            0 => 0,
            4 => u32::from_be_bytes(self.take()?).into(),
            8 => u64::from_be_bytes(self.take()?),
            _ => return Err(Corrupt("its places are of a size that is none")),
        };
        usize::try_from(size).map_err(|_| CUT_SHORT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_turn_and_a_mirror_are_one_exif_orientation() {
        assert_eq!(orientation(0, None), 1);
        // Against the clock: the way back from EXIF's 8, which a viewer turns by 270 degrees.
        assert_eq!(orientation(1, None), 8);
        assert_eq!(orientation(3, Some(1)), 5);
        assert_eq!(orientation(0, Some(1)), 2);
    }

    #[test]
    fn a_box_longer_than_its_parent_ends_the_boxes() {
        let bytes = b"\0\0\0\x09abcdX\0\0\0\xffefgh";
        let found: Vec<_> = boxes(bytes).collect();
        assert_eq!(found, [(*b"abcd", &b"X"[..])]);
        assert_eq!(boxes(b"\0\0\0\x04abcd").count(), 0);
    }

    /// The file with `child` at the end of the innermost of some boxes within each other. Offsets into the file do not
    /// follow: only what the boxes say is of use.
    fn with_child(mut file: Vec<u8>, parents: &[&[u8; 4]], child: &[u8]) -> Vec<u8> {
        let mut end = 0;
        for parent in parents {
            let kind = (end..file.len())
                .find(|at| file[*at..].starts_with(*parent))
                .unwrap();
            let length = file[kind - 4..].first_chunk_mut::<4>().unwrap();
            let before = u32::from_be_bytes(*length);
            *length = (before + u32::try_from(child.len()).unwrap()).to_be_bytes();
            end = kind - 4;
        }
        let kind = end + 4;
        let length = u32::from_be_bytes(*file[end..].first_chunk().unwrap()) as usize;
        let at = kind - 4 + length - child.len();
        file.splice(at..at, child.iter().copied());
        file
    }

    #[test]
    fn properties_may_be_associated_by_several_boxes() {
        let file = fixtures::encode::avif(&fixtures::photo(16, 16, 1), 50.0);
        let meta = find(&file, *b"meta").unwrap();
        let known = Meta::read(&file, &meta[4..]).unwrap();
        let primary = u8::try_from(known.primary).unwrap();
        let next = u8::try_from(known.properties.len() + 1).unwrap();
        let turn = b"\0\0\0\x09irot\x01";
        // Of the other version, which has wider numbers of items.
        let association = [
            b"\0\0\0\x16ipma\x01\0\0\0\0\0\0\x01\0\0\0".as_slice(),
            &[primary, 1, next],
        ]
        .concat();
        let file = with_child(file, &[b"meta", b"iprp", b"ipco"], turn);
        let file = with_child(file, &[b"meta", b"iprp"], &association);
        assert_eq!(Container::read(&file).unwrap().picture.orientation, 8);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_container_or_none(
            mut file in Just(fixtures::encode::avif(&fixtures::photo(16, 16, 1), 50.0)).no_shrink(),
            changes in proptest::collection::vec((0usize..400, any::<u8>()), 0..8),
        ) {
            for (at, byte) in changes {
                if let Some(changed) = file.get_mut(at) {
                    *changed = byte;
                }
            }
            let _ = Container::read(&file);
        }
    }
}
