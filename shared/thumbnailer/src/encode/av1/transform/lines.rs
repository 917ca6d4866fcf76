//! The one-dimensional transforms, of as many lines at once as a vector has lanes.

/// The transforms, for a vector whose operations are in scope under short names. They work in place on `[V; N]`.
///
/// The standard writes a transform as steps of rotations and sums over disjoint pairs (the numbers here are those of
/// 7.13.2.3, 7.13.2.7 and 7.13.2.8). Each is its own inverse but for the sense of the rotations and for scale, so the
/// forward transform takes the same steps from the last to the first, `BACK`.
macro_rules! lines {
    ($(#[$attribute:meta])? $vector:ty) => {
        /// Takes the factors' binary point out, rounding.
        $(#[$attribute])?
        #[inline]
        fn round_factor(value: $vector) -> $vector {
            shift_right::<FRACTION>(add(value, every(1 << (FRACTION - 1))))
        }

        /// A factor's product, rounded.
        $(#[$attribute])?
        #[inline]
        fn scale(value: $vector, factor: i32) -> $vector {
            round_factor(multiply(value, every(factor)))
        }

        /// The standard's `B(a, b, angle, 0)`.
        $(#[$attribute])?
        #[inline]
        fn turn<const N: usize, const BACK: bool>(
            t: &mut [$vector; N],
            a: usize,
            b: usize,
            angle: usize,
        ) {
            let angle = if BACK { 256 - angle } else { angle };
            let (x, y) = (t[a], t[b]);
            let (cosine, sine) = (every(cosine(angle)), every(sine(angle)));
            t[a] = round_factor(subtract(multiply(x, cosine), multiply(y, sine)));
            t[b] = round_factor(add(multiply(x, sine), multiply(y, cosine)));
        }

        /// The standard's `B(a, b, angle, 1)`.
        $(#[$attribute])?
        #[inline]
        fn turn_flip<const N: usize, const BACK: bool>(
            t: &mut [$vector; N],
            a: usize,
            b: usize,
            angle: usize,
        ) {
            if BACK {
                t.swap(a, b);
            }
            turn::<N, BACK>(t, a, b, angle);
            if !BACK {
                t.swap(a, b);
            }
        }

        /// The standard's `B(a, b, 32, 1)`, with half the products. Its own inverse.
        $(#[$attribute])?
        #[inline]
        fn turn_half<const N: usize>(t: &mut [$vector; N], a: usize, b: usize) {
            let (x, y) = (t[a], t[b]);
            t[a] = scale(add(x, y), HALF_ROOT);
            t[b] = scale(subtract(x, y), HALF_ROOT);
        }

        /// The standard's `H(a, b, flip)`. What goes forward is within its range and needs no clamp.
        $(#[$attribute])?
        #[inline]
        fn meet<const N: usize, const BACK: bool>(
            t: &mut [$vector; N],
            a: usize,
            b: usize,
            flip: bool,
        ) {
            let (a, b) = if flip { (b, a) } else { (a, b) };
            let (sum, difference) = (add(t[a], t[b]), subtract(t[a], t[b]));
            t[a] = if BACK { sum } else { clamp(sum) };
            t[b] = if BACK { difference } else { clamp(difference) };
        }

        /// A step of the DCT; those of longer lines are empty.
        #[expect(clippy::too_many_lines, reason = "a list")]
        $(#[$attribute])?
        #[inline]
        fn dct_step<const N: usize, const BACK: bool, const STEP: usize>(t: &mut [$vector; N]) {
            match STEP {
                2 if N == 64 => {
                    for i in 0..16 {
                        turn::<N, BACK>(t, 32 + i, 63 - i, 63 - 4 * reversed(4, i));
                    }
                }
                3 if N >= 32 => {
                    for i in 0..8 {
                        turn::<N, BACK>(t, 16 + i, 31 - i, 6 + (reversed(3, 7 - i) << 3));
                    }
                }
                4 if N == 64 => {
                    for i in 0..16 {
                        meet::<N, BACK>(t, 32 + 2 * i, 33 + 2 * i, i & 1 == 1);
                    }
                }
                5 if N >= 16 => {
                    for i in 0..4 {
                        turn::<N, BACK>(t, 8 + i, 15 - i, 12 + (reversed(2, 3 - i) << 4));
                    }
                }
                6 if N >= 32 => {
                    for i in 0..8 {
                        meet::<N, BACK>(t, 16 + 2 * i, 17 + 2 * i, i & 1 == 1);
                    }
                }
                7 if N == 64 => {
                    for i in 0..4 {
                        for j in 0..2 {
                            let angle = 60 - 16 * reversed(2, i) + 64 * j;
                            turn_flip::<N, BACK>(t, 62 - 4 * i - j, 33 + 4 * i + j, angle);
                        }
                    }
                }
                8 if N >= 8 => {
                    turn::<N, BACK>(t, 4, 7, 56);
                    turn::<N, BACK>(t, 5, 6, 24);
                }
                9 if N >= 16 => {
                    for i in 0..4 {
                        meet::<N, BACK>(t, 8 + 2 * i, 9 + 2 * i, i & 1 == 1);
                    }
                }
                10 if N >= 32 => {
                    for i in 0..2 {
                        for j in 0..2 {
                            let angle = 24 + 64 * j + 32 * (1 - i);
                            turn_flip::<N, BACK>(t, 30 - 4 * i - j, 17 + 4 * i + j, angle);
                        }
                    }
                }
                11 if N == 64 => {
                    for i in 0..8 {
                        for j in 0..2 {
                            meet::<N, BACK>(t, 32 + 4 * i + j, 35 + 4 * i - j, i & 1 == 1);
                        }
                    }
                }
                12 => {
                    turn_half(t, 0, 1);
                    turn::<N, BACK>(t, 2, 3, 48);
                }
                13 if N >= 8 => {
                    meet::<N, BACK>(t, 4, 5, false);
                    meet::<N, BACK>(t, 6, 7, true);
                }
                14 if N >= 16 => {
                    turn_flip::<N, BACK>(t, 14, 9, 48);
                    turn_flip::<N, BACK>(t, 13, 10, 112);
                }
                15 if N >= 32 => {
                    for i in 0..4 {
                        for j in 0..2 {
                            meet::<N, BACK>(t, 16 + 4 * i + j, 19 + 4 * i - j, i & 1 == 1);
                        }
                    }
                }
                16 if N == 64 => {
                    for i in 0..2 {
                        for j in 0..4 {
                            let angle = 56 - 32 * i + 64 * (j >> 1);
                            turn_flip::<N, BACK>(t, 61 - 8 * i - j, 34 + 8 * i + j, angle);
                        }
                    }
                }
                17 => {
                    meet::<N, BACK>(t, 0, 3, false);
                    meet::<N, BACK>(t, 1, 2, false);
                }
                18 if N >= 8 => turn_half(t, 6, 5),
                19 if N >= 16 => {
                    for i in 0..2 {
                        for j in 0..2 {
                            meet::<N, BACK>(t, 8 + 4 * i + j, 11 + 4 * i - j, i == 1);
                        }
                    }
                }
                20 if N >= 32 => {
                    for i in 0..4 {
                        turn_flip::<N, BACK>(t, 29 - i, 18 + i, 48 + 64 * (i >> 1));
                    }
                }
                21 if N == 64 => {
                    for i in 0..4 {
                        for j in 0..4 {
                            meet::<N, BACK>(t, 32 + 8 * i + j, 39 + 8 * i - j, i & 1 == 1);
                        }
                    }
                }
                22 if N >= 8 => {
                    for i in 0..4 {
                        meet::<N, BACK>(t, i, 7 - i, false);
                    }
                }
                23 if N >= 16 => {
                    turn_half(t, 13, 10);
                    turn_half(t, 12, 11);
                }
                24 if N >= 32 => {
                    for i in 0..2 {
                        for j in 0..4 {
                            meet::<N, BACK>(t, 16 + 8 * i + j, 23 + 8 * i - j, i == 1);
                        }
                    }
                }
                25 if N == 64 => {
                    for i in 0..8 {
                        let angle = if i < 4 { 48 } else { 112 };
                        turn_flip::<N, BACK>(t, 59 - i, 36 + i, angle);
                    }
                }
                26 if N >= 16 => {
                    for i in 0..8 {
                        meet::<N, BACK>(t, i, 15 - i, false);
                    }
                }
                27 if N >= 32 => {
                    for i in 0..4 {
                        turn_half(t, 27 - i, 20 + i);
                    }
                }
                28 if N == 64 => {
                    for i in 0..8 {
                        meet::<N, BACK>(t, 32 + i, 47 - i, false);
                        meet::<N, BACK>(t, 48 + i, 63 - i, true);
                    }
                }
                29 if N >= 32 => {
                    for i in 0..16 {
                        meet::<N, BACK>(t, i, 31 - i, false);
                    }
                }
                30 if N == 64 => {
                    for i in 0..8 {
                        turn_half(t, 55 - i, 40 + i);
                    }
                }
                31 if N == 64 => {
                    for i in 0..32 {
                        meet::<N, BACK>(t, i, 63 - i, false);
                    }
                }
                _ => {}
            }
        }

        /// Samples from frequencies; `BACK`, frequencies from samples.
        $(#[$attribute])?
        #[inline]
        fn dct<const N: usize, const BACK: bool>(t: &mut [$vector; N]) {
            if BACK {
                steps!(dct_step, t, N, BACK; 31 30 29 28 27 26 25 24 23 22 21 20 19 18 17);
                steps!(dct_step, t, N, BACK; 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2);
                reverse_places(t);
            } else {
                reverse_places(t);
                steps!(dct_step, t, N, BACK; 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
                steps!(dct_step, t, N, BACK; 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
            }
        }

        /// The DCT's order of coefficients, and back.
        $(#[$attribute])?
        #[inline]
        fn reverse_places<const N: usize>(t: &mut [$vector; N]) {
            for i in 0..N {
                let other = reversed(N.ilog2(), i);
                if i < other {
                    t.swap(i, other);
                }
            }
        }

        /// A step of the ADST of eight and sixteen.
        $(#[$attribute])?
        #[inline]
        fn adst_step<const N: usize, const BACK: bool, const STEP: usize>(t: &mut [$vector; N]) {
            match STEP {
                2 => {
                    let (first, slope) = if N == 8 { (60, 16) } else { (62, 8) };
                    for i in 0..N / 2 {
                        turn_flip::<N, BACK>(t, 2 * i, 2 * i + 1, first - slope * i);
                    }
                }
                3 => {
                    for i in 0..N / 2 {
                        meet::<N, BACK>(t, i, N / 2 + i, false);
                    }
                }
                4 if N == 16 => {
                    for i in 0..2 {
                        turn_flip::<N, BACK>(t, 8 + 2 * i, 9 + 2 * i, 56 - 32 * i);
                        turn_flip::<N, BACK>(t, 13 + 2 * i, 12 + 2 * i, 8 + 32 * i);
                    }
                }
                5 if N == 16 => {
                    for i in 0..4 {
                        meet::<N, BACK>(t, i, 4 + i, false);
                        meet::<N, BACK>(t, 8 + i, 12 + i, false);
                    }
                }
                6 => {
                    for j in 0..N / 8 {
                        turn_flip::<N, BACK>(t, 4 + 8 * j, 5 + 8 * j, 48);
                        turn_flip::<N, BACK>(t, 7 + 8 * j, 6 + 8 * j, 16);
                    }
                }
                7 => {
                    for j in 0..N / 4 {
                        meet::<N, BACK>(t, 4 * j, 4 * j + 2, false);
                        meet::<N, BACK>(t, 4 * j + 1, 4 * j + 3, false);
                    }
                }
                8 => {
                    for j in 0..N / 4 {
                        turn_half(t, 4 * j + 2, 4 * j + 3);
                    }
                }
                _ => {}
            }
        }

        /// Samples from frequencies; `BACK`, frequencies from samples.
        $(#[$attribute])?
        #[inline]
        fn adst<const N: usize, const BACK: bool>(t: &mut [$vector; N]) {
            let before = *t;
            if N == 4 {
                adst_four::<N, BACK>(t);
            } else if BACK {
                for i in 0..N {
                    let value = before[i];
                    t[adst_place(N.ilog2(), i)] = if i & 1 == 1 { negate(value) } else { value };
                }
                steps!(adst_step, t, N, BACK; 8 7 6 5 4 3 2);
                let before = *t;
                for i in 0..N {
                    t[if i & 1 == 1 { i - 1 } else { N - 1 - i }] = before[i];
                }
            } else {
                for i in 0..N {
                    t[i] = before[if i & 1 == 1 { i - 1 } else { N - 1 - i }];
                }
                steps!(adst_step, t, N, BACK; 2 3 4 5 6 7 8);
                let before = *t;
                for i in 0..N {
                    let value = before[adst_place(N.ilog2(), i)];
                    t[i] = if i & 1 == 1 { negate(value) } else { value };
                }
            }
        }

        /// The ADST of four: a product with a matrix, and, `BACK`, with its transpose.
        $(#[$attribute])?
        #[inline]
        fn adst_four<const N: usize, const BACK: bool>(t: &mut [$vector; N]) {
            let [a, b, c, d] = [t[0], t[1], t[2], t[3]];
            let [one, two, three, four] = SINES.map(|sine| every(sine));
            if BACK {
                let sum = |x, y| round_factor(add(x, y));
                t[0] = sum(
                    add(multiply(a, one), multiply(b, two)),
                    add(multiply(c, three), multiply(d, four)),
                );
                t[1] = round_factor(multiply(subtract(add(a, b), d), three));
                t[2] = sum(
                    subtract(multiply(a, four), multiply(b, one)),
                    subtract(multiply(d, two), multiply(c, three)),
                );
                t[3] = sum(
                    subtract(multiply(a, two), multiply(b, four)),
                    subtract(multiply(c, three), multiply(d, one)),
                );
            } else {
                let first = add(add(multiply(a, one), multiply(c, four)), multiply(d, two));
                let second = subtract(
                    subtract(multiply(a, two), multiply(c, one)),
                    multiply(d, four),
                );
                let third = multiply(b, three);
                t[0] = round_factor(add(first, third));
                t[1] = round_factor(add(second, third));
                t[2] = round_factor(multiply(add(subtract(a, c), d), three));
                t[3] = round_factor(subtract(add(first, second), third));
            }
        }

        /// The scale of the other transforms alone.
        $(#[$attribute])?
        #[inline]
        fn identity<const N: usize>(t: &mut [$vector; N]) {
            for value in t {
                *value = match N {
                    4 => scale(*value, ROOT),
                    8 => shift_left::<1>(*value),
                    16 => scale(*value, TWICE_ROOT),
                    _ => shift_left::<2>(*value),
                };
            }
        }

        /// Samples from frequencies; `BACK`, frequencies from samples.
        $(#[$attribute])?
        #[inline]
        fn transform<const N: usize, const BACK: bool>(line: Line, t: &mut [$vector; N]) {
            match line {
                Line::Dct => dct::<N, BACK>(t),
                Line::Adst if N <= 16 => adst::<N, BACK>(t),
                Line::Adst => {}
                Line::Identity => identity(t),
            }
        }
    };
}

/// The numbered steps of a transform.
macro_rules! steps {
    ($step:ident, $t:ident, $n:ident, $back:ident; $($number:literal)*) => {
        $($step::<$n, $back, $number>($t);)*
    };
}
