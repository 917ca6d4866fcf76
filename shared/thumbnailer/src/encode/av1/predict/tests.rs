use proptest::prelude::*;

use super::super::quantise::satd;
use super::{Available, Edges, Mode, ROUGH, from_luma, luma_ac, predict, rough};
use crate::cpu::Cpu;

/// The standard's text, sample by sample, with its names.
mod standard {
    use super::{Available, Mode};

    /// A line from -16 on.
    struct Line(Vec<i32>);

    impl Line {
        fn at(&self, index: i32) -> i32 {
            self.0[usize::try_from(index + 16).unwrap()]
        }

        fn set(&mut self, index: i32, value: i32) {
            self.0[usize::try_from(index + 16).unwrap()] = value;
        }
    }

    fn dr_intra_derivative(angle: i32) -> i32 {
        let table = [
            (3, 1023),
            (6, 547),
            (9, 372),
            (14, 273),
            (17, 215),
            (20, 178),
            (23, 151),
            (26, 132),
            (29, 116),
            (32, 102),
            (36, 90),
            (39, 80),
            (42, 71),
            (45, 64),
            (48, 57),
            (51, 51),
            (54, 45),
            (58, 40),
            (61, 35),
            (64, 31),
            (67, 27),
            (70, 23),
            (73, 19),
            (76, 15),
            (81, 11),
            (84, 7),
            (87, 3),
        ];
        table.into_iter().find(|(key, _)| *key == angle).unwrap().1
    }

    fn strength(blk_wh: i32, filter_type: bool, d: i32) -> usize {
        let mut strength = 0;
        if !filter_type {
            if blk_wh <= 8 {
                if d >= 56 {
                    strength = 1;
                }
            } else if blk_wh <= 16 {
                if d >= 40 {
                    strength = 1;
                }
            } else if blk_wh <= 24 {
                if d >= 8 {
                    strength = 1;
                }
                if d >= 16 {
                    strength = 2;
                }
                if d >= 32 {
                    strength = 3;
                }
            } else if blk_wh <= 32 {
                strength = 1;
                if d >= 4 {
                    strength = 2;
                }
                if d >= 32 {
                    strength = 3;
                }
            } else {
                strength = 3;
            }
        } else if blk_wh <= 8 {
            if d >= 40 {
                strength = 1;
            }
            if d >= 64 {
                strength = 2;
            }
        } else if blk_wh <= 16 {
            if d >= 20 {
                strength = 1;
            }
            if d >= 48 {
                strength = 2;
            }
        } else if blk_wh <= 24 {
            if d >= 4 {
                strength = 3;
            }
        } else {
            strength = 3;
        }
        strength
    }

    fn use_upsample(blk_wh: i32, filter_type: bool, d: i32) -> bool {
        if d <= 0 || d >= 40 {
            false
        } else if filter_type {
            blk_wh <= 8
        } else {
            blk_wh <= 16
        }
    }

    fn filter(line: &mut Line, sz: i32, strength: usize) {
        if strength == 0 {
            return;
        }
        let kernel = [[0, 4, 8, 4, 0], [0, 5, 6, 5, 0], [2, 4, 4, 4, 2]][strength - 1];
        let edge: Vec<i32> = (0..sz).map(|i| line.at(i - 1)).collect();
        for i in 1..sz {
            let mut s = 0;
            for j in 0..5 {
                let k = (i - 2 + j).clamp(0, sz - 1);
                s += kernel[usize::try_from(j).unwrap()] * edge[usize::try_from(k).unwrap()];
            }
            line.set(i - 1, (s + 8) >> 4);
        }
    }

    fn upsample(line: &mut Line, num_px: i32) {
        let mut dup = vec![line.at(-1)];
        dup.extend((-1..num_px).map(|i| line.at(i)));
        dup.push(line.at(num_px - 1));
        line.set(-2, dup[0]);
        for (i, near) in (0..)
            .zip(dup.windows(4))
            .take(usize::try_from(num_px).unwrap())
        {
            let s = -near[0] + 9 * near[1] + 9 * near[2] - near[3];
            line.set(2 * i - 1, ((s + 8) >> 4).clamp(0, 255));
            line.set(2 * i, near[2]);
        }
    }

