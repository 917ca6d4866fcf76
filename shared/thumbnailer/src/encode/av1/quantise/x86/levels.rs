//! Quantisation of eight or sixteen coefficients at once.

use super::super::steps::{Job, Measure};

/// The loop for a vector whose operations are in scope under short names.
macro_rules! levels {
    ($features:literal, $vector:ty) => {
        /// What `run_portable` of `steps` does, a vector at a time.
        #[target_feature(enable = $features)]
        pub(super) fn run<const MEASURE: bool>(job: Job<'_>, levels: &mut [i32]) -> Measure {
            let limit = every(i16::MAX.into());
            let [first, others] = job.rounding;
            let mut rounding = with_first(every(first), every(others));
            let (mut ends, mut errors) = (every(0), every(0));
            let (mut ones, mut twos, mut sums) = (every(0), every(0), every(0));
            let mut levels = levels.as_chunks_mut().0.iter_mut();
            let positions = job.steps.as_chunks().0.iter();
            let positions = positions.zip(job.inverses.as_chunks().0);
            let positions = positions.zip(job.importance.as_chunks().0);
            let places = job.order.as_chunks().0.iter();
            let places = places.zip(job.coefficients.as_chunks().0);
            let places = places.zip(job.dequantised.as_chunks_mut().0);
            let places = places.zip(positions);
            for (((order, coefficients), dequantised), ((step, inverse), importance)) in places {
                let (coefficients, step) = (load(coefficients), load(step));
                let negative = signs(coefficients);
                let magnitudes = minimum(absolute(coefficients), limit);
                let rounded = shift_right(multiply(step, rounding), 8);
                let finer = add(shift_left(magnitudes, job.shift), rounded);
                let quotients = multiply_floats(
                    add_floats(to_floats(finer), every_float(0.5)),
                    load_floats(inverse),
                );
                let found = truncated(quotients);
                let values = shift_right(multiply(found, step), job.shift);
                let values = minimum(values, subtract(limit, negative));
                store(with_signs(values, negative), dequantised);
                let order = load_words(order);
                ends = maximum(ends, where_positive(found, add(order, every(1))));
                if MEASURE {
                    // At most a step, so sixteen bits are enough.
                    let change = absolute(subtract(magnitudes, values));
                    let error = multiply(multiply_add(change, change), load(importance));
                    errors = add(errors, shift_right_unsigned(error, 10));
                    ones = add(ones, minimum(found, every(1)));
                    twos = add(twos, minimum(found, every(2)));
                    sums = add(sums, minimum(found, every(15)));
                } else if let Some(levels) = levels.next() {
                    store(with_signs(found, negative), levels);
                }
                rounding = every(others);
            }
            let [error, ones, ones_and_twos, sum] = totals([errors, ones, twos, sums]);
            Measure {
                end: greatest(ends) as usize,
                error: error.into(),
                ones,
                twos: ones_and_twos - ones,
                sum,
            }
        }
    };
}

mod eight {
    use core::arch::x86_64::{
        __m128i, __m256, __m256i, _mm_add_epi32, _mm_cvtsi32_si128, _mm_cvtsi128_si32,
        _mm_extract_epi32, _mm_loadu_si128, _mm_max_epi32, _mm_shuffle_epi32,
        _mm256_abs_epi32 as absolute, _mm256_add_epi32 as add, _mm256_add_ps as add_floats,
        _mm256_and_si256, _mm256_blend_epi32, _mm256_castsi256_si128, _mm256_cmpgt_epi32,
        _mm256_cvtepi32_ps as to_floats, _mm256_cvtepu16_epi32, _mm256_cvttps_epi32 as truncated,
        _mm256_extracti128_si256, _mm256_hadd_epi32, _mm256_loadu_ps, _mm256_loadu_si256,
        _mm256_madd_epi16 as multiply_add, _mm256_max_epi32 as maximum,
        _mm256_min_epi32 as minimum, _mm256_mul_ps as multiply_floats,
        _mm256_mullo_epi32 as multiply, _mm256_set1_epi32 as every, _mm256_set1_ps as every_float,
        _mm256_setzero_si256, _mm256_sll_epi32, _mm256_sra_epi32, _mm256_srai_epi32,
        _mm256_srl_epi32, _mm256_storeu_si256, _mm256_sub_epi32 as subtract, _mm256_xor_si256,
    };

    use super::{Job, Measure};

    levels!("avx2", __m256i);

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
    fn shift_right_unsigned(a: __m256i, bits: u32) -> __m256i {
        _mm256_srl_epi32(a, _mm_cvtsi32_si128(bits.cast_signed()))
    }

    #[expect(unsafe_code, reason = "a load")]
    #[target_feature(enable = "avx2")]
    #[inline]
    fn load_floats(from: &[f32; 8]) -> __m256 {
        // SAFETY: the reference is good for as many bytes as the vector has, and the load needs no alignment.
        unsafe { _mm256_loadu_ps(from.as_ptr()) }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn where_positive(condition: __m256i, a: __m256i) -> __m256i {
        _mm256_and_si256(_mm256_cmpgt_epi32(condition, _mm256_setzero_si256()), a)
    }

    /// The first lane of one vector with the other lanes of another.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn with_first(first: __m256i, others: __m256i) -> __m256i {
        _mm256_blend_epi32::<1>(others, first)
    }

