//! Finding markers, ITU-T T.81 annex B, in bytes that may still be arriving.

use super::JpegError;
use crate::input::Input;

/// What a search for a marker asks for at a time, in bytes.
pub(crate) const SEARCH_WINDOW: usize = 32 * 1024;

/// The codes of markers, T.81 table B.1: the byte after 0xFF.
pub(crate) mod code {
    pub(crate) const TEM: u8 = 0x01;
    pub(crate) const SOF0: u8 = 0xc0;
    pub(crate) const SOF2: u8 = 0xc2;
    pub(crate) const DHT: u8 = 0xc4;
    pub(crate) const DAC: u8 = 0xcc;
    pub(crate) const SOF15: u8 = 0xcf;
    pub(crate) const RST0: u8 = 0xd0;
    pub(crate) const RST7: u8 = 0xd7;
    pub(crate) const SOI: u8 = 0xd8;
    pub(crate) const EOI: u8 = 0xd9;
    pub(crate) const SOS: u8 = 0xda;
    pub(crate) const DQT: u8 = 0xdb;
    pub(crate) const DRI: u8 = 0xdd;
    pub(crate) const DHP: u8 = 0xde;
    pub(crate) const EXP: u8 = 0xdf;
    pub(crate) const APP0: u8 = 0xe0;
    pub(crate) const APP1: u8 = 0xe1;
    pub(crate) const APP2: u8 = 0xe2;
    pub(crate) const APP14: u8 = 0xee;
}

/// A marker and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marker {
    /// The byte after 0xFF.
    pub(crate) code: u8,
    /// Offset of that 0xFF, the last one when fill bytes precede it.
    pub(crate) at: usize,
}

impl Marker {
    /// The parameters of its segment, without their length, and the offset after them.
    ///
    /// # Errors
    ///
    /// [`JpegError::Truncated`] when the input ends before them.
    pub(crate) fn segment(self, input: &mut dyn Input) -> Result<(&[u8], usize), JpegError> {
        let end = self.segment_end(input)?;
        let start = self.at + 4;
        let segment = input
            .from(start, end - start)?
            .get(..end - start)
            .ok_or(JpegError::Truncated)?;
        Ok((segment, end))
    }

    /// The offset after its segment, of which only the length is read.
    ///
    /// # Errors
    ///
    /// [`JpegError::Truncated`] when the input ends before the length.
    pub(crate) fn segment_end(self, input: &mut dyn Input) -> Result<usize, JpegError> {
        let length = input
            .from(self.at + 2, 2)?
            .first_chunk()
            .map(|bytes| usize::from(u16::from_be_bytes(*bytes)))
            .ok_or(JpegError::Truncated)?;
        if length < 2 {
            return Err(JpegError::corrupt(
                "a marker segment is shorter than its own length",
            ));
        }
        Ok(self.at + 2 + length)
    }
}

/// The first marker at or after `at` that is neither a restart nor a stuffed byte: passes over entropy-coded data, and
/// over stray bytes between segments as libjpeg does with a warning.
///
/// # Errors
///
/// [`JpegError::Truncated`] when the input ends before one.
pub(crate) fn find_marker(input: &mut dyn Input, mut at: usize) -> Result<Marker, JpegError> {
    // Most often the marker is right here: do not ask for a window then.
    let mut want = 2;
    loop {
        let bytes = input.from(at, want)?;
        if bytes.len() < 2 {
            return Err(JpegError::Truncated);
        }
        match find_in(bytes) {
            Ok((offset, code)) => {
                return Ok(Marker {
                    code,
                    at: at + offset,
                });
            }
            Err(passed) => at += passed,
        }
        want = SEARCH_WINDOW;
    }
}

/// The offset and the code of the first marker, or how many bytes are certain not to begin one.
fn find_in(bytes: &[u8]) -> Result<(usize, u8), usize> {
    for offset in memchr::memchr_iter(0xff, bytes) {
        match bytes.get(offset + 1) {
            None => return Err(offset),
            Some(0x00 | 0xff | &code::TEM | code::RST0..=code::RST7) => {}
            Some(&code) => return Ok((offset, code)),
        }
    }
    Err(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jpeg::header::Trickle;

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes there")]
    fn a_search_passes_over_stuffing_and_restarts() {
        let mut bytes = [1, 0xff, 0, 2, 0xff, 0xd7].repeat(20_000);
        let at = bytes.len() + 1;
        bytes.extend([0xff, 0xff, 0xda, 0]);
        assert_eq!(
            find_marker(&mut bytes.as_slice(), 0),
            Ok(Marker { code: 0xda, at })
        );
        let mut trickle = Trickle::new(&bytes, 4096);
        assert_eq!(find_marker(&mut trickle, 3).map(|marker| marker.at), Ok(at));
        assert!(trickle.asked < at + SEARCH_WINDOW);
        let cut = &bytes[..=at];
        assert_eq!(find_marker(&mut &cut[..], 0), Err(JpegError::Truncated));
    }
}
