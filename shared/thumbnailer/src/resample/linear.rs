//! Light: 8-bit sRGB to linear samples between the passes, and back.

use std::sync::LazyLock;

use super::axis::EXTRA_BITS;

/// Linear samples that there are: as many bits as fit between the passes. The darkest steps of sRGB are five of them
/// apart, so every one comes back as it was.
pub(super) const LINEAR: usize = 1 << (8 + EXTRA_BITS);

/// White.
const MOST: f64 = (255 << EXTRA_BITS) as f64;

/// IEC 61966-2-1's transfer function as tables both ways.
#[derive(Debug)]
pub(super) struct Light {
    /// The linear sample of each sRGB one.
    from_srgb: [i16; 256],
    /// The sRGB sample of each linear one.
    pub(super) to_srgb: [u8; LINEAR],
}

impl Light {
    /// The linear sample of an sRGB one.
    pub(super) fn of(&self, srgb: u8) -> i16 {
        self.from_srgb[usize::from(srgb)]
    }
}

/// The tables, made when they are first needed: 17 kB.
pub(super) static LIGHT: LazyLock<Light> = LazyLock::new(|| Light {
    from_srgb: std::array::from_fn(|sample| whole(linear(float(sample) / 255.0) * MOST)),
    to_srgb: std::array::from_fn(|sample| {
        let srgb = whole(srgb((float(sample) / MOST).min(1.0)) * 255.0);
        u8::try_from(srgb).unwrap_or(u8::MAX)
    }),
});

fn linear(srgb: f64) -> f64 {
    if srgb <= 0.04045 {
        srgb / 12.92
    } else {
        ((srgb + 0.055) / 1.055).powf(2.4)
    }
}

fn srgb(linear: f64) -> f64 {
    if linear <= 0.003_130_8 {
        linear * 12.92
    } else {
        1.055 * linear.powf(1.0 / 2.4) - 0.055
    }
}

#[expect(clippy::cast_precision_loss, reason = "indices of a table")]
fn float(sample: usize) -> f64 {
    sample as f64
}

#[expect(clippy::cast_possible_truncation, reason = "at most MOST")]
fn whole(sample: f64) -> i16 {
    sample.round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_comes_back_from_light() {
        for sample in 0..=u8::MAX {
            let linear = LIGHT.of(sample);
            let back = LIGHT.to_srgb[usize::try_from(linear).unwrap()];
            assert_eq!(back, sample);
        }
    }
}
