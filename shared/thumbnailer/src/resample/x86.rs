//! Loads, stores and steps of the kernels in AVX2 and AVX-512.

#![expect(
    unsafe_code,
    reason = "whole registers are loaded and stored through pointers"
)]

use std::arch::x86_64::{
    __m128i, __m256i, __m512i, _mm_cvtsi32_si128, _mm_load_si128, _mm_packus_epi16,
    _mm_setzero_si128, _mm_store_si128, _mm_unpackhi_epi8, _mm_unpacklo_epi8, _mm256_add_epi32,
    _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_load_si256, _mm256_madd_epi16,
    _mm256_packs_epi32, _mm256_permute2x128_si256, _mm256_permute4x64_epi64, _mm256_set1_epi32,
    _mm256_setzero_si256, _mm256_sra_epi32, _mm256_store_si256, _mm256_unpackhi_epi32,
    _mm256_unpackhi_epi64, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64, _mm512_add_epi32,
    _mm512_cvtsepi32_epi16, _mm512_cvtusepi32_epi8, _mm512_load_si512, _mm512_madd_epi16,
    _mm512_max_epi32, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_sra_epi32,
};

use super::axis::PairWeights;
use super::kernel::{Bytes, LANES, Pairs, Samples};

fn as_lane(weights: PairWeights) -> i32 {
    let [even, odd] = weights.map(i16::to_le_bytes);
    i32::from_le_bytes([even[0], even[1], odd[0], odd[1]])
}

/// Sixteen sums in one register.
#[derive(Clone, Copy)]
pub(super) struct Sums512(__m512i);