    /// Where the block is in the plane, and what else decides.
    pub(super) struct Case<'a> {
        pub(super) plane: &'a [u8],
        pub(super) stride: usize,
        pub(super) x: usize,
        pub(super) y: usize,
        pub(super) w: usize,
        pub(super) h: usize,
        pub(super) available: Available,
        pub(super) filter_type: bool,
        pub(super) angle_delta: i32,
    }

    fn weights(side: usize) -> &'static [i32] {
        match side {
            4 => &[255, 149, 85, 64],
            8 => &[255, 197, 146, 105, 73, 50, 37, 32],
            16 => &[
                255, 225, 196, 170, 145, 123, 102, 84, 68, 54, 43, 33, 26, 20, 17, 16,
            ],
            32 => &[
                255, 240, 225, 210, 196, 182, 169, 157, 145, 133, 122, 111, 101, 92, 83, 74, 66,
                59, 52, 45, 39, 34, 29, 25, 21, 17, 14, 12, 10, 9, 8, 8,
            ],
            _ => &[
                255, 248, 240, 233, 225, 218, 210, 203, 196, 189, 182, 176, 169, 163, 156, 150,
                144, 138, 133, 127, 121, 116, 111, 106, 101, 96, 91, 86, 82, 77, 73, 69, 65, 61,
                57, 54, 50, 47, 44, 41, 38, 35, 32, 29, 27, 25, 22, 20, 18, 16, 15, 13, 12, 10, 9,
                8, 7, 6, 6, 5, 5, 4, 4, 4,
            ],
        }
    }

    #[expect(
        clippy::too_many_lines,
        clippy::many_single_char_names,
        reason = "as long as the text, and with its names"
    )]
    pub(super) fn predict(case: &Case<'_>, mode: Mode) -> Vec<u8> {
        let (have_above, have_left) = (case.available.above > 0, case.available.left > 0);
        let sample = |x: usize, y: usize| i32::from(case.plane[y * case.stride + x]);
        let (x, y) = (case.x, case.y);
        let mut above = Line(vec![0; 400]);
        let mut left = Line(vec![0; 400]);
        for i in 0..case.w + case.h {
            let value = match (have_above, have_left) {
                (false, true) => sample(x - 1, y),
                (false, false) => 127,
                _ => sample(x + i.min(case.available.above - 1), y - 1),
            };
            above.set(i32::try_from(i).unwrap(), value);
            let value = match (have_left, have_above) {
                (false, true) => sample(x, y - 1),
                (false, false) => 129,
                _ => sample(x - 1, y + i.min(case.available.left - 1)),
            };
            left.set(i32::try_from(i).unwrap(), value);
        }
        let corner = match (have_above, have_left) {
            (true, true) => sample(x - 1, y - 1),
            (true, false) => sample(x, y - 1),
            (false, true) => sample(x - 1, y),
            (false, false) => 128,
        };
        above.set(-1, corner);
        left.set(-1, corner);
        let (w, h) = (
            i32::try_from(case.w).unwrap(),
            i32::try_from(case.h).unwrap(),
        );
        let base_angle = [0, 90, 180, 45, 135, 113, 157, 203, 67, 0, 0, 0, 0][mode as usize];
        let p_angle = base_angle + case.angle_delta * 3;
        let (mut upsample_above, mut upsample_left) = (0, 0);
        if base_angle != 0 && p_angle != 90 && p_angle != 180 {
            if p_angle > 90 && p_angle < 180 && w + h >= 24 {
                let s = left.at(0) * 5 + above.at(-1) * 6 + above.at(0) * 5;
                above.set(-1, (s + 8) >> 4);
                left.set(-1, (s + 8) >> 4);
            }
            if have_above {
                let limit = i32::try_from(case.available.above).unwrap();
                let num_px = w.min(limit) + if p_angle < 90 { h } else { 0 } + 1;
                let strength = strength(w + h, case.filter_type, (p_angle - 90).abs());
                filter(&mut above, num_px, strength);
            }
            if have_left {
                let limit = i32::try_from(case.available.left).unwrap();
                let num_px = h.min(limit) + if p_angle > 180 { w } else { 0 } + 1;
                let strength = strength(w + h, case.filter_type, (p_angle - 180).abs());
                filter(&mut left, num_px, strength);
            }
            if use_upsample(w + h, case.filter_type, (p_angle - 90).abs()) {
                upsample_above = 1;
                upsample(&mut above, w + if p_angle < 90 { h } else { 0 });
            }
            if use_upsample(w + h, case.filter_type, (p_angle - 180).abs()) {
                upsample_left = 1;
                upsample(&mut left, h + if p_angle > 180 { w } else { 0 });
            }
        }
        let mut pred = Vec::new();
        for i in 0..h {
            for j in 0..w {
                let mix = |line: &Line, base: i32, shift: i32| {
                    (line.at(base) * (32 - shift) + line.at(base + 1) * shift + 16) >> 5
                };
                let value = match mode {
                    Mode::Dc => {
                        let left: i32 = (0..h).map(|k| left.at(k)).sum();
                        let above: i32 = (0..w).map(|k| above.at(k)).sum();
                        match (have_above, have_left) {
                            (true, true) => (left + above + ((w + h) >> 1)) / (w + h),
                            (true, false) => (above + (w >> 1)) >> w.ilog2(),
                            (false, true) => (left + (h >> 1)) >> h.ilog2(),
                            (false, false) => 128,
                        }
                    }
                    Mode::Paeth => {
                        let base = above.at(j) + left.at(i) - above.at(-1);
                        let p_left = (base - left.at(i)).abs();
                        let p_top = (base - above.at(j)).abs();
                        let p_top_left = (base - above.at(-1)).abs();
                        if p_left <= p_top && p_left <= p_top_left {
                            left.at(i)
                        } else if p_top <= p_top_left {
                            above.at(j)
                        } else {
                            above.at(-1)
                        }
                    }
                    Mode::Smooth | Mode::SmoothVertical | Mode::SmoothHorizontal => {
                        let down = weights(case.h)[usize::try_from(i).unwrap()];
                        let across = weights(case.w)[usize::try_from(j).unwrap()];
                        let vertical = down * above.at(j) + (256 - down) * left.at(h - 1);
                        let horizontal = across * left.at(i) + (256 - across) * above.at(w - 1);
                        match mode {
                            Mode::Smooth => (vertical + horizontal + 256) >> 9,
                            Mode::SmoothVertical => (vertical + 128) >> 8,
                            _ => (horizontal + 128) >> 8,
                        }
                    }
                    _ if p_angle == 90 => above.at(j),
                    _ if p_angle == 180 => left.at(i),
                    _ if p_angle < 90 => {
                        let dx = dr_intra_derivative(p_angle);
                        let idx = (i + 1) * dx;
                        let base = (idx >> (6 - upsample_above)) + (j << upsample_above);
                        let shift = ((idx << upsample_above) >> 1) & 0x1f;
                        let max_base_x = (w + h - 1) << upsample_above;
                        if base < max_base_x {
                            mix(&above, base, shift)
                        } else {
                            above.at(max_base_x)
                        }
                    }
                    _ if p_angle < 180 => {
                        let dx = dr_intra_derivative(180 - p_angle);
                        let idx = (j << 6) - (i + 1) * dx;
                        let base = idx >> (6 - upsample_above);
                        if base >= -(1 << upsample_above) {
                            mix(&above, base, ((idx << upsample_above) >> 1) & 0x1f)
                        } else {
                            let dy = dr_intra_derivative(p_angle - 90);
                            let idx = (i << 6) - (j + 1) * dy;
                            let base = idx >> (6 - upsample_left);
                            mix(&left, base, ((idx << upsample_left) >> 1) & 0x1f)
                        }
                    }
                    _ => {
                        let dy = dr_intra_derivative(270 - p_angle);
                        let idx = (j + 1) * dy;
                        let base = (idx >> (6 - upsample_left)) + (i << upsample_left);
                        mix(&left, base, ((idx << upsample_left) >> 1) & 0x1f)
                    }
                };
                pred.push(u8::try_from(value).unwrap());
            }
        }
        pred
    }
}

