use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::picture::Canvas;

/// The longest side of the picture that is hashed. ThumbHash takes up to 100 pixels and keeps at most seven waves of
/// them, which 32 show as well in a tenth of the time.
pub(crate) const MAX_SIDE: u32 = 32;

/// The ThumbHash of a canvas of at most [`MAX_SIDE`] pixels a side, in standard base64.
pub(crate) fn placeholder(canvas: &Canvas) -> String {
    let hash = thumbhash::rgba_to_thumb_hash(
        canvas.width as usize,
        canvas.height as usize,
        &canvas.rgba(),
    );
    STANDARD.encode(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_colour_of_the_placeholder_is_that_of_the_picture() {
        let canvas = Canvas {
            width: 8,
            height: 4,
            alpha: false,
            samples: [200, 100, 50].repeat(32),
        };
        let hash = STANDARD.decode(placeholder(&canvas)).unwrap();
        let (red, green, blue, alpha) = thumbhash::thumb_hash_to_average_rgba(&hash).unwrap();
        assert!((red - 200.0 / 255.0).abs() < 0.05, "{red}");
        assert!((green - 100.0 / 255.0).abs() < 0.05, "{green}");
        assert!((blue - 50.0 / 255.0).abs() < 0.05, "{blue}");
        assert!((alpha - 1.0).abs() < 0.01, "{alpha}");
    }
}