impl Sums512 {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn half(shift: u32) -> Self {
        Self(_mm512_set1_epi32((1 << shift) >> 1))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn add(&mut self, pairs: &Pairs, weights: PairWeights) {
        // SAFETY: `Pairs` is 64 bytes, aligned to 64.
        let pairs = unsafe { _mm512_load_si512(pairs.0.as_ptr().cast()) };
        let products = _mm512_madd_epi16(pairs, _mm512_set1_epi32(as_lane(weights)));
        self.0 = _mm512_add_epi32(self.0, products);
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn samples(self, shift: u32) -> Samples {
        let mut samples = Samples::ZERO;
        let shifted = _mm512_sra_epi32(self.0, _mm_cvtsi32_si128(shift.cast_signed()));
        // SAFETY: `Samples` is 32 bytes, aligned to 32.
        unsafe {
            _mm256_store_si256(
                samples.0.as_mut_ptr().cast(),
                _mm512_cvtsepi32_epi16(shifted),
            );
        }
        samples
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn bytes(self, shift: u32) -> Bytes {
        let mut bytes = Bytes::ZERO;
        let shifted = _mm512_sra_epi32(self.0, _mm_cvtsi32_si128(shift.cast_signed()));
        let shifted = _mm512_max_epi32(shifted, _mm512_setzero_si512());
        // SAFETY: `Bytes` is 16 bytes, aligned to 16.
        unsafe {
            _mm_store_si128(bytes.0.as_mut_ptr().cast(), _mm512_cvtusepi32_epi8(shifted));
        }
        bytes
    }
}

/// Sixteen sums in two registers.
#[derive(Clone, Copy)]
pub(super) struct Sums256(__m256i, __m256i);

impl Sums256 {
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn half(shift: u32) -> Self {
        let half = _mm256_set1_epi32((1 << shift) >> 1);
        Self(half, half)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn add(&mut self, pairs: &Pairs, weights: PairWeights) {
        let [low, high] = pairs.0.as_chunks::<16>().0 else {
            return;
        };
        // SAFETY: either half of `Pairs` is 32 bytes, aligned to 32.
        let (low, high) = unsafe {
            (
                _mm256_load_si256(low.as_ptr().cast()),
                _mm256_load_si256(high.as_ptr().cast()),
            )
        };
        let weights = _mm256_set1_epi32(as_lane(weights));
        self.0 = _mm256_add_epi32(self.0, _mm256_madd_epi16(low, weights));
        self.1 = _mm256_add_epi32(self.1, _mm256_madd_epi16(high, weights));
    }

    /// Both registers shifted and packed to 16 bits, in order.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn packed(self, shift: u32) -> __m256i {
        let count = _mm_cvtsi32_si128(shift.cast_signed());
        let (low, high) = (
            _mm256_sra_epi32(self.0, count),
            _mm256_sra_epi32(self.1, count),
        );
        _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(low, high))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn samples(self, shift: u32) -> Samples {
        let mut samples = Samples::ZERO;
        // SAFETY: `Samples` is 32 bytes, aligned to 32.
        unsafe { _mm256_store_si256(samples.0.as_mut_ptr().cast(), self.packed(shift)) };
        samples
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn bytes(self, shift: u32) -> Bytes {
        let mut bytes = Bytes::ZERO;
        let packed = self.packed(shift);
        let packed = _mm_packus_epi16(
            _mm256_castsi256_si128(packed),
            _mm256_extracti128_si256::<1>(packed),
        );
        // SAFETY: `Bytes` is 16 bytes, aligned to 16.
        unsafe { _mm_store_si128(bytes.0.as_mut_ptr().cast(), packed) };
        bytes
    }
}

/// Turns sixteen rows of eight pairs on their side.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn turn_pairs(rows: &[&Samples; LANES], out: &mut [Pairs; 8]) {
    let (upper, lower) = rows.split_at(8);
    for (half, rows) in [upper, lower].into_iter().enumerate() {
        let mut lanes = [_mm256_setzero_si256(); 8];
        for (lane, row) in lanes.iter_mut().zip(rows) {
            // SAFETY: `Samples` is 32 bytes, aligned to 32.
            *lane = unsafe { _mm256_load_si256(row.0.as_ptr().cast()) };
        }
        for (out, lane) in out.iter_mut().zip(turn_lanes(lanes)) {
            if let Some(out) = out.0.as_chunks_mut::<16>().0.get_mut(half) {
                // SAFETY: either half of `Pairs` is 32 bytes, aligned to 32.
                unsafe { _mm256_store_si256(out.as_mut_ptr().cast(), lane) };
            }
        }
    }
}

/// Turns eight registers of eight 32-bit lanes on their side: pairs of lanes, then quadruples, then halves.
#[inline]
#[target_feature(enable = "avx2")]
fn turn_lanes(rows: [__m256i; 8]) -> [__m256i; 8] {
    let [ab, cd, ef, gh] = rows.as_chunks::<2>().0 else {
        return rows;
    };
    let [ab, cd, ef, gh] = [ab, cd, ef, gh].map(|&[upper, lower]| {
        (
            _mm256_unpacklo_epi32(upper, lower),
            _mm256_unpackhi_epi32(upper, lower),
        )
    });
    let [upper, lower] = [(ab, cd), (ef, gh)].map(|(upper, lower)| {
        [
            _mm256_unpacklo_epi64(upper.0, lower.0),
            _mm256_unpackhi_epi64(upper.0, lower.0),
            _mm256_unpacklo_epi64(upper.1, lower.1),
            _mm256_unpackhi_epi64(upper.1, lower.1),
        ]
    });
    let mut turned = rows;
    for index in 0..4 {
        turned[index] = _mm256_permute2x128_si256::<0x20>(upper[index], lower[index]);
        turned[index + 4] = _mm256_permute2x128_si256::<0x31>(upper[index], lower[index]);
    }
    turned
}

/// Turns sixteen columns of bytes into rows: four times, each register is interleaved with that half of them away,
/// which moves one bit of the row's number into the column's.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn turn_bytes(columns: &[Bytes; LANES]) -> [Bytes; LANES] {
    let mut lanes = [_mm_setzero_si128(); LANES];
    for (lane, column) in lanes.iter_mut().zip(columns) {
        // SAFETY: `Bytes` is 16 bytes, aligned to 16.
        *lane = unsafe { _mm_load_si128(column.0.as_ptr().cast()) };
    }
    for _ in 0..4 {
        let before: [__m128i; LANES] = lanes;
        for index in 0..LANES / 2 {
            let (low, high) = (before[index], before[index + LANES / 2]);
            lanes[2 * index] = _mm_unpacklo_epi8(low, high);
            lanes[2 * index + 1] = _mm_unpackhi_epi8(low, high);
        }
    }
    let mut rows = [Bytes::ZERO; LANES];
    for (row, lane) in rows.iter_mut().zip(lanes) {
        // SAFETY: `Bytes` is 16 bytes, aligned to 16.
        unsafe { _mm_store_si128(row.0.as_mut_ptr().cast(), lane) };
    }
    rows
}