const STRIDE: usize = 160;

/// A plane of some kind of contents.
fn plane() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), STRIDE * STRIDE),
        proptest::collection::vec(prop_oneof![Just(0_u8), Just(255)], STRIDE * STRIDE),
        (any::<u8>(), any::<u8>()).prop_map(|(a, b)| {
            (0..STRIDE * STRIDE)
                .map(|i| {
                    u8::try_from((i / STRIDE * usize::from(a) + i * usize::from(b)) / 97 % 256)
                        .unwrap()
                })
                .collect()
        }),
    ]
}

fn sides() -> impl Strategy<Value = (usize, usize)> {
    let side = prop_oneof![Just(4_usize), Just(8), Just(16), Just(32), Just(64)];
    (side.clone(), side).prop_filter("within two to one", |(w, h)| w.max(h) / w.min(h) <= 2)
}

proptest! {
    // What fails is printed whole, so nothing need be kept in a file.
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_mode_predicts_what_the_standard_says(
        plane in plane(),
        (w, h) in sides(),
        [above, left] in [0_usize..=128, 0_usize..=128],
        filter_type: bool,
    ) {
        let available = Available { above: above.min(w + h), left: left.min(w + h) };
        let (x, y) = (8, 12);
        let edges = Edges::gather(&plane, STRIDE, x, y, w, h, available);
        for mode in Mode::ALL {
            for angle_delta in -3_i8..=3 {
                if angle_delta != 0 && mode.angle().is_none() {
                    continue;
                }
                let case = standard::Case {
                    plane: &plane,
                    stride: STRIDE,
                    x,
                    y,
                    w,
                    h,
                    available,
                    filter_type,
                    angle_delta: i32::from(angle_delta),
                };
                let expected = standard::predict(&case, mode);
                for cpu in Cpu::available() {
                    let mut found = vec![0; w * h];
                    predict(cpu, mode, angle_delta, filter_type, &edges, w, h, &mut found);
                    prop_assert_eq!(&found, &expected, "{:?} {:?} {}", cpu, mode, angle_delta);
                }
            }
        }
    }

    #[test]
    fn a_rough_comparison_is_that_of_each_prediction(
        plane in plane(),
        (w, h) in sides(),
        [above, left] in [0_usize..=128, 0_usize..=128],
        wanted: u16,
    ) {
        let available = Available { above: above.min(w + h), left: left.min(w + h) };
        let edges = Edges::gather(&plane, STRIDE, 8, 12, w, h, available);
        let source: Vec<u8> = plane.iter().rev().copied().take(w * h).collect();
        for cpu in Cpu::available() {
            let mut found = [0; 13];
            rough(cpu, &edges, &source, w, h, wanted, &mut found);
            for mode in Mode::ALL {
                if wanted & ROUGH & (1 << mode as u16) != 0 {
                    let mut prediction = vec![0; w * h];
                    predict(cpu, mode, 0, false, &edges, w, h, &mut prediction);
                    let expected = satd(cpu, &source, &prediction, w, h);
                    prop_assert_eq!(found[mode as usize], expected, "{:?} {:?}", cpu, mode);
                }
            }
        }
    }

    #[test]
    fn chroma_follows_luma_as_the_standard_says(
        plane in plane(),
        (w, h) in sides(),
        [cut_x, cut_y] in [0_usize..16, 0_usize..16],
        dc: u8,
        alpha in -16_i8..=16,
    ) {
        let (w, h) = (w.max(8), h.max(8));
        let luma: Vec<u8> = plane.iter().copied().take(w * h).collect();
        let valid_w = w - cut_x * 4 % w;
        let valid_h = h - cut_y * 4 % h;
        let mut expected = Vec::new();
        for i in 0..h / 2 {
            for j in 0..w / 2 {
                let (y, x) = ((2 * i).min(valid_h - 2), (2 * j).min(valid_w - 2));
                let at = |x: usize, y: usize| i32::from(luma[y * w + x]);
                expected.push(2 * (at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1)));
            }
        }
        let count = i32::try_from(expected.len()).unwrap();
        let mean = (expected.iter().sum::<i32>() + count / 2) >> count.ilog2();
        let expected: Vec<u8> = expected
            .iter()
            .map(|l| {
                let product = i32::from(alpha) * (l - mean);
                let scaled = if product < 0 { -((-product + 32) >> 6) } else { (product + 32) >> 6 };
                u8::try_from((i32::from(dc) + scaled).clamp(0, 255)).unwrap()
            })
            .collect();
        for cpu in Cpu::available() {
            let mut ac = vec![0; w * h / 4];
            luma_ac(cpu, &luma, w, h, valid_w, valid_h, &mut ac);
            let mut found = vec![0; w * h / 4];
            from_luma(cpu, dc, alpha, &ac, &mut found);
            prop_assert_eq!(&found, &expected);
        }
    }
}
