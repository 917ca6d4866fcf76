//! What a JPEG says of itself before its first scan.

mod application;
mod markers;
mod segments;
#[cfg(test)]
mod trickle;

pub(crate) use segments::{HuffmanSpec, Next, ScanHeader, Tables};

#[cfg(test)]
pub(crate) use {segments::ScanComponent, trickle::Trickle};

use application::Application;
use markers::{code, find_marker};

use super::{BlockSide, JpegError};
use crate::input::Input;
use crate::planes::Grid;

/// The frame header, the tables and the metadata before the first scan.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Header {
    /// Columns of the picture, at least 1.
    pub(crate) width: u32,
    /// Rows of the picture, at least 1.
    pub(crate) height: u32,
    /// Whether scans refine one another.
    pub(crate) progressive: bool,
    /// One, three or four.
    pub(crate) components: Vec<Component>,
    /// The largest horizontal sampling factor.
    pub(crate) h_max: u8,
    /// The largest vertical sampling factor.
    pub(crate) v_max: u8,
    /// The colour transform of the first Adobe segment: 0 none, 1 YCbCr, 2 YCCK.
    pub(crate) adobe_transform: Option<u8>,
    /// Whether it has a JFIF segment.
    pub(crate) jfif: bool,
    /// The EXIF orientation, 1 to 8; 1 when there is none.
    pub(crate) exif_orientation: u8,
    /// The ICC profile, its parts joined; none when a part is missing. At most 255 parts of 64 KiB.
    pub(crate) icc: Option<Vec<u8>>,
    /// Offset of the first scan's marker.
    pub(crate) first_scan: usize,
    /// What the segments before the first scan have set.
    pub(crate) tables: Tables,
}

/// A component of the frame, T.81 section B.2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Component {
    /// What scans call it.
    pub(crate) id: u8,
    /// Horizontal sampling factor, 1 to 4.
    pub(crate) h: u8,
    /// Vertical sampling factor, 1 to 4.
    pub(crate) v: u8,
    /// Destination of its quantiser, 0 to 3.
    pub(crate) quantiser: usize,
}

/// What the components mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    /// One component.
    Gray,
    /// Luma and two chroma, full range BT.601.
    YCbCr,
    /// Red, green, blue.
    Rgb,
    /// Cyan, magenta, yellow, black; Adobe stores them inverted.
    Cmyk,
    /// CMY as luma and chroma, and black; inverted like [`Colour::Cmyk`].
    Ycck,
}

impl Header {
    /// Reads up to the marker of the first scan, asking the input for one segment at a time.
    ///
    /// # Errors
    ///
    /// [`JpegError::Unsupported`] for what only the general decoder may know: arithmetic coding, lossless and
    /// hierarchical frames, other than 8 bits a sample, other than 1, 3 or 4 components, a height that comes later.
    /// [`JpegError::Truncated`] when the input ends first, [`JpegError::Corrupt`] when a segment is broken or there is
    /// no frame.
    pub(crate) fn read(input: &mut dyn Input) -> Result<Self, JpegError> {
        match input.from(0, 2)? {
            [0xff, code::SOI, ..] => {}
            [] | [0xff] => return Err(JpegError::Truncated),
            _ => return Err(JpegError::corrupt("it does not start like a JPEG")),
        }
        let mut frame = None;
        let mut tables = Tables::default();
        let mut application = Application::default();
        let mut at = 2;
        loop {
            let marker = find_marker(input, at)?;
            at = match marker.code {
                code::SOF0..=code::SOF15
                    if frame.is_none() && !matches!(marker.code, code::DHT | code::DAC) =>
                {
                    let (segment, end) = marker.segment(input)?;
                    frame = Some(Frame::read(marker.code, segment)?);
                    end
                }
                code::APP0 | code::APP1 | code::APP2 | code::APP14 => {
                    let (segment, end) = marker.segment(input)?;
                    application.take(marker.code, segment);
                    end
                }
                code::SOI => {
                    return Err(JpegError::corrupt("an image starts within the image"));
                }
                code::EOI => return Err(JpegError::corrupt("it has no scan")),
                code::SOS => {
                    let frame = frame.ok_or(JpegError::corrupt("it has no frame header"))?;
                    return Ok(frame.with(application, tables, marker.at));
                }
                _ => tables.take(marker, input)?,
            };
        }
    }

