//! What a JPEG says of itself before its first scan.

mod segments;

pub(crate) use segments::{
    HuffmanSpec, Next, ScanComponent, ScanHeader, Tables, find_marker,
};

use segments::code;

use super::{BlockSide, JpegError};
use crate::exif;
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
        let Some(([precision, height @ .., w1, w0, count], rest)) = segment.split_first_chunk::<6>()
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
        let largest = |factor: fn(&Component) -> u8| {
            self.components.iter().map(factor).max().unwrap_or(1)
        };
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

/// What the application segments say.
#[derive(Default)]
struct Application {
    jfif: bool,
    adobe_transform: Option<u8>,
    exif_orientation: Option<u8>,
    icc: IccParts,
}

impl Application {
    fn take(&mut self, marker: u8, segment: &[u8]) {
        match (marker, segment) {
            // A shorter one is no JFIF segment to libjpeg either.
            (code::APP0, [b'J', b'F', b'I', b'F', 0, ..]) if segment.len() >= 14 => self.jfif = true,
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
struct IccParts {
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

    fn joined(mut self) -> Option<Vec<u8>> {
        let complete = !self.inconsistent && self.parts.len() == usize::from(self.count);
        self.parts.sort_by_key(|(number, _)| *number);
        (complete && self.count > 0)
            .then(|| self.parts.into_iter().flat_map(|(_, part)| part).collect())
    }
}
