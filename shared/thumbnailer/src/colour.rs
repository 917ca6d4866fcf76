//! From the samples of a source, by its ICC profile, to sRGB. Done on thumbnails, where it costs
//! next to nothing, rather than on full-size pictures.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use moxcms::{ColorProfile, DataColorSpace, Transform8BitExecutor, TransformOptions};

use crate::picture::Layout;

/// How pixels of one layout become sRGB. Built once for a source and used for every thumbnail.
pub(crate) struct Conversion {
    layout: Layout,
    /// `None` when there is no profile, or none that is of use.
    transform: Option<Arc<Transform8BitExecutor>>,
}

impl Conversion {
    /// A broken profile, or one for another kind of samples than these, is as good as none: the
    /// picture is still worth showing.
    pub(crate) fn new(layout: Layout, profile: Option<&[u8]>) -> Self {
        let transform = profile.and_then(|profile| {
            // A hostile profile may panic the engine; it too is as good as none.
            catch_unwind(AssertUnwindSafe(|| transform(layout, profile))).unwrap_or(None)
        });
        let transform = transform.filter(|transform| {
            !matches!(layout, Layout::Rgb) || changes_colours(transform.as_ref())
        });
        Self { layout, transform }
    }

    /// Whether it leaves RGB and gray samples as they are.
    pub(crate) fn is_idle(&self) -> bool {
        self.transform.is_none()
    }

    /// Samples of the layout as RGB, or as RGBA when the layout has alpha.
    pub(crate) fn srgb(&self, samples: Vec<u8>) -> Vec<u8> {
        let Some(transform) = &self.transform else {
            return unmanaged(self.layout, samples);
        };
        let pixels = samples.len() / self.layout.channels();
        let mut srgb = vec![0; pixels * if self.layout.has_alpha() { 4 } else { 3 }];
        let converted = match self.layout {
            Layout::Gray => transform.transform(&every(&samples, 3, &[0]), &mut srgb),
            Layout::GrayAlpha => transform.transform(&every(&samples, 4, &[0, 3]), &mut srgb),
            Layout::Rgb | Layout::Rgba | Layout::Cmyk => transform.transform(&samples, &mut srgb),
        };
        match converted {
            Ok(()) => srgb,
            Err(_) => unmanaged(self.layout, samples),
        }
    }
}

/// Whether RGB comes out otherwise than it went in. Most profiles in photographs are sRGB's own, and a picture that
/// needs no conversion never has to become RGB.
fn changes_colours(transform: &Transform8BitExecutor) -> bool {
    /// What rounding in the profile's curves may make of a sample.
    const TOLERANCE: u8 = 2;
    const STEPS: [u8; 6] = [0, 51, 102, 153, 204, 255];
    let cube = STEPS.iter().flat_map(|red| {
        STEPS
            .iter()
            .flat_map(move |green| STEPS.iter().map(move |blue| [*red, *green, *blue]))
    });
    let grays = (0..=255).map(|gray| [gray; 3]);
    let probes: Vec<u8> = cube.chain(grays).flatten().collect();
    let mut converted = vec![0; probes.len()];
    transform.transform(&probes, &mut converted).is_err()
        || probes
            .iter()
            .zip(&converted)
            .any(|(before, after)| before.abs_diff(*after) > TOLERANCE)
}

/// The chosen channels of each pixel.
fn every(samples: &[u8], channels: usize, chosen: &[usize]) -> Vec<u8> {
    samples
        .chunks_exact(channels)
        .flat_map(|pixel| chosen.iter().filter_map(|channel| pixel.get(*channel)))
        .copied()
        .collect()
}

fn transform(layout: Layout, profile: &[u8]) -> Option<Arc<Transform8BitExecutor>> {
    let profile = ColorProfile::new_from_slice(profile).ok()?;
    let (space, from, to) = match layout {
        Layout::Gray => (
            DataColorSpace::Gray,
            moxcms::Layout::Gray,
            moxcms::Layout::Rgb,
        ),
        Layout::GrayAlpha => (
            DataColorSpace::Gray,
            moxcms::Layout::GrayAlpha,
            moxcms::Layout::Rgba,
        ),
        Layout::Rgb => (
            DataColorSpace::Rgb,
            moxcms::Layout::Rgb,
            moxcms::Layout::Rgb,
        ),
        Layout::Rgba => (
            DataColorSpace::Rgb,
            moxcms::Layout::Rgba,
            moxcms::Layout::Rgba,
        ),
        // The engine has four channels of ink under the name of the other four.
        Layout::Cmyk => (
            DataColorSpace::Cmyk,
            moxcms::Layout::Rgba,
            moxcms::Layout::Rgb,
        ),
    };
    if profile.color_space != space {
        return None;
    }
    profile
        .create_transform_8bit(
            from,
            &ColorProfile::new_srgb(),
            to,
            TransformOptions::default(),
        )
        .ok()
}

