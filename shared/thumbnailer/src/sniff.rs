//! The type of an image by its first bytes. Names and content types lie; these do not.

use crate::{ImageFormat, ThumbnailError, exif};

/// What a person can do about a type that is not supported.
pub(crate) const CONVERT: &str = "convert it to JPEG, PNG or WebP before uploading it";

/// How far into a text an `<svg` tag may hide behind comments and a document type.
const SVG_SEARCH_BYTES: usize = 1024;

/// Names the type of `image`, or says why none of ours can be it.
pub(crate) fn sniff(image: &[u8]) -> Result<ImageFormat, ThumbnailError> {
    let starts = |magic: &[u8]| image.starts_with(magic);
    if image.is_empty() {
        return Err(ThumbnailError::Empty);
    }
    if starts(b"\xff\xd8\xff") {
        return Ok(ImageFormat::Jpeg);
    }
    if starts(b"\x89PNG\r\n\x1a\n") {
        return Ok(ImageFormat::Png);
    }
    if starts(b"GIF87a") || starts(b"GIF89a") {
        return Ok(ImageFormat::Gif);
    }
    if starts(b"RIFF") && image.get(8..12) == Some(b"WEBP") {
        return Ok(ImageFormat::WebP);
    }
    if starts(b"BM") && is_bitmap_header(image) {
        return Ok(ImageFormat::Bmp);
    }
    if [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"]
        .iter()
        .any(|magic| starts(*magic))
    {
        if exif::is_camera_raw(image) {
            return Err(unsupported("a camera's raw file", CONVERT));
        }
        return Ok(ImageFormat::Tiff);
    }
    if image.get(4..8) == Some(b"ftyp") {
        return iso_base_media(image);
    }
    Err(
        known_elsewhere(image).map_or(ThumbnailError::Unrecognised, |what| {
            unsupported(what, CONVERT)
        }),
    )
}

pub(crate) fn unsupported(what: impl Into<String>, advice: &'static str) -> ThumbnailError {
    ThumbnailError::Unsupported {
        what: what.into(),
        advice,
    }
}

/// `BM` alone begins many a text; the length of the second header is one of a few.
fn is_bitmap_header(image: &[u8]) -> bool {
    let length = image.get(14..18).and_then(<[u8]>::first_chunk);
    matches!(
        length.map(|bytes| u32::from_le_bytes(*bytes)),
        Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124)
    )
}

/// Types that a person may well upload, told from mere rubbish.
fn known_elsewhere(image: &[u8]) -> Option<&'static str> {
    let table: [(&[u8], &str); 15] = [
        (b"\0\0\0\x0cJXL ", "JPEG XL"),
        (b"\xff\x0a", "JPEG XL"),
        (b"\0\0\0\x0cjP  ", "JPEG 2000"),
        (b"\xff\x4f\xff\x51", "JPEG 2000"),
        (b"II\xbc\x01", "JPEG XR"),
        (b"%PDF-", "PDF"),
        (b"8BPS", "a Photoshop document"),
        (b"FUJIFILMCCD-RAW", "a camera's raw file"),
        (b"IIRO", "a camera's raw file"),
        (b"IIRS", "a camera's raw file"),
        (b"IIU\0", "a camera's raw file"),
        (b"\0\0\x01\0", "an icon"),
        (b"\x76\x2f\x31\x01", "OpenEXR"),
        (b"#?RADIANCE", "Radiance HDR"),
        (b"qoif", "QOI"),
    ];
    if let Some((_, what)) = table.iter().find(|(magic, _)| image.starts_with(magic)) {
        return Some(what);
    }
    let head = image.get(..SVG_SEARCH_BYTES).unwrap_or(image);
    let head = head
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(head)
        .trim_ascii_start();
    if head.starts_with(b"<") && head.windows(4).any(|window| window == b"<svg") {
        return Some("SVG");
    }
    // SVG squeezed by gzip (`.svgz`) is not worth unpacking to say so.
    None
}

/// Tells AVIF from HEIC by the brands of the file type box, ISO/IEC 14496-12 section 4.3.
fn iso_base_media(image: &[u8]) -> Result<ImageFormat, ThumbnailError> {
    let length = image
        .first_chunk()
        .map_or(0, |bytes| u32::from_be_bytes(*bytes));
    let length = usize::try_from(length)
        .unwrap_or(usize::MAX)
        .min(image.len());
    let body = image.get(8..length).unwrap_or_default();
    // The minor version, in the second place, is no brand.
    let (major, compatible) = (body.get(..4), body.get(8..).unwrap_or_default());
    let has = |brands: &[&[u8]]| {
        major
            .into_iter()
            .chain(compatible.chunks_exact(4))
            .any(|brand| brands.contains(&brand))
    };
    if has(&[b"avif", b"avis"]) {
        return Ok(ImageFormat::Avif);
    }
    if has(&[
        b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1",
        b"mif2",
    ]) {
        return Err(unsupported(
            "HEIC",
            "set the camera to \"most compatible\", or convert the photo to JPEG before uploading it",
        ));
    }
    if has(&[b"crx "]) {
        return Err(unsupported("a camera's raw file", CONVERT));
    }
    if has(&[
        b"isom", b"iso2", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"qt  ", b"M4V ", b"3gp4",
        b"3gp5", b"3gp6",
    ]) {
        return Err(unsupported("video", "upload a still image of it"));
    }
    Err(ThumbnailError::Unrecognised)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(image: &[u8]) -> String {
        sniff(image).expect_err("refused").to_string()
    }

    #[test]
    fn heic_is_refused_by_name_with_a_way_out() {
        let brands: [&[u8]; 2] = [
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
            b"\0\0\0\x14ftypmif1\0\0\0\0miaf",
        ];
        for image in brands {
            assert!(refusal(image).starts_with("HEIC is not supported: "));
        }
    }

    #[test]
    fn avif_with_a_general_brand_first_is_avif() {
        assert_eq!(
            sniff(b"\0\0\0\x18ftypmif1\0\0\0\0avifmiaf"),
            Ok(ImageFormat::Avif)
        );
    }

    #[test]
    fn other_types_are_refused_by_name() {
        let table: [(&[u8], &str); 6] = [
            (b"%PDF-1.7", "PDF"),
            (b"<?xml version='1.0'?>\n<!-- hello -->\n<svg/>", "SVG"),
            (b"\xef\xbb\xbf <svg/>", "SVG"),
            (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
            (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "video"),
            (
                b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom",
                "a camera's raw file",
            ),
        ];
        for (image, what) in table {
            assert!(refusal(image).starts_with(what), "{what}");
        }
    }

    #[test]
    fn text_that_begins_like_a_bitmap_is_none() {
        let text = b"BMW drivers of the world, unite!";
        assert_eq!(sniff(text), Err(ThumbnailError::Unrecognised));
        assert_eq!(sniff(b""), Err(ThumbnailError::Empty));
        assert_eq!(
            sniff(b"<html><body>404</body></html>"),
            Err(ThumbnailError::Unrecognised)
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_sniffed(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = sniff(&bytes);
            let _ = sniff(&[b"\0\0\0\xffftyp".as_slice(), &bytes].concat());
        }
    }
}