    /// The resolution of component `component` when each of its blocks becomes `side` x `side` samples.
    pub(crate) fn grid(&self, component: usize, side: BlockSide) -> Grid {
        let (h, v) = self
            .components
            .get(component)
            .map_or((1, 1), |component| (component.h, component.v));
        let axis = |length: u32, factor: u8, factor_max: u8| {
            // At most 65535 * 4 * 8: exact in every type here.
            let covered = length * u32::from(factor) * side as u32;
            let whole = u32::from(factor_max) * 8;
            (
                covered.div_ceil(whole) as usize,
                f64::from(covered) / f64::from(whole),
            )
        };
        let (width, extent_x) = axis(self.width, h, self.h_max);
        let (height, extent_y) = axis(self.height, v, self.v_max);
        Grid {
            width,
            height,
            extent_x,
            extent_y,
        }
    }

    /// What the components mean, by the rules of libjpeg's `default_decompress_parms`, which ITU-T T.872 leaves open:
    /// JFIF is always `YCbCr`, else Adobe's transform decides, else the names of the components.
    pub(crate) fn colour(&self) -> Colour {
        match (self.components.as_slice(), self.adobe_transform) {
            ([_], _) => Colour::Gray,
            ([_, _, _, _], None | Some(0)) => Colour::Cmyk,
            ([_, _, _, _], Some(_)) => Colour::Ycck,
            (_, Some(0)) if !self.jfif => Colour::Rgb,
            ([r, g, b], None) if !self.jfif && [r.id, g.id, b.id] == *b"RGB" => Colour::Rgb,
            _ => Colour::YCbCr,
        }
    }
}

/// The frame header, T.81 section B.2.2.
struct Frame {
    width: u32,
    height: u32,
    progressive: bool,
    components: Vec<Component>,
}

impl Frame {
    fn read(marker: u8, segment: &[u8]) -> Result<Self, JpegError> {
        // Tables B.1: the two low bits are the process, the next the hierarchy, the highest the coder.
        match marker & 15 {
            0..=2 => {}
            3 => return Err(JpegError::Unsupported("lossless coding")),
            5..=7 => return Err(JpegError::Unsupported("hierarchical coding")),
            8 => return Err(JpegError::Unsupported("an extension of JPEG")),
            _ => return Err(JpegError::Unsupported("arithmetic coding")),
        }
        let Some(([precision, height @ .., w1, w0, count], rest)) =
            segment.split_first_chunk::<6>()
        else {
            return Err(JpegError::corrupt("its frame header is cut short"));
        };
        if *precision != 8 {
            return Err(JpegError::Unsupported("other than 8 bits a sample"));
        }
        let height = u32::from(u16::from_be_bytes(*height));
        let width = u32::from(u16::from_be_bytes([*w1, *w0]));
        if width == 0 {
            return Err(JpegError::corrupt("it has no width"));
        }
        if height == 0 {
            return Err(JpegError::Unsupported("a height that comes after the scan"));
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(JpegError::Unsupported("other than 1, 3 or 4 components"));
        }
        if rest.len() != 3 * usize::from(*count) {
            return Err(JpegError::corrupt("its frame header has a wrong length"));
        }
        let mut components: Vec<Component> = Vec::with_capacity(4);
        for &[id, factors, quantiser] in rest.as_chunks().0 {
            let component = Component {
                id,
                h: factors >> 4,
                v: factors & 15,
                quantiser: usize::from(quantiser),
            };
            if !(1..=4).contains(&component.h) || !(1..=4).contains(&component.v) {
                return Err(JpegError::corrupt("its sampling factors are out of range"));
            }
            if component.quantiser > 3 {
                return Err(JpegError::corrupt("a component has no quantisation table"));
            }
            if components.iter().any(|other| other.id == id) {
                return Err(JpegError::Unsupported("components of the same name"));
            }
            components.push(component);
        }
        Ok(Self {
            width,
            height,
            progressive: marker == code::SOF2,
            components,
        })
    }

