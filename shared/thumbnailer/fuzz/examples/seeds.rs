//! Writes the seeds of both targets to `corpus/`: small images of every type and kind, and the broken ones.

use std::fs;
use std::path::Path;

use fixtures::encode::{self, JpegColour, JpegOptions, Sampling};
use fixtures::{hostile, photo, photo_with_alpha};

fn main() -> std::io::Result<()> {
    let mut jpegs = Vec::new();
    for sampling in Sampling::ALL {
        for progressive in [false, true] {
            let options = JpegOptions {
                sampling,
                progressive,
                ..JpegOptions::default()
            };
            jpegs.push(encode::jpeg(&photo(43, 35, 1), &options));
        }
    }
    for colour in [
        JpegColour::Gray,
        JpegColour::Cmyk,
        JpegColour::Ycck,
        JpegColour::Rgb,
    ] {
        let options = JpegOptions {
            colour,
            ..JpegOptions::default()
        };
        jpegs.push(encode::jpeg(&photo(24, 40, 2), &options));
    }

    let picture = photo(40, 30, 3);
    let clear = photo_with_alpha(40, 30, 4);
    let mut others = vec![
        encode::png(&picture),
        encode::png_rgba(&clear),
        encode::png_16bit(&picture),
        encode::png_gray(&picture),
        encode::png_palette(&picture),
        encode::png_palette_transparent(&clear),
        encode::png_interlaced(&picture),
        encode::webp_lossless(&clear),
        encode::webp_lossy(&picture, 70.0),
        encode::webp_lossy_rgba(&clear, 70.0),
        encode::webp_animated(&[clear.clone(), clear.clone()], 40),
        encode::bmp(&picture),
        encode::tiff(&picture),
        encode::tiff_rgba(&clear),
        encode::gif_still(&picture),
        encode::gif(&[clear.clone(), clear], 40),
    ];
    let broken = hostile::all().into_iter().map(|hostile| hostile.bytes);
    others.extend(broken.filter(|bytes| bytes.len() < 1 << 16));

    write("jpeg", &jpegs)?;
    others.extend(jpegs);
    write("thumbnails", &others)
}

fn write(target: &str, seeds: &[Vec<u8>]) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    fs::create_dir_all(&folder)?;
    for (index, seed) in seeds.iter().enumerate() {
        fs::write(folder.join(format!("seed-{index:02}")), seed)?;
    }
    Ok(())
}
