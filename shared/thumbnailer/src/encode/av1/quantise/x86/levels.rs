//! Quantisation of eight or sixteen coefficients at once.

use super::super::steps::{Job, Measure, Rule};

/// The loop for a vector whose operations are in scope under short names.
macro_rules! levels {
    ($features:literal, $vector:ty, $floats:ty, $lanes:literal) => {
        /// A [`Rule`] with a lane for each coefficient.
        #[derive(Clone, Copy)]
        struct Lanes {
            step: $vector,
            inverse: $floats,
            rounding: $vector,
        }

        #[target_feature(enable = $features)]
        #[inline]
        fn lanes(first: Rule, others: Rule) -> Lanes {
            let integers = |of: fn(&Rule) -> i32| {
                let mut lanes = [of(&others); $lanes];
                lanes[0] = of(&first);
                load(&lanes)
            };
            Lanes {
                step: integers(|rule| rule.step),
                inverse: as_floats(integers(|rule| rule.inverse.to_bits().cast_signed())),
                rounding: integers(|rule| rule.rounding),
            }
        }

        /// See [`super::super::super::steps::run`].
        #[target_feature(enable = $features)]
        pub(super) fn run<const MEASURE: bool>(job: Job<'_>, levels: &mut [i32]) -> Measure {
            let shift = job.ac.shift;
            let limit = every(i16::MAX.into());
            let mut rule = lanes(job.dc, job.ac);
            let (mut ends, mut errors) = (every(0), every(0));
            let (mut ones, mut twos, mut sums) = (every(0), every(0), every(0));
            let mut levels = levels.as_chunks_mut().0.iter_mut();
            let places = job.order.as_chunks().0.iter();
            let places = places.zip(job.coefficients.as_chunks().0);
            let places = places.zip(job.dequantised.as_chunks_mut().0);
            for ((order, coefficients), dequantised) in places {
                let coefficients = load(coefficients);
                let negative = signs(coefficients);
                let magnitudes = minimum(absolute(coefficients), limit);
                let finer = add(shift_left(magnitudes, shift), rule.rounding);
                let quotients =
                    multiply_floats(add_floats(to_floats(finer), every_float(0.5)), rule.inverse);
                let found = truncated(quotients);
                let values = shift_right(multiply(found, rule.step), shift);
                let values = minimum(values, subtract(limit, negative));
                store(with_signs(values, negative), dequantised);
                let order = load_words(order);
                ends = maximum(ends, where_positive(found, add(order, every(1))));
                if MEASURE {
                    // Below a step, so sixteen bits are enough.
                    let errors_here = absolute(subtract(magnitudes, values));
                    errors = add(errors, multiply_add(errors_here, errors_here));
                    ones = add(ones, minimum(found, every(1)));
                    twos = add(twos, minimum(found, every(2)));
                    sums = add(sums, minimum(found, every(15)));
                } else if let Some(levels) = levels.next() {
                    store(with_signs(found, negative), levels);
                }
                rule = lanes(job.ac, job.ac);
            }
            let ones = total(ones);
            Measure {
                end: greatest(ends) as usize,
                error: total(errors).into(),
                ones,
                twos: total(twos) - ones,
                sum: total(sums),
            }
        }
    };
}

mod eight {
    use core::arch::x86_64::{
        __m128i, __m256, __m256i, _mm_cvtsi32_si128, _mm_loadu_si128, _mm256_abs_epi32 as absolute,
        _mm256_add_epi32 as add, _mm256_add_ps as add_floats, _mm256_and_si256,
        _mm256_castsi256_ps as as_floats, _mm256_cmpgt_epi32, _mm256_cvtepi32_ps as to_floats,
        _mm256_cvtepu16_epi32, _mm256_cvttps_epi32 as truncated, _mm256_loadu_si256,
        _mm256_madd_epi16 as multiply_add, _mm256_max_epi32 as maximum,
        _mm256_min_epi32 as minimum, _mm256_mul_ps as multiply_floats,
        _mm256_mullo_epi32 as multiply, _mm256_set1_epi32 as every, _mm256_set1_ps as every_float,
        _mm256_setzero_si256, _mm256_sll_epi32, _mm256_sra_epi32, _mm256_srai_epi32,
        _mm256_storeu_si256, _mm256_sub_epi32 as subtract, _mm256_xor_si256,
    };

    use super::{Job, Measure, Rule};

    levels!("avx2", __m256i, __m256, 8);