/// The conversion without a profile: samples are taken for sRGB, and inks for ideal ones.
fn unmanaged(layout: Layout, samples: Vec<u8>) -> Vec<u8> {
    match layout {
        Layout::Gray | Layout::GrayAlpha | Layout::Rgb | Layout::Rgba => samples,
        Layout::Cmyk => samples
            .chunks_exact(4)
            .filter_map(|pixel| <[u8; 4]>::try_from(pixel).ok())
            .flat_map(|[cyan, magenta, yellow, black]| {
                [cyan, magenta, yellow].map(|ink| {
                    let light = u32::from(255 - ink) * u32::from(255 - black);
                    u8::try_from((light + 127) / 255).unwrap_or(255)
                })
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn converted(layout: Layout, profile: &ColorProfile, samples: &[u8]) -> Vec<u8> {
        let profile = profile
            .encode()
            .expect("the engine writes its own profiles");
        Conversion::new(layout, Some(&profile)).srgb(samples.to_vec())
    }

    fn near(left: &[u8], right: &[u8], tolerance: u8) -> bool {
        left.len() == right.len()
            && left
                .iter()
                .zip(right)
                .all(|(left, right)| left.abs_diff(*right) <= tolerance)
    }

    #[test]
    fn display_p3_becomes_srgb() {
        // Display P3 (234, 51, 35) is sRGB (255, 0, 0), W3C CSS Color 4's own example within
        // rounding.
        let srgb = converted(Layout::Rgb, &ColorProfile::new_display_p3(), &[234, 51, 35]);
        assert!(near(&srgb, &[255, 0, 0], 4), "{srgb:?}");
    }

    #[test]
    fn a_profile_that_is_srgb_is_none() {
        for (profile, idle) in [
            (ColorProfile::new_srgb(), true),
            (ColorProfile::new_display_p3(), false),
            (ColorProfile::new_adobe_rgb(), false),
        ] {
            let profile = profile.encode().expect("a profile");
            let conversion = Conversion::new(Layout::Rgb, Some(&profile));
            assert_eq!(conversion.is_idle(), idle);
        }
    }

    #[test]
    fn alpha_passes_through_a_conversion() {
        let srgb = converted(
            Layout::Rgba,
            &ColorProfile::new_display_p3(),
            &[234, 51, 35, 77, 128, 128, 128, 0],
        );
        assert!(
            near(&srgb, &[255, 0, 0, 77, 128, 128, 128, 0], 4),
            "{srgb:?}"
        );
    }

    #[test]
    fn a_gray_profile_bends_gray() {
        let profile = ColorProfile::new_gray_with_gamma(1.0);
        let srgb = converted(
            Layout::Gray,
            &profile,
            &[0, 0, 0, 55, 55, 55, 255, 255, 255],
        );
        // Linear 0.2157 is sRGB 0.502.
        assert!(
            near(&srgb, &[0, 0, 0, 128, 128, 128, 255, 255, 255], 3),
            "{srgb:?}"
        );
        let with_alpha = converted(Layout::GrayAlpha, &profile, &[55, 55, 55, 9]);
        assert!(near(&with_alpha, &[128, 128, 128, 9], 3), "{with_alpha:?}");
    }

    #[test]
    fn a_profile_for_other_samples_is_ignored() {
        let gray = converted(Layout::Gray, &ColorProfile::new_display_p3(), &[7, 7, 7]);
        assert_eq!(gray, [7, 7, 7]);
    }

    #[test]
    fn ink_without_a_profile_darkens_paper() {
        let conversion = Conversion::new(Layout::Cmyk, None);
        assert_eq!(
            conversion.srgb(vec![
                0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 255, 0, 255, 255, 128
            ]),
            [255, 255, 255, 0, 255, 255, 0, 0, 0, 127, 0, 0]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_broken_profile_is_ignored(
            cut in 0usize..600, at in 0usize..600, byte: u8, samples: [u8; 3],
        ) {
            let mut profile = ColorProfile::new_display_p3().encode().expect("a profile");
            if let Some(broken) = profile.get_mut(at) {
                *broken = byte;
            }
            profile.truncate(profile.len().saturating_sub(cut));
            let srgb = Conversion::new(Layout::Rgb, Some(&profile)).srgb(samples.to_vec());
            prop_assert_eq!(srgb.len(), 3);
        }
    }
}