    fn with(self, application: Application, tables: Tables, first_scan: usize) -> Header {
        let largest =
            |factor: fn(&Component) -> u8| self.components.iter().map(factor).max().unwrap_or(1);
        Header {
            h_max: largest(|component| component.h),
            v_max: largest(|component| component.v),
            width: self.width,
            height: self.height,
            progressive: self.progressive,
            components: self.components,
            adobe_transform: application.adobe_transform,
            jfif: application.jfif,
            exif_orientation: application.exif_orientation.unwrap_or(1),
            icc: application.icc.joined(),
            first_scan,
            tables,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(marker: u8, parameters: &[u8]) -> Vec<u8> {
        let length = u16::try_from(parameters.len() + 2).unwrap();
        let mut bytes = vec![0xff, marker];
        bytes.extend(length.to_be_bytes());
        bytes.extend(parameters);
        bytes
    }

    fn frame(marker: u8, width: u16, height: u16, components: &[[u8; 3]]) -> Vec<u8> {
        let mut parameters = vec![8];
        parameters.extend(height.to_be_bytes());
        parameters.extend(width.to_be_bytes());
        parameters.push(u8::try_from(components.len()).unwrap());
        parameters.extend(components.as_flattened());
        segment(marker, &parameters)
    }

    const YCBCR: [[u8; 3]; 3] = [[1, 0x22, 0], [2, 0x11, 1], [3, 0x11, 1]];

    fn image(segments: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![0xff, 0xd8];
        bytes.extend(segments.concat());
        bytes.extend([0xff, 0xda]);
        bytes
    }

    fn read(segments: &[Vec<u8>]) -> Result<Header, JpegError> {
        Header::read(&mut image(segments).as_slice())
    }

    fn adobe(transform: u8) -> Vec<u8> {
        let mut parameters = b"Adobe\0\x64\0\0\0\0".to_vec();
        parameters.push(transform);
        segment(0xee, &parameters)
    }

    fn jfif() -> Vec<u8> {
        segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
    }

    fn icc(number: u8, count: u8, part: &[u8]) -> Vec<u8> {
        segment(
            0xe2,
            &[b"ICC_PROFILE\0".as_slice(), &[number, count], part].concat(),
        )
    }

    #[test]
    fn a_frame_is_read_up_to_its_first_scan() {
        let quantisers: Vec<u8> = (0..65).collect();
        let bytes = image(&[
            segment(0xdb, &quantisers),
            segment(0xdd, &[1, 2]),
            frame(0xc2, 300, 200, &YCBCR),
        ]);
        let header = Header::read(&mut bytes.as_slice()).unwrap();
        assert_eq!((header.width, header.height), (300, 200));
        assert!(header.progressive);
        assert_eq!((header.h_max, header.v_max), (2, 2));
        assert_eq!(header.components[2].quantiser, 1);
        assert_eq!(header.first_scan, bytes.len() - 2);
        assert_eq!(header.tables.restart_interval, 0x102);
        let quantiser = header.tables.quantisers[0].unwrap();
        // The third of the zig-zag is the first of the second row.
        assert_eq!((quantiser[1], quantiser[8], quantiser[63]), (2, 3, 64));
        assert_eq!(header.exif_orientation, 1);
        assert_eq!(header.colour(), Colour::YCbCr);
    }

    #[test]
    fn no_segment_is_asked_for_before_its_time() {
        let picture = image(&[
            jfif(),
            segment(0xed, &[0; 5000]),
            segment(0xfe, b"a comment"),
            frame(0xc0, 300, 200, &YCBCR),
        ]);
        let whole = Header::read(&mut picture.as_slice()).unwrap();
        let mut long = picture.clone();
        long.extend([0; 5000]);
        for step in [1, 7, 4096] {
            let mut trickle = Trickle::new(&long, step);
            assert_eq!(Header::read(&mut trickle).unwrap(), whole);
            assert_eq!(trickle.asked, picture.len());
        }
    }

    #[test]
    fn a_header_that_is_cut_anywhere_is_truncated() {
        let bytes = image(&[
            jfif(),
            segment(0xdb, &[1; 65]),
            icc(1, 1, b"profile"),
            frame(0xc0, 300, 200, &YCBCR),
        ]);
        for length in 0..bytes.len() {
            let error = Header::read(&mut &bytes[..length]).unwrap_err();
            assert_eq!(error, JpegError::Truncated, "{length}");
        }
    }

    #[test]
    fn fill_bytes_and_stray_bytes_between_segments_are_passed_over() {
        let mut stray = vec![0x12, 0xff, 0x00, 0xff, 0xd3, 0xff, 0xff];
        stray.extend(frame(0xc0, 9, 9, &YCBCR));
        stray.extend([7, 7]);
        assert_eq!(read(&[stray]).unwrap().width, 9);
    }

    #[test]
    fn what_only_the_general_decoder_may_know_is_unsupported() {
        for marker in [0xc3, 0xc5, 0xc7, 0xc8, 0xc9, 0xca, 0xcb, 0xcd, 0xcf] {
            let error = read(&[frame(marker, 9, 9, &YCBCR)]).unwrap_err();
            assert!(
                matches!(error, JpegError::Unsupported(_)),
                "{marker:x} {error}"
            );
        }
        let mut deep = frame(0xc1, 9, 9, &YCBCR);
        deep[4] = 12;
        for unsupported in [
            deep,
            frame(0xc0, 9, 0, &YCBCR),
            frame(0xc0, 9, 9, &YCBCR[..2]),
            frame(0xc0, 9, 9, &[YCBCR[0], YCBCR[0], YCBCR[1]]),
            segment(0xde, &[0; 9]),
        ] {
            let error = read(&[unsupported]).unwrap_err();
            assert!(matches!(error, JpegError::Unsupported(_)), "{error}");
        }
    }

    #[test]
    fn broken_segments_are_corrupt() {
        let mut long = frame(0xc0, 9, 9, &YCBCR);
        long[3] += 1;
        long.push(0);
        for broken in [
            vec![],
            vec![0xff, 0xd8],
            vec![0xff, 0xd9],
            vec![0xff, 0xfe, 0, 1],
            long,
            frame(0xc0, 0, 9, &YCBCR),
            frame(0xc0, 9, 9, &[[1, 0x01, 0]]),
            frame(0xc0, 9, 9, &[[1, 0x15, 0]]),
            frame(0xc0, 9, 9, &[[1, 0x11, 4]]),
            [frame(0xc0, 9, 9, &YCBCR), frame(0xc0, 9, 9, &YCBCR)].concat(),
            segment(0xdb, &[0; 64]),
            segment(0xdb, &[0x10; 100]),
            segment(0xdb, &[0x20; 65]),
            segment(0xdb, &[4; 65]),
            segment(0xc4, &[0; 16]),
            segment(0xc4, &[1; 20]),
            segment(0xc4, &[0x20; 17]),
            segment(
                0xc4,
                &[4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9],
            ),
            segment(0xdd, &[0; 3]),
        ] {
            let error = read(&[broken]).unwrap_err();
            assert!(matches!(error, JpegError::Corrupt(_)), "{error}");
        }
        assert!(matches!(
            Header::read(&mut b"\x89PNG".as_slice()),
            Err(JpegError::Corrupt(_))
        ));
    }

    #[test]
    fn the_parts_of_a_profile_are_joined_in_their_order() {
        let frame = frame(0xc0, 9, 9, &YCBCR);
        let profile = |parts: &[Vec<u8>]| read(&[parts.concat(), frame.clone()]).unwrap().icc;
        assert_eq!(
            profile(&[icc(2, 2, b"file"), icc(1, 2, b"pro")]).as_deref(),
            Some(b"profile".as_slice())
        );
        assert_eq!(profile(&[]), None);
        assert_eq!(profile(&[icc(1, 2, b"pro")]), None);
        assert_eq!(profile(&[icc(1, 1, b"pro"), icc(1, 1, b"file")]), None);
        assert_eq!(profile(&[icc(1, 2, b"pro"), icc(2, 3, b"file")]), None);
        assert_eq!(profile(&[icc(0, 1, b"pro")]), None);
    }

    #[test]
    fn the_first_exif_segment_gives_the_orientation() {
        let exif = |orientation: u8| {
            let mut bytes = b"Exif\0\0MM\0*\0\0\0\x08\0\x01".to_vec();
            bytes.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
            segment(0xe1, &bytes)
        };
        let other = segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0<x/>");
        let header = read(&[other, exif(6), exif(3), frame(0xc0, 9, 9, &YCBCR)]).unwrap();
        assert_eq!(header.exif_orientation, 6);
    }

    #[test]
    fn the_markers_say_what_the_components_mean_before_their_names_do() {
        let three = frame(0xc0, 9, 9, &YCBCR);
        let named = frame(
            0xc0,
            9,
            9,
            &[[b'R', 0x11, 0], [b'G', 0x11, 0], [b'B', 0x11, 0]],
        );
        let four = frame(
            0xc0,
            9,
            9,
            &[[1, 17, 0], [2, 17, 0], [3, 17, 0], [4, 17, 0]],
        );
        let gray = frame(0xc0, 9, 9, &YCBCR[..1]);
        let colour = |segments: &[Vec<u8>]| read(segments).unwrap().colour();
        assert_eq!(colour(std::slice::from_ref(&three)), Colour::YCbCr);
        assert_eq!(colour(&[adobe(0), three.clone()]), Colour::Rgb);
        assert_eq!(colour(&[adobe(1), three.clone()]), Colour::YCbCr);
        assert_eq!(colour(&[adobe(0), jfif(), three]), Colour::YCbCr);
        assert_eq!(colour(std::slice::from_ref(&named)), Colour::Rgb);
        assert_eq!(colour(&[jfif(), named.clone()]), Colour::YCbCr);
        assert_eq!(colour(&[adobe(1), named]), Colour::YCbCr);
        assert_eq!(colour(std::slice::from_ref(&four)), Colour::Cmyk);
        assert_eq!(colour(&[adobe(0), four.clone()]), Colour::Cmyk);
        assert_eq!(colour(&[adobe(2), four]), Colour::Ycck);
        assert_eq!(colour(&[adobe(0), gray]), Colour::Gray);
    }

    #[test]
    fn a_grid_ends_within_its_last_sample() {
        let header = read(&[frame(0xc0, 301, 7, &YCBCR)]).unwrap();
        let luma = header.grid(0, BlockSide::One);
        assert_eq!((luma.width, luma.height), (38, 1));
        assert_eq!((luma.extent_x, luma.extent_y), (37.625, 0.875));
        let chroma = header.grid(1, BlockSide::Four);
        assert_eq!((chroma.width, chroma.height), (76, 2));
        assert_eq!((chroma.extent_x, chroma.extent_y), (75.25, 1.75));
        let mut thirds = header;
        (thirds.h_max, thirds.components[0].h) = (3, 3);
        thirds.components[1].h = 2;
        assert_eq!(thirds.grid(1, BlockSide::Eight).width, 201);
    }
}