    #[target_feature(enable = "avx2")]
    #[inline]
    fn signs(a: __m256i) -> __m256i {
        _mm256_srai_epi32::<31>(a)
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn with_signs(a: __m256i, negative: __m256i) -> __m256i {
        subtract(_mm256_xor_si256(a, negative), negative)
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn shift_left(a: __m256i, bits: u32) -> __m256i {
        _mm256_sll_epi32(a, _mm_cvtsi32_si128(bits.cast_signed()))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn shift_right(a: __m256i, bits: u32) -> __m256i {
        _mm256_sra_epi32(a, _mm_cvtsi32_si128(bits.cast_signed()))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn where_positive(condition: __m256i, a: __m256i) -> __m256i {
        _mm256_and_si256(_mm256_cmpgt_epi32(condition, _mm256_setzero_si256()), a)
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn total(a: __m256i) -> u32 {
        let mut lanes = [0; 8];
        store(a, &mut lanes);
        lanes.into_iter().map(i32::cast_unsigned).sum()
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn greatest(a: __m256i) -> u32 {
        let mut lanes = [0; 8];
        store(a, &mut lanes);
        lanes.into_iter().fold(0, |a, b| a.max(b.cast_unsigned()))
    }

    #[expect(unsafe_code, reason = "a load")]
    #[target_feature(enable = "avx2")]
    #[inline]
    fn load(from: &[i32; 8]) -> __m256i {
        // SAFETY: the reference is good for 32 bytes, and the load needs no alignment.
        unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
    }

    #[expect(unsafe_code, reason = "a load")]
    #[target_feature(enable = "avx2")]
    #[inline]
    fn load_words(from: &[u16; 8]) -> __m256i {
        // SAFETY: the reference is good for 16 bytes, and the load needs no alignment.
        let words: __m128i = unsafe { _mm_loadu_si128(from.as_ptr().cast()) };
        _mm256_cvtepu16_epi32(words)
    }

    #[expect(unsafe_code, reason = "a store")]
    #[target_feature(enable = "avx2")]
    #[inline]
    fn store(a: __m256i, to: &mut [i32; 8]) {
        // SAFETY: the reference is good for 32 bytes, and the store needs no alignment.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), a) }
    }
}

mod sixteen {
    use core::arch::x86_64::{
        __m256i, __m512, __m512i, _mm_cvtsi32_si128, _mm256_loadu_si256,
        _mm512_abs_epi32 as absolute, _mm512_add_epi32 as add, _mm512_add_ps as add_floats,
        _mm512_castsi512_ps as as_floats, _mm512_cvtepi32_ps as to_floats, _mm512_cvtepu16_epi32,
        _mm512_cvttps_epi32 as truncated, _mm512_loadu_si512, _mm512_madd_epi16 as multiply_add,
        _mm512_maskz_mov_epi32, _mm512_max_epi32 as maximum, _mm512_min_epi32 as minimum,
        _mm512_mul_ps as multiply_floats, _mm512_mullo_epi32 as multiply, _mm512_reduce_add_epi32,
        _mm512_reduce_max_epi32, _mm512_set1_epi32 as every, _mm512_set1_ps as every_float,
        _mm512_sll_epi32, _mm512_sra_epi32, _mm512_srai_epi32, _mm512_storeu_si512,
        _mm512_sub_epi32 as subtract, _mm512_test_epi32_mask, _mm512_xor_si512,
    };

    use super::{Job, Measure, Rule};

    levels!("avx512f,avx512bw,avx512vl", __m512i, __m512, 16);

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn signs(a: __m512i) -> __m512i {
        _mm512_srai_epi32::<31>(a)
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn with_signs(a: __m512i, negative: __m512i) -> __m512i {
        subtract(_mm512_xor_si512(a, negative), negative)
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn shift_left(a: __m512i, bits: u32) -> __m512i {
        _mm512_sll_epi32(a, _mm_cvtsi32_si128(bits.cast_signed()))
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn shift_right(a: __m512i, bits: u32) -> __m512i {
        _mm512_sra_epi32(a, _mm_cvtsi32_si128(bits.cast_signed()))
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn where_positive(condition: __m512i, a: __m512i) -> __m512i {
        _mm512_maskz_mov_epi32(_mm512_test_epi32_mask(condition, condition), a)
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn total(a: __m512i) -> u32 {
        _mm512_reduce_add_epi32(a).cast_unsigned()
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn greatest(a: __m512i) -> u32 {
        _mm512_reduce_max_epi32(a).cast_unsigned()
    }

    #[expect(unsafe_code, reason = "a load")]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn load(from: &[i32; 16]) -> __m512i {
        // SAFETY: the reference is good for 64 bytes, and the load needs no alignment.
        unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
    }

    #[expect(unsafe_code, reason = "a load")]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn load_words(from: &[u16; 16]) -> __m512i {
        // SAFETY: the reference is good for 32 bytes, and the load needs no alignment.
        let words: __m256i = unsafe { _mm256_loadu_si256(from.as_ptr().cast()) };
        _mm512_cvtepu16_epi32(words)
    }

    #[expect(unsafe_code, reason = "a store")]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn store(a: __m512i, to: &mut [i32; 16]) {
        // SAFETY: the reference is good for 64 bytes, and the store needs no alignment.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), a) }
    }
}

/// See [`super::super::steps::run`].
#[expect(unsafe_code, reason = "calls a function for a detected processor")]
pub(in super::super) fn levels_avx2<const MEASURE: bool>(
    job: Job<'_>,
    levels: &mut [i32],
) -> Measure {
    // SAFETY: only called for `Cpu::Avx2`, which says that the processor has AVX2.
    unsafe { eight::run::<MEASURE>(job, levels) }
}

/// See [`super::super::steps::run`].
#[expect(unsafe_code, reason = "calls a function for a detected processor")]
pub(in super::super) fn levels_avx512<const MEASURE: bool>(
    job: Job<'_>,
    levels: &mut [i32],
) -> Measure {
    // SAFETY: only called for `Cpu::Avx512`, which says that the processor has AVX-512 F, BW and VL.
    unsafe { sixteen::run::<MEASURE>(job, levels) }
}
