//! Directions with AVX2. Wider vectors than its gain nothing: rows are short.

use core::arch::x86_64::{
    __m128i, __m256i, _mm_add_epi16, _mm_cvtsi64_si128, _mm_cvtsi128_si32, _mm_cvtsi128_si64,
    _mm_loadu_si128, _mm_maddubs_epi16, _mm_packus_epi16, _mm_set1_epi16, _mm_srli_epi16,
    _mm_srli_epi64, _mm_srli_si128, _mm_storeu_si128, _mm_unpackhi_epi8, _mm_unpackhi_epi16,
    _mm_unpackhi_epi32, _mm_unpackhi_epi64, _mm_unpacklo_epi8, _mm_unpacklo_epi16,
    _mm_unpacklo_epi32, _mm256_add_epi16, _mm256_castsi256_si128, _mm256_cvtepu8_epi16,
    _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_maddubs_epi16, _mm256_mullo_epi16,
    _mm256_packus_epi16, _mm256_set1_epi16, _mm256_srai_epi16, _mm256_srli_epi16,
    _mm256_storeu_si256, _mm256_sub_epi16, _mm256_unpackhi_epi8, _mm256_unpacklo_epi8,
};

use super::super::LONGEST;
use super::super::edges::{ORIGIN, Side};
use super::{FROM, Job, KERNELS, Line, corner, doubles, step, strength};

directional!(#[target_feature(enable = "avx2")]);

/// See [`super::predict`].
#[expect(unsafe_code, reason = "calls a function for a detected processor")]
pub(super) fn predict(job: Job<'_>, width: usize, out: &mut [u8]) {
    // SAFETY: only called for a `Cpu` that says that the processor has AVX2.
    unsafe { predict_any(job, width, out) }
}

/// Sixteen bytes from a place on; zeros if there are not as many.
#[expect(unsafe_code, reason = "a load")]
#[target_feature(enable = "avx2")]
#[inline]
fn sixteen(samples: &Side, place: usize) -> __m128i {
    let bytes = samples.get(place..).and_then(<[u8]>::first_chunk::<16>);
    // SAFETY: the reference is good for 16 bytes, and the load needs no alignment.
    unsafe { _mm_loadu_si128(bytes.unwrap_or(&[0; 16]).as_ptr().cast()) }
}

/// Thirty-two bytes from a place on; zeros if there are not as many.
#[expect(unsafe_code, reason = "a load")]
#[target_feature(enable = "avx2")]
#[inline]
fn thirty_two(samples: &Side, place: usize) -> __m256i {
    let bytes = samples.get(place..).and_then(<[u8]>::first_chunk::<32>);
    // SAFETY: the reference is good for 32 bytes, and the load needs no alignment.
    unsafe { _mm256_loadu_si256(bytes.unwrap_or(&[0; 32]).as_ptr().cast()) }
}

#[expect(unsafe_code, reason = "a store")]
#[target_feature(enable = "avx2")]
#[inline]
fn store_sixteen(vector: __m128i, to: &mut [u8; 16]) {
    // SAFETY: the reference is good for 16 bytes, and the store needs no alignment.
    unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), vector) }
}

#[expect(unsafe_code, reason = "a store")]
#[target_feature(enable = "avx2")]
#[inline]
fn store_thirty_two(vector: __m256i, to: &mut [u8; 32]) {
    // SAFETY: the reference is good for 32 bytes, and the store needs no alignment.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), vector) }
}

