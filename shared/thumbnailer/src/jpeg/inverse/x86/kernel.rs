/// The transforms on the vectors of one width, from the operations of the module that it stands in. A macro because
/// `#[target_feature]` takes a literal and no type parameter.
macro_rules! transforms {
    ($features:literal, $bits:path) => {
        /// Sums of the 8-point transform of four lanes: outputs 0 to 7. The parameters are pairs of inputs.
        #[target_feature(enable = $features)]
        #[inline]
        fn eight_points(
            zero_four: Vector,
            one_five: Vector,
            two_six: Vector,
            three_seven: Vector,
            round: Vector,
        ) -> [Vector; 8] {
            let sum = add(multiply(zero_four, splat([UNIT, UNIT])), round);
            let difference = add(multiply(zero_four, splat([UNIT, -UNIT])), round);
            let outer = multiply(two_six, splat(EVEN[0]));
            let inner = multiply(two_six, splat(EVEN[1]));
            mirrored(
                [
                    add(sum, outer),
                    add(difference, inner),
                    subtract(difference, inner),
                    subtract(sum, outer),
                ],
                [
                    odd(one_five, three_seven, ODD[0]),
                    odd(one_five, three_seven, ODD[1]),
                    odd(one_five, three_seven, ODD[2]),
                    odd(one_five, three_seven, ODD[3]),
                ],
            )
        }

        #[target_feature(enable = $features)]
        #[inline]
        fn odd(one_five: Vector, three_seven: Vector, weights: [i16; 4]) -> Vector {
            let [one, three, five, seven] = weights;
            add(
                multiply(one_five, splat([one, five])),
                multiply(three_seven, splat([three, seven])),
            )
        }

        /// The same where inputs 4 to 7 are zero.
        #[target_feature(enable = $features)]
        #[inline]
        fn low_points(zero_two: Vector, one_three: Vector, round: Vector) -> [Vector; 8] {
            let [[outer, _], [inner, _]] = EVEN;
            mirrored(
                [
                    add(multiply(zero_two, splat([UNIT, outer])), round),
                    add(multiply(zero_two, splat([UNIT, inner])), round),
                    add(multiply(zero_two, splat([UNIT, -inner])), round),
                    add(multiply(zero_two, splat([UNIT, -outer])), round),
                ],
                [
                    multiply(one_three, splat([ODD[0][0], ODD[0][1]])),
                    multiply(one_three, splat([ODD[1][0], ODD[1][1]])),
                    multiply(one_three, splat([ODD[2][0], ODD[2][1]])),
                    multiply(one_three, splat([ODD[3][0], ODD[3][1]])),
                ],
            )
        }

        #[target_feature(enable = $features)]
        #[inline]
        fn mirrored(even: [Vector; 4], odd: [Vector; 4]) -> [Vector; 8] {
            [
                add(even[0], odd[0]),
                add(even[1], odd[1]),
                add(even[2], odd[2]),
                add(even[3], odd[3]),
                subtract(even[3], odd[3]),
                subtract(even[2], odd[2]),
                subtract(even[1], odd[1]),
                subtract(even[0], odd[0]),
            ]
        }

        /// Sums of the 4-point transform of four lanes: outputs 0 to 3.
        #[target_feature(enable = $features)]
        #[inline]
        fn four_points(zero_two: Vector, one_three: Vector, round: Vector) -> [Vector; 4] {
            let even = [
                add(multiply(zero_two, splat([UNIT, UNIT])), round),
                add(multiply(zero_two, splat([UNIT, -UNIT])), round),
            ];
            let odd = [
                multiply(one_three, splat(ODD_OF_FOUR[0])),
                multiply(one_three, splat(ODD_OF_FOUR[1])),
            ];
            [
                add(even[0], odd[0]),
                add(even[1], odd[1]),
                subtract(even[1], odd[1]),
                subtract(even[0], odd[0]),
            ]
        }

        /// Two sums of the first pass as a pair of inputs of the second.
        #[target_feature(enable = $features)]
        #[inline]
        fn pair(first: Vector, second: Vector) -> Vector {
            odd_words(
                shift_right_logical::<{ $bits(FIRST_SHIFT) }>(first),
                shift_left::<{ $bits(16 - FIRST_SHIFT) }>(second),
            )
        }

        /// Four columns of four rows between the passes, given row by row: for each row the pair of columns 0 and 2,
        /// and that of columns 1 and 3.
        #[target_feature(enable = $features)]
        #[inline]
        fn turned(rows: [Vector; 4]) -> [Vector; 2] {
            let order = lanes(&[0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15]);
            let upper = shuffle(pair(rows[0], rows[1]), order);
            let lower = shuffle(pair(rows[2], rows[3]), order);
            [low_quads(upper, lower), high_quads(upper, lower)]
        }

        #[target_feature(enable = $features)]
        #[inline]
        fn sample(sum: Vector) -> Vector {
            shift_right::<{ $bits(SECOND_SHIFT) }>(sum)
        }

        /// The sums of four columns, four rows each, as the samples of four rows.
        #[target_feature(enable = $features)]
        #[inline]
        fn samples(sums: [Vector; 4]) -> Vector {
            let [a, b, c, d] = sums;
            let left = pack_words(sample(a), sample(b));
            let columns = pack_bytes(left, pack_words(sample(c), sample(d)));
            shuffle(
                columns,
                lanes(&[0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]),
            )
        }

        /// Eight columns of four rows: rows 0 and 1, and rows 2 and 3.
        #[target_feature(enable = $features)]
        #[inline]
        fn whole_rows(sums: [Vector; 8]) -> [Vector; 2] {
            let left = samples([sums[0], sums[1], sums[2], sums[3]]);
            let right = samples([sums[4], sums[5], sums[6], sums[7]]);
            [low_pairs(left, right), high_pairs(left, right)]
        }

        /// Blocks of 8x8, one in each lane of 128 bits, from dequantised rows of coefficients to pairs of rows of
        /// samples.
        #[target_feature(enable = $features)]
        #[inline]
        fn eight_of(rows: [Vector; 8]) -> [Vector; 4] {
            let left = eight_points(
                low_words(rows[0], rows[4]),
                low_words(rows[1], rows[5]),
                low_words(rows[2], rows[6]),
                low_words(rows[3], rows[7]),
                lowest_round(),
            );
            let right = eight_points(
                high_words(rows[0], rows[4]),
                high_words(rows[1], rows[5]),
                high_words(rows[2], rows[6]),
                high_words(rows[3], rows[7]),
                splat_sum(FIRST_ROUND),
            );
            let half = |first: usize| {
                // In each: columns 0 and 4, 1 and 5, 2 and 6, 3 and 7 of one row.
                let a = pair(left[first], right[first]);
                let b = pair(left[first + 1], right[first + 1]);
                let c = pair(left[first + 2], right[first + 2]);
                let d = pair(left[first + 3], right[first + 3]);
                let (upper_left, upper_right) = (low_pairs(a, b), high_pairs(a, b));
                let (lower_left, lower_right) = (low_pairs(c, d), high_pairs(c, d));
                whole_rows(eight_points(
                    low_quads(upper_left, lower_left),
                    high_quads(upper_left, lower_left),
                    low_quads(upper_right, lower_right),
                    high_quads(upper_right, lower_right),
                    splat_sum(0),
                ))
            };
            let ([first, second], [third, fourth]) = (half(0), half(4));
            [first, second, third, fourth]
        }

        /// The same where only the lowest 4x4 coefficients differ from zero.
        #[target_feature(enable = $features)]
        #[inline]
        fn low_eight_of(rows: [Vector; 4]) -> [Vector; 4] {
            let rows = low_points(
                low_words(rows[0], rows[2]),
                low_words(rows[1], rows[3]),
                lowest_round(),
            );
            let half = |first: usize| {
                let [zero_two, one_three] = turned([
                    rows[first],
                    rows[first + 1],
                    rows[first + 2],
                    rows[first + 3],
                ]);
                whole_rows(low_points(zero_two, one_three, splat_sum(0)))
            };
            let ([first, second], [third, fourth]) = (half(0), half(4));
            [first, second, third, fourth]
        }

        /// Blocks of 4x4, one in each lane of 128 bits, from dequantised coefficients, rows 0 and 1 in `upper` and
        /// rows 2 and 3 in `lower`, to samples.
        #[target_feature(enable = $features)]
        #[inline]
        fn four_of(upper: Vector, lower: Vector) -> Vector {
            let [zero_two, one_three] = turned(four_points(
                low_words(upper, lower),
                high_words(upper, lower),
                lowest_round(),
            ));
            samples(four_points(zero_two, one_three, splat_sum(0)))
        }

        /// 8x8 blocks: how many were made.
        #[target_feature(enable = $features)]
        pub(super) fn eight(
            coefficients: &[i16],
            last: &[u8],
            quantiser: &[i16; 64],
            out: &mut [&mut [u8]; 8],
        ) -> usize {
            let blocks = coefficients.as_chunks::<64>().0.as_chunks::<EIGHTS>().0;
            let lasts = last.as_chunks::<EIGHTS>().0;
            let mut rows = out
                .each_mut()
                .map(|row| row.as_chunks_mut::<{ 8 * EIGHTS }>().0);
            let room = rows.iter().map(|row| row.len()).min().unwrap_or(0);
            let count = blocks.len().min(lasts.len()).min(room);
            for (index, (blocks, lasts)) in blocks.iter().zip(lasts).take(count).enumerate() {
                let pairs = match lasts.iter().fold(0, |highest, last| highest.max(*last)) {
                    0 => {
                        let samples = flat_row(blocks, quantiser[0]);
                        for row in &mut rows {
                            row[index] = samples;
                        }
                        continue;
                    }
                    1..=LAST_OF_LOW => low_eight_of(low_rows(blocks, quantiser)),
                    _ => eight_of(all_rows(blocks, quantiser)),
                };
                for (rows, pair) in rows.as_chunks_mut::<2>().0.iter_mut().zip(pairs) {
                    let (upper, lower) = apart(pair);
                    store(&mut rows[0][index], upper);
                    store(&mut rows[1][index], lower);
                }
            }
            count * EIGHTS
        }

        /// A row of samples of blocks that are all flat.
        fn flat_row(blocks: &[[i16; 64]; EIGHTS], quantiser: i16) -> [u8; 8 * EIGHTS] {
            std::array::from_fn(|column| flat(blocks[column / 8][0].wrapping_mul(quantiser)))
        }
    };
}
pub(super) use transforms;

/// Operations on two vectors, each one instruction.
macro_rules! operations {
    ($features:literal, $($name:ident = $instruction:ident,)*) => {
        $(
            #[target_feature(enable = $features)]
            #[inline]
            fn $name(a: Vector, b: Vector) -> Vector {
                $instruction(a, b)
            }
        )*
    };
}
pub(super) use operations;
