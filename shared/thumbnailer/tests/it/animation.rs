//! Animations stay animations in the types that can.

use std::io::Cursor;

use fixtures::encode;
use image::codecs::{gif::GifDecoder, webp::WebPDecoder};
use image::{AnimationDecoder, DynamicImage, Frame, RgbImage, RgbaImage};
use thumbnailer::{ImageFormat, Limits, OutputFormat, Plan, Size, Thumbnail, ThumbnailError};

use crate::golden::{assert_near, reference, thumbnails};

const DELAY_MS: u32 = 120;

/// Four places at four hours.
fn scenes() -> Vec<RgbaImage> {
    (0..4)
        .map(|seed| DynamicImage::from(fixtures::photo(120, 90, seed)).into_rgba8())
        .collect()
}

fn plan(formats: &[OutputFormat]) -> Plan {
    Plan {
        sizes: vec![Size::square(48)],
        formats: formats.to_vec(),
        ..Plan::default()
    }
}

fn frames(thumbnail: &Thumbnail) -> Vec<Frame> {
    let bytes = Cursor::new(&thumbnail.bytes[..]);
    let frames = match thumbnail.format {
        ImageFormat::Gif => GifDecoder::new(bytes).unwrap().into_frames(),
        ImageFormat::WebP => WebPDecoder::new(bytes).unwrap().into_frames(),
        format => panic!("{format} holds no frames"),
    };
    frames.collect_frames().unwrap()
}

#[test]
fn frames_and_their_times_are_kept() {
    let scenes = scenes();
    let expected: Vec<RgbImage> = scenes
        .iter()
        .map(|scene| reference(&DynamicImage::from(scene.clone()).into_rgb8(), 48, 36))
        .collect();
    for source in [
        encode::gif(&scenes, DELAY_MS),
        encode::webp_animated(&scenes, DELAY_MS),
    ] {
        let made = thumbnails(&source, &plan(&[OutputFormat::Keep, OutputFormat::WebP]));
        assert!(made.source.animated);
        assert_eq!(made.source.frames, 4);
        for image in &made.images {
            assert_eq!(image.frames, 4);
            let frames = frames(image);
            assert_eq!(frames.len(), 4, "{}", image.format);
            for (frame, expected) in frames.into_iter().zip(&expected) {
                assert_eq!(frame.delay().numer_denom_ms(), (DELAY_MS, 1));
                let picture = DynamicImage::from(frame.into_buffer()).into_rgb8();
                assert_near(&image.format.to_string(), &picture, expected, 9.0);
            }
        }
    }
}

#[test]
fn what_moves_over_what_stands_is_composed() {
    // A bright square walks over a scene; only it changes from frame to frame.
    let scene = DynamicImage::from(fixtures::photo(120, 90, 5)).into_rgba8();
    let walking: Vec<RgbaImage> = (0..3)
        .map(|step| {
            let mut frame = scene.clone();
            for (x, y) in (0..20).flat_map(|x| (0..20).map(move |y| (x, y))) {
                frame.put_pixel(x + 10 + step * 30, y + 30, image::Rgba([255, 0, 255, 255]));
            }
            frame
        })
        .collect();
    let made = thumbnails(
        &encode::gif(&walking, DELAY_MS),
        &plan(&[OutputFormat::Keep, OutputFormat::WebP]),
    );
    for image in &made.images {
        for (frame, walked) in frames(image).into_iter().zip(&walking) {
            let picture = DynamicImage::from(frame.into_buffer()).into_rgb8();
            let expected = reference(&DynamicImage::from(walked.clone()).into_rgb8(), 48, 36);
            assert_near(&image.format.to_string(), &picture, &expected, 11.0);
        }
    }
}

#[test]
fn holes_stay_holes_in_every_frame() {
    let frames_with_holes: Vec<RgbaImage> = (0..3)
        .map(|step| {
            let mut frame = RgbaImage::from_pixel(96, 96, image::Rgba([0; 4]));
            for (x, y) in (0..32).flat_map(|x| (0..96).map(move |y| (x, y))) {
                frame.put_pixel(x + step * 32, y, image::Rgba([0, 200, 0, 255]));
            }
            frame
        })
        .collect();
    let source = encode::gif(&frames_with_holes, DELAY_MS);
    let made = thumbnails(&source, &plan(&[OutputFormat::Keep, OutputFormat::WebP]));
    assert!(made.source.alpha);
    for image in &made.images {
        for (step, frame) in frames(image).into_iter().enumerate() {
            for column in 0..3u32 {
                let alpha = frame.buffer().get_pixel(column * 16 + 8, 24).0[3];
                let opaque = usize::try_from(column).unwrap() == step;
                let format = image.format;
                assert_eq!(
                    alpha > 127,
                    opaque,
                    "{format} {step}, column {column}: {alpha}"
                );
            }
        }
    }
}

#[test]
fn the_first_frame_stands_for_the_rest_in_other_types() {
    let source = encode::gif(&scenes(), DELAY_MS);
    let made = thumbnails(&source, &plan(&[OutputFormat::Jpeg, OutputFormat::Png]));
    let first = reference(&fixtures::photo(120, 90, 0), 48, 36);
    for image in &made.images {
        assert_eq!(image.frames, 1);
        assert_near(
            &image.format.to_string(),
            &crate::golden::rgb(image),
            &first,
            9.0,
        );
    }
}

#[test]
fn a_plan_without_animation_takes_the_first_frame() {
    let still = Plan {
        animation: false,
        ..plan(&[OutputFormat::Keep])
    };
    for source in [
        encode::gif(&scenes(), DELAY_MS),
        encode::webp_animated(&scenes(), DELAY_MS),
    ] {
        let made = thumbnails(&source, &still);
        assert!(made.source.animated);
        assert_eq!(made.images[0].frames, 1);
        let header = thumbnailer::inspect(&made.images[0].bytes, &Limits::sane_defaults());
        assert_eq!(header.unwrap().frames, 1);
    }
}

#[test]
fn an_animation_of_too_many_frames_is_refused_on_the_header() {
    let limits = Limits {
        max_frames: 3,
        ..Limits::sane_defaults()
    };
    let source = encode::gif(&scenes(), DELAY_MS);
    let refused = thumbnailer::inspect(&source, &limits);
    let expected = ThumbnailError::Limit {
        what: "frames",
        actual: 4,
        limit: 3,
    };
    assert_eq!(refused, Err(expected));
}

#[test]
fn the_number_of_loops_is_kept() {
    let scenes = scenes();
    for (repeat, loops) in [(gif::Repeat::Infinite, 0), (gif::Repeat::Finite(3), 3)] {
        let mut encoder = gif::Encoder::new(Vec::new(), 120, 90, &[]).unwrap();
        encoder.set_repeat(repeat).unwrap();
        for scene in &scenes {
            let mut pixels = scene.clone().into_raw();
            let frame = gif::Frame::from_rgba_speed(120, 90, &mut pixels, 30);
            encoder.write_frame(&frame).unwrap();
        }
        let source = encoder.into_inner().unwrap();
        let made = thumbnails(&source, &plan(&[OutputFormat::Keep, OutputFormat::WebP]));
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut kept = options
            .read_info(Cursor::new(&made.images[0].bytes[..]))
            .unwrap();
        while kept.read_next_frame().unwrap().is_some() {}
        assert_eq!(kept.repeat(), repeat);
        let webp = &made.images[1].bytes;
        let at = webp
            .windows(4)
            .position(|window| window == b"ANIM")
            .unwrap();
        assert_eq!(webp[at + 12..at + 14], u16::to_le_bytes(loops));
    }
}