/// Smooths the first `count` samples after the corner, which stays as it is (7.11.2.12).
///
/// What comes after them is the same as the last (where the picture ends) or is not used: so this can go by sixteen
/// and put it back.
#[target_feature(enable = "avx2")]
#[inline]
fn smooth(line: &mut Line, count: usize, strength: usize) {
    let Some(kernel) = strength.checked_sub(1).and_then(|place| KERNELS.get(place)) else {
        return;
    };
    let count = count.min(2 * LONGEST);
    line.samples[ORIGIN - 2] = line.samples[ORIGIN - 1];
    let last = line.samples[ORIGIN + count - 1];
    line.samples[ORIGIN + count] = last;
    line.samples[ORIGIN + count + 1] = last;
    let kernel = kernel.map(|weight| _mm256_set1_epi16(weight.cast_signed()));
    let words = |line: &Line, place| _mm256_cvtepu8_epi16(sixteen(&line.samples, place));
    let mut place = ORIGIN;
    // What a group needs of the samples before it, which the group before has smoothed.
    let mut before = [words(line, place - 2), words(line, place - 1)];
    for _ in 0..count.div_ceil(16) {
        let next = [words(line, place + 14), words(line, place + 15)];
        let [two_before, one_before] = before;
        let near = _mm256_add_epi16(one_before, words(line, place + 1));
        let far = _mm256_add_epi16(two_before, words(line, place + 2));
        let sum = _mm256_add_epi16(
            _mm256_mullo_epi16(words(line, place), kernel[0]),
            _mm256_add_epi16(
                _mm256_mullo_epi16(near, kernel[1]),
                _mm256_mullo_epi16(far, kernel[2]),
            ),
        );
        let smoothed = bytes(_mm256_srli_epi16::<4>(_mm256_add_epi16(
            sum,
            _mm256_set1_epi16(8),
        )));
        if let Some(to) = line.samples[place..].first_chunk_mut() {
            store_sixteen(smoothed, to);
        }
        place += 16;
        before = next;
    }
    if let Some(beyond) = line.samples[ORIGIN + count..].first_chunk_mut::<16>() {
        beyond.fill(last);
    }
}

/// Words as bytes, clipped to eight bits.
#[target_feature(enable = "avx2")]
#[inline]
fn bytes(words: __m256i) -> __m128i {
    _mm_packus_epi16(
        _mm256_castsi256_si128(words),
        _mm256_extracti128_si256::<1>(words),
    )
}

/// Puts samples between the corner and the first `count` samples (7.11.2.11), at most 16. What comes after them is not
/// used, so this makes 16 of them.
#[target_feature(enable = "avx2")]
#[inline]
fn double(line: &mut Line, count: usize) {
    let count = count.min(16);
    line.samples[ORIGIN - 2] = line.samples[ORIGIN - 1];
    line.samples[ORIGIN + count] = line.samples[ORIGIN + count - 1];
    let words = |place| _mm256_cvtepu8_epi16(sixteen(&line.samples, place));
    let outer = _mm256_add_epi16(words(ORIGIN - 2), words(ORIGIN + 1));
    let inner = _mm256_add_epi16(words(ORIGIN - 1), words(ORIGIN));
    let sum = _mm256_sub_epi16(_mm256_mullo_epi16(inner, _mm256_set1_epi16(9)), outer);
    let between = bytes(_mm256_srai_epi16::<4>(_mm256_add_epi16(
        sum,
        _mm256_set1_epi16(8),
    )));
    let own = sixteen(&line.samples, ORIGIN);
    let pairs = line.samples[ORIGIN - 1..].as_chunks_mut().0;
    if let [first, second, ..] = pairs {
        store_sixteen(_mm_unpacklo_epi8(between, own), first);
        store_sixteen(_mm_unpackhi_epi8(between, own), second);
    }
    line.doubled = true;
}

