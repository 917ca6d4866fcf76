//! Writes the seeds of both targets to `corpus/`: small images of every type and kind, and the broken ones.

#[path = "../../src/jpeg/progressive/specimen.rs"]
mod specimen;

/// What the writer of progressive files takes from the decoder.
mod jpeg {
    /// Where the coefficient of each zig-zag index is in a row-major block: T.81, figure A.6.
    pub(crate) const ZIGZAG: [u8; 64] = [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27,
        20, 13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
        58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];
}

use std::fs;
use std::path::Path;

use fixtures::encode::{self, JpegColour, JpegOptions, Sampling};
use fixtures::{hostile, photo, photo_with_alpha};
use specimen::{Specimen, Step, step, usual};

fn main() -> std::io::Result<()> {
    let jpegs = jpegs();
    let picture = photo(40, 30, 3);
    let clear = photo_with_alpha(40, 30, 4);
    let mut all = vec![
        encode::avif(&picture, 60.0),
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
    all.extend(broken.filter(|bytes| bytes.len() < 1 << 16));

    write("jpeg", &jpegs)?;
    all.extend(jpegs);
    write("thumbnails", &all)
}

fn jpegs() -> Vec<Vec<u8>> {
    let mut options = Vec::new();
    for sampling in Sampling::ALL {
        for (progressive, restart_interval) in [(false, None), (false, Some(3)), (true, None)] {
            options.push(JpegOptions {
                sampling,
                progressive,
                restart_interval,
                ..JpegOptions::default()
            });
        }
    }
    for colour in [
        JpegColour::Gray,
        JpegColour::Cmyk,
        JpegColour::Ycck,
        JpegColour::Rgb,
    ] {
        options.push(JpegOptions {
            colour,
            ..JpegOptions::default()
        });
    }
    for sampling in [Sampling::F420, Sampling::F422] {
        // One scan for each component, and codes of all lengths.
        options.push(JpegOptions {
            sampling,
            quality: 98,
            optimised: true,
            ..JpegOptions::default()
        });
    }
    let mut jpegs: Vec<Vec<u8>> = options
        .iter()
        .zip(1..)
        .map(|(options, seed)| encode::jpeg(&photo(43, 35, seed), options))
        .collect();
    // Enough entropy-coded bytes for several readers.
    jpegs.push(encode::jpeg(
        &photo(160, 120, 9),
        &JpegOptions {
            quality: 95,
            ..JpegOptions::default()
        },
    ));
    for (factors, script) in [
        (&[(2, 2), (1, 1), (1, 1)][..], usual()),
        (&[(2, 1), (1, 1), (1, 1)], usual()),
        (&[(1, 1)], gray()),
    ] {
        for restart_interval in [0, 2] {
            let specimen = Specimen {
                restart_interval,
                ..Specimen::new(21, 19, factors)
            };
            jpegs.push(specimen.write(&script));
        }
    }
    jpegs
}

fn gray() -> Vec<Step> {
    vec![
        step(&[0], 0, 0, 0, 1),
        step(&[0], 1, 63, 0, 2),
        step(&[0], 1, 63, 2, 1),
        step(&[0], 0, 0, 1, 0),
        step(&[0], 1, 63, 1, 0),
    ]
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
