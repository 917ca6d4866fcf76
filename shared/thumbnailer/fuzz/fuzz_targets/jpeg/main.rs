//! Any bytes through the scaled JPEG decoder: every scale, one to three threads, with and without the instructions that
//! only some processors have. Whatever comes of it, it must be the same.

#![no_main]

mod mutation;
mod structure;

use libfuzzer_sys::{Corpus, fuzz_mutator, fuzz_target};
use thumbnailer::stages::{Fingerprint, Jpeg, Planes};
use thumbnailer::{Limits, ThumbnailError, inspect};

/// A header may ask for any size; larger pictures only take longer.
const MAX_PIXELS: u64 = 1 << 16;

/// Eighths of each component's resolution: all alike, and chroma finer than luma, as 4:2:0 wants it.
const SCALES: [&[u8]; 6] = [&[1], &[2], &[4], &[8], &[1, 2], &[4, 8]];

fuzz_mutator!(
    |bytes: &mut [u8], size: usize, max_size: usize, seed: u32| {
        mutation::mutate(bytes, size, max_size, seed)
    }
);

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let limits = Limits {
        max_pixels: MAX_PIXELS,
        ..Limits::sane_defaults()
    };
    if inspect(bytes, &limits).is_err() {
        return Corpus::Reject;
    }
    let (Ok(mut plain), Ok(mut fast)) = (Jpeg::portable(bytes), Jpeg::new(bytes)) else {
        return Corpus::Reject;
    };
    for (eighths, index) in SCALES.into_iter().zip(bytes.len()..) {
        let expected = plain.fingerprint(eighths, 1);
        if let Ok(expected) = &expected {
            check(expected, eighths);
            if index % SCALES.len() == 0 {
                check_part(expected, bytes, eighths);
            }
        }
        let found = fast.fingerprint(eighths, 1);
        assert_same(&expected, &found, &format!("at {eighths:?}"));
        // Starting threads takes longer than all the rest: not every scale is tried with every number.
        let threads = 2 + index % 2;
        let jpeg = if index % 4 < 3 { &mut fast } else { &mut plain };
        let found = jpeg.fingerprint(eighths, threads);
        assert_same(
            &expected,
            &found,
            &format!("{threads} threads at {eighths:?}"),
        );
    }
    if let (Ok(planes), Ok(others)) = (plain.planes(2), fast.planes(2)) {
        encode(&mut plain, &planes, &mut fast, &others);
    }
    Corpus::Keep
});

/// The picture is as large as the header says.
fn check(found: &Fingerprint, eighths: &[u8]) {
    for (plane, announced) in found.planes.iter().zip(&found.announced) {
        assert_eq!((plane.width, plane.height), *announced, "at {eighths:?}");
    }
}

/// The bytes that were needed are enough.
fn check_part(found: &Fingerprint, bytes: &[u8], eighths: &[u8]) {
    let needed = usize::try_from(found.bytes).expect("no more bytes are needed than there are");
    let part = bytes.get(..needed);
    let part = part.expect("no more bytes are needed than there are");
    let again = Jpeg::portable(part).and_then(|mut part| part.fingerprint(eighths, 1));
    let again = again.expect("the bytes that were needed are enough");
    assert_eq!(again.planes, found.planes, "{needed} bytes at {eighths:?}");
}

fn assert_same(
    expected: &Result<Fingerprint, ThumbnailError>,
    found: &Result<Fingerprint, ThumbnailError>,
    how: &str,
) {
    match (expected, found) {
        (Ok(expected), Ok(found)) => assert_eq!(expected.planes, found.planes, "{how}"),
        (Err(_), Err(_)) => {}
        _ => panic!("{how}: {expected:?} is not {found:?}"),
    }
}

/// What is resized and encoded is the same on every processor, and can be decoded.
fn encode(plain: &mut Jpeg<'_>, planes: &Planes, fast: &mut Jpeg<'_>, others: &Planes) {
    for (width, height) in [(16, 16), (21, 9)] {
        let small = plain.resize(planes, width, height);
        let other = fast.resize(others, width, height);
        for (quality, optimised) in [(80, true), (100, false)] {
            // Four components are never encoded.
            let Ok(file) = plain.encode(&small, quality, optimised) else {
                return;
            };
            let same = fast.encode(&other, quality, optimised).ok();
            assert_eq!(
                Some(&file),
                same.as_ref(),
                "{width} x {height} at {quality}"
            );
            let again = Jpeg::new(&file).and_then(|mut again| again.fingerprint(&[8], 1));
            again.expect("what is encoded can be decoded");
        }
    }
}