/// `N` samples one apart from `position` on, in 64ths of a sample, between the two nearest each.
#[target_feature(enable = "avx2")]
#[inline]
fn along<const N: usize>(line: &Line, position: i32) -> [u8; N] {
    let bits = if line.doubled { 5 } else { 6 };
    let base = usize::try_from(ORIGIN.cast_signed() + (position >> bits) as isize).unwrap_or(0);
    let far = (position << (6 - bits) >> 1) & 31;
    // The weights of a sample and of the next, as bytes.
    let [low, _, _, _] = (32 - far).to_le_bytes();
    let [high, _, _, _] = far.to_le_bytes();
    let weights = i16::from_le_bytes([low, high]);
    let mut out = [0; N];
    if N <= 8 {
        let first = sixteen(&line.samples, base);
        let pairs = if line.doubled {
            first
        } else if N == 4 {
            _mm_unpacklo_epi8(first, _mm_srli_epi64::<8>(first))
        } else {
            _mm_unpacklo_epi8(first, _mm_srli_si128::<1>(first))
        };
        let mixed = mixed(pairs, weights);
        let mixed = _mm_packus_epi16(mixed, mixed);
        let whole = if N == 4 {
            &_mm_cvtsi128_si32(mixed).to_le_bytes()[..]
        } else {
            &_mm_cvtsi128_si64(mixed).to_le_bytes()[..]
        };
        out.copy_from_slice(&whole[..N]);
    } else if N == 16 {
        let (first, second) = (
            sixteen(&line.samples, base),
            sixteen(&line.samples, base + 1),
        );
        let low = mixed(_mm_unpacklo_epi8(first, second), weights);
        let high = mixed(_mm_unpackhi_epi8(first, second), weights);
        if let Some(out) = out.first_chunk_mut() {
            store_sixteen(_mm_packus_epi16(low, high), out);
        }
    } else {
        for (index, out) in out.as_chunks_mut().0.iter_mut().enumerate() {
            let base = base + 32 * index;
            let (first, second) = (
                thirty_two(&line.samples, base),
                thirty_two(&line.samples, base + 1),
            );
            let low = mixed_wide(_mm256_unpacklo_epi8(first, second), weights);
            let high = mixed_wide(_mm256_unpackhi_epi8(first, second), weights);
            store_thirty_two(_mm256_packus_epi16(low, high), out);
        }
    }
    out
}

/// Samples between pairs of samples.
#[target_feature(enable = "avx2")]
#[inline]
fn mixed(pairs: __m128i, weights: i16) -> __m128i {
    let sum = _mm_maddubs_epi16(pairs, _mm_set1_epi16(weights));
    _mm_srli_epi16::<5>(_mm_add_epi16(sum, _mm_set1_epi16(16)))
}

/// Samples between pairs of samples.
#[target_feature(enable = "avx2")]
#[inline]
fn mixed_wide(pairs: __m256i, weights: i16) -> __m256i {
    let sum = _mm256_maddubs_epi16(pairs, _mm256_set1_epi16(weights));
    _mm256_srli_epi16::<5>(_mm256_add_epi16(sum, _mm256_set1_epi16(16)))
}

/// Swaps rows and columns of eight times eight samples.
#[target_feature(enable = "avx2")]
#[inline]
#[expect(clippy::many_single_char_names, reason = "rows of a square")]
fn transposed(lines: [u64; 8]) -> [u64; 8] {
    let [a, b, c, d, e, f, g, h] = lines.map(|line| _mm_cvtsi64_si128(line.cast_signed()));
    let (ab, cd) = (_mm_unpacklo_epi8(a, b), _mm_unpacklo_epi8(c, d));
    let (ef, gh) = (_mm_unpacklo_epi8(e, f), _mm_unpacklo_epi8(g, h));
    let (left_low, left_high) = (_mm_unpacklo_epi16(ab, cd), _mm_unpackhi_epi16(ab, cd));
    let (right_low, right_high) = (_mm_unpacklo_epi16(ef, gh), _mm_unpackhi_epi16(ef, gh));
    let pairs = [
        _mm_unpacklo_epi32(left_low, right_low),
        _mm_unpackhi_epi32(left_low, right_low),
        _mm_unpacklo_epi32(left_high, right_high),
        _mm_unpackhi_epi32(left_high, right_high),
    ];
    std::array::from_fn(|line| {
        let pair = pairs[line / 2];
        let half = if line % 2 == 0 {
            pair
        } else {
            _mm_unpackhi_epi64(pair, pair)
        };
        _mm_cvtsi128_si64(half).cast_unsigned()
    })
}
