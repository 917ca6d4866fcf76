//! A ThumbHash as an image that fits into a page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The placeholder as the URL of a PNG of about 32 pixels a side, or nothing when it is none.
pub(crate) fn data_url(thumbhash: &str) -> Option<String> {
    let hash = STANDARD.decode(thumbhash).ok()?;
    let (width, height, rgba) = thumbhash::thumb_hash_to_rgba(&hash).ok()?;
    let mut file = Vec::new();
    let width = u32::try_from(width).ok()?;
    let height = u32::try_from(height).ok()?;
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&rgba).ok()?;
    writer.finish().ok()?;
    Some(format!("data:image/png;base64,{}", STANDARD.encode(file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbhash_becomes_an_image() {
        // The example of <https://evanw.github.io/thumbhash/>.
        let url = data_url("1QcSHQRnh493V4dIh4eXh1h4kJUI").unwrap();
        assert!(url.starts_with("data:image/png;base64,iVBOR"), "{url}");
    }

    #[test]
    fn what_is_no_thumbhash_is_nothing() {
        for text in ["", "!", "AA==", "AAAA"] {
            assert_eq!(data_url(text), None, "{text}");
        }
    }
}