    /// The sums of each vector's lanes.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn totals([a, b, c, d]: [__m256i; 4]) -> [u32; 4] {
        let sums = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
        let sums = _mm_add_epi32(
            _mm256_castsi256_si128(sums),
            _mm256_extracti128_si256::<1>(sums),
        );
        [
            _mm_extract_epi32::<0>(sums).cast_unsigned(),
            _mm_extract_epi32::<1>(sums).cast_unsigned(),
            _mm_extract_epi32::<2>(sums).cast_unsigned(),
            _mm_extract_epi32::<3>(sums).cast_unsigned(),
        ]
    }

    /// The greatest lane.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn greatest(a: __m256i) -> u32 {
        let fours = _mm_max_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256::<1>(a));
        let twos = _mm_max_epi32(fours, _mm_shuffle_epi32::<0b11_10>(fours));
        let one = _mm_max_epi32(twos, _mm_shuffle_epi32::<0b01>(twos));
        _mm_cvtsi128_si32(one).cast_unsigned()
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
        __m256i, __m512, __m512i, _mm_cvtsi32_si128, _mm256_add_epi32, _mm256_loadu_si256,
        _mm256_max_epi32, _mm512_abs_epi32 as absolute, _mm512_add_epi32 as add,
        _mm512_add_ps as add_floats, _mm512_castsi512_si256, _mm512_cvtepi32_ps as to_floats,
        _mm512_cvtepu16_epi32, _mm512_cvttps_epi32 as truncated, _mm512_extracti64x4_epi64,
        _mm512_loadu_ps, _mm512_loadu_si512, _mm512_madd_epi16 as multiply_add,
        _mm512_mask_mov_epi32, _mm512_maskz_mov_epi32, _mm512_max_epi32 as maximum,
        _mm512_min_epi32 as minimum, _mm512_mul_ps as multiply_floats,
        _mm512_mullo_epi32 as multiply, _mm512_set1_epi32 as every, _mm512_set1_ps as every_float,
        _mm512_sll_epi32, _mm512_sra_epi32, _mm512_srai_epi32, _mm512_srl_epi32,
        _mm512_storeu_si512, _mm512_sub_epi32 as subtract, _mm512_test_epi32_mask,
        _mm512_xor_si512,
    };

    use super::{Job, Measure};

    levels!("avx512f,avx512bw,avx512vl", __m512i);

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
    fn shift_right_unsigned(a: __m512i, bits: u32) -> __m512i {
        _mm512_srl_epi32(a, _mm_cvtsi32_si128(bits.cast_signed()))
    }

    #[expect(unsafe_code, reason = "a load")]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn load_floats(from: &[f32; 16]) -> __m512 {
        // SAFETY: the reference is good for as many bytes as the vector has, and the load needs no alignment.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn where_positive(condition: __m512i, a: __m512i) -> __m512i {
        _mm512_maskz_mov_epi32(_mm512_test_epi32_mask(condition, condition), a)
    }

    /// The first lane of one vector with the other lanes of another.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn with_first(first: __m512i, others: __m512i) -> __m512i {
        _mm512_mask_mov_epi32(others, 1, first)
    }

    /// The sums of each vector's lanes.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn totals(vectors: [__m512i; 4]) -> [u32; 4] {
        let halves =
            |a| _mm256_add_epi32(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64::<1>(a));
        let [a, b, c, d] = vectors;
        super::eight::totals([halves(a), halves(b), halves(c), halves(d)])
    }

    /// The greatest lane.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn greatest(a: __m512i) -> u32 {
        super::eight::greatest(_mm256_max_epi32(
            _mm512_castsi512_si256(a),
            _mm512_extracti64x4_epi64::<1>(a),
        ))
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

/// What `run_portable` of `steps` does, a vector at a time.
#[expect(unsafe_code, reason = "calls a function for a detected processor")]
pub(in super::super) fn levels_avx2<const MEASURE: bool>(
    job: Job<'_>,
    levels: &mut [i32],
) -> Measure {
    // SAFETY: only called for `Cpu::Avx2`, which says that the processor has AVX2.
    unsafe { eight::run::<MEASURE>(job, levels) }
}

/// What `run_portable` of `steps` does, a vector at a time.
#[expect(unsafe_code, reason = "calls a function for a detected processor")]
pub(in super::super) fn levels_avx512<const MEASURE: bool>(
    job: Job<'_>,
    levels: &mut [i32],
) -> Measure {
    // SAFETY: only called for `Cpu::Avx512`, which says that the processor has AVX-512 F, BW and VL.
    unsafe { sixteen::run::<MEASURE>(job, levels) }
}
