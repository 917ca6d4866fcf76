//! A step of eight rows in one register of AVX2.

use std::arch::x86_64::{
    __m256i, _mm_cvtsi32_si128, _mm256_add_epi8, _mm256_adds_epu8, _mm256_and_si256,
    _mm256_avg_epu8, _mm256_blend_epi32, _mm256_blendv_epi8, _mm256_castsi128_si256,
    _mm256_cmpeq_epi8, _mm256_extract_epi32, _mm256_min_epu8, _mm256_or_si256,
    _mm256_permutevar8x32_epi32, _mm256_set1_epi8, _mm256_setr_epi32, _mm256_setzero_si256,
    _mm256_sub_epi8, _mm256_subs_epu8, _mm256_xor_si256,
};

use super::unfilter::{CHANNELS, LANES, ROWS, Step};

/// The pixels to the left and at the corner, and which rows have which filter. `PAETH`: all rows have that one.
pub(super) struct Registers<const PAETH: bool> {
    masks: [__m256i; 4],
    left: __m256i,
    corner: __m256i,
}

impl<const PAETH: bool> Registers<PAETH> {
    #[target_feature(enable = "avx2")]
    pub(super) fn new(masks: [[u8; LANES]; 4]) -> Self {
        Self {
            masks: masks.map(|mask| {
                let mut rows = [[0; CHANNELS]; ROWS];
                rows.as_flattened_mut().copy_from_slice(&mask);
                vector(rows)
            }),
            left: _mm256_setzero_si256(),
            corner: _mm256_setzero_si256(),
        }
    }

    /// The pixels above: those of the row above of one step ago.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn up(&self, above: [u8; CHANNELS]) -> __m256i {
        let down =
            _mm256_permutevar8x32_epi32(self.left, _mm256_setr_epi32(0, 0, 1, 2, 3, 4, 5, 6));
        let first = _mm256_castsi128_si256(_mm_cvtsi32_si128(i32::from_le_bytes(above)));
        _mm256_blend_epi32::<1>(down, first)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn predicted(&self, up: __m256i) -> __m256i {
        let paeth = paeth(self.left, up, self.corner);
        if PAETH {
            return paeth;
        }
        let [subs, ups, averages, paeths] = self.masks;
        let odd = _mm256_and_si256(_mm256_xor_si256(self.left, up), _mm256_set1_epi8(1));
        let average = _mm256_sub_epi8(_mm256_avg_epu8(self.left, up), odd);
        _mm256_or_si256(
            _mm256_or_si256(_mm256_and_si256(subs, self.left), _mm256_and_si256(ups, up)),
            _mm256_or_si256(
                _mm256_and_si256(averages, average),
                _mm256_and_si256(paeths, paeth),
            ),
        )
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn made(&mut self, up: __m256i, filtered: __m256i) -> __m256i {
        self.left = _mm256_add_epi8(filtered, self.predicted(up));
        self.corner = up;
        self.left
    }
}

/// Whichever of left, up and corner is nearest to `a + b - c`, as `unfilter::paeth` has it.
#[inline]
#[target_feature(enable = "avx2")]
fn paeth(a: __m256i, b: __m256i, c: __m256i) -> __m256i {
    // One of each two differences is zero.
    let (a_over, a_under) = (_mm256_subs_epu8(a, c), _mm256_subs_epu8(c, a));
    let (b_over, b_under) = (_mm256_subs_epu8(b, c), _mm256_subs_epu8(c, b));
    let to_a = _mm256_or_si256(b_over, b_under);
    let to_b = _mm256_or_si256(a_over, a_under);
    // Where a sum saturates, the other is zero, and the corner is the farthest either way.
    let over = _mm256_adds_epu8(a_over, b_over);
    let under = _mm256_adds_epu8(a_under, b_under);
    let to_c = _mm256_or_si256(_mm256_subs_epu8(over, under), _mm256_subs_epu8(under, over));
    let least = _mm256_min_epu8(_mm256_min_epu8(to_a, to_b), to_c);
    let nearer = _mm256_blendv_epi8(c, b, _mm256_cmpeq_epi8(to_b, least));
    _mm256_blendv_epi8(nearer, a, _mm256_cmpeq_epi8(to_a, least))
}

impl<const PAETH: bool> Step for Registers<PAETH> {
    // In small pieces, because a piece of many instructions is not put in its caller's place, and the pixels then go
    // through memory, which is four times as slow.
    #[expect(
        clippy::inline_always,
        reason = "part of a loop that is compiled for several processors"
    )]
    #[inline(always)]
    fn step(
        &mut self,
        above: [u8; CHANNELS],
        filtered: [[u8; CHANNELS]; ROWS],
    ) -> [[u8; CHANNELS]; ROWS] {
        // SAFETY: one of these exists only where `new` could be called, which is where the processor has AVX2.
        #[expect(unsafe_code, reason = "a trait's function cannot ask for AVX2")]
        unsafe {
            let up = self.up(above);
            rows(self.made(up, vector(filtered)))
        }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn vector(rows: [[u8; CHANNELS]; ROWS]) -> __m256i {
    let rows = rows.map(i32::from_le_bytes);
    _mm256_setr_epi32(
        rows[0], rows[1], rows[2], rows[3], rows[4], rows[5], rows[6], rows[7],
    )
}

#[inline]
#[target_feature(enable = "avx2")]
fn rows(vector: __m256i) -> [[u8; CHANNELS]; ROWS] {
    [
        _mm256_extract_epi32::<0>(vector),
        _mm256_extract_epi32::<1>(vector),
        _mm256_extract_epi32::<2>(vector),
        _mm256_extract_epi32::<3>(vector),
        _mm256_extract_epi32::<4>(vector),
        _mm256_extract_epi32::<5>(vector),
        _mm256_extract_epi32::<6>(vector),
        _mm256_extract_epi32::<7>(vector),
    ]
    .map(i32::to_le_bytes)
}
