//! The predictions without a direction with AVX2, sixteen samples at a time.

use core::arch::x86_64::{
    __m128i, __m256i, _mm_add_epi8, _mm_loadu_si128, _mm_packus_epi16, _mm_set1_epi8,
    _mm_set1_epi32, _mm_set1_epi64x, _mm_setr_epi8, _mm_shuffle_epi8, _mm_storeu_si128,
    _mm256_abs_epi16, _mm256_add_epi16, _mm256_and_si256, _mm256_avg_epu16, _mm256_blendv_epi8,
    _mm256_castsi256_si128, _mm256_cmpgt_epi16, _mm256_cvtepu8_epi16, _mm256_extracti128_si256,
    _mm256_mullo_epi16, _mm256_or_si256, _mm256_set1_epi16, _mm256_setzero_si256,
    _mm256_srli_epi16, _mm256_sub_epi16, _mm256_xor_si256,
};

use super::Mode;
use super::edges::{Edges, ORIGIN, Side};
use super::modes::weights;

/// What is around sixteen samples: a word for each.
#[derive(Clone, Copy)]
pub(super) struct Around {
    pub(super) mean: __m256i,
    pub(super) above: __m256i,
    pub(super) left: __m256i,
    pub(super) corner: __m256i,
    /// How much of the nearer end there is, in 256ths.
    pub(super) down: __m256i,
    pub(super) across: __m256i,
    pub(super) last_above: __m256i,
    pub(super) last_left: __m256i,
}

impl Around {
    /// Mean, above, left, Paeth's, smooth, smooth vertical and smooth horizontal twice.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn predictions(self) -> [__m256i; 8] {
        let [smooth, vertical, horizontal] = self.smooth();
        let (mean, above, left) = (self.mean, self.above, self.left);
        [
            mean,
            above,
            left,
            self.paeth(),
            smooth,
            vertical,
            horizontal,
            horizontal,
        ]
    }

    /// Of above, left and corner the nearest to above + left - corner.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn paeth(self) -> __m256i {
        let from_above = _mm256_sub_epi16(self.above, self.corner);
        let from_left = _mm256_sub_epi16(self.left, self.corner);
        let to_corner = _mm256_abs_epi16(_mm256_add_epi16(from_above, from_left));
        let (to_left, to_top) = (_mm256_abs_epi16(from_above), _mm256_abs_epi16(from_left));
        let not_top = _mm256_cmpgt_epi16(to_top, to_corner);
        let other = _mm256_blendv_epi8(self.above, self.corner, not_top);
        let not_left = _mm256_or_si256(
            _mm256_cmpgt_epi16(to_left, to_top),
            _mm256_cmpgt_epi16(to_left, to_corner),
        );
        _mm256_blendv_epi8(self.left, other, not_left)
    }

    /// The three smooth predictions: both ways, vertical, horizontal.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn smooth(self) -> [__m256i; 3] {
        let mix = |weight, near, far| {
            let rest = _mm256_sub_epi16(_mm256_set1_epi16(256), weight);
            _mm256_add_epi16(
                _mm256_mullo_epi16(weight, near),
                _mm256_mullo_epi16(rest, far),
            )
        };
        let vertical = mix(self.down, self.above, self.last_left);
        let horizontal = mix(self.across, self.left, self.last_above);
        // The mean, rounded down: the sum would have seventeen bits.
        let odd = _mm256_and_si256(_mm256_xor_si256(vertical, horizontal), _mm256_set1_epi16(1));
        let both = _mm256_sub_epi16(_mm256_avg_epu16(vertical, horizontal), odd);
        [both, vertical, horizontal]
            .map(|sum| _mm256_srli_epi16::<8>(_mm256_add_epi16(sum, _mm256_set1_epi16(128))))
    }
}

#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn words(bytes: __m128i) -> __m256i {
    _mm256_cvtepu8_epi16(bytes)
}

#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn every(sample: u8) -> __m256i {
    _mm256_set1_epi16(sample.into())
}

/// The first samples of a side.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn first<const N: usize>(side: &Side) -> [u8; N] {
    side[ORIGIN..].first_chunk().copied().unwrap_or([0; N])
}

/// The weights of a side of `N` samples.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn weights_of<const N: usize>() -> [u8; N] {
    weights(N).first_chunk().copied().unwrap_or([0; N])
}

#[expect(unsafe_code, reason = "a load")]
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn load(from: &[u8; 16]) -> __m128i {
    // SAFETY: the reference is good for 16 bytes, and the load needs no alignment.
    unsafe { _mm_loadu_si128(from.as_ptr().cast()) }
}

/// Predicts by a mode that is smooth or Paeth's, in rows of `width` samples: 4 to 32.
#[expect(unsafe_code, reason = "calls a function for a detected processor")]
pub(super) fn predict(mode: Mode, edges: &Edges, width: usize, out: &mut [u8]) {
    // SAFETY: only called for a `Cpu` that says that the processor has AVX2.
    unsafe {
        match width {
            4 => rows::<4>(mode, edges, out.as_chunks_mut().0),
            8 => rows::<8>(mode, edges, out.as_chunks_mut().0),
            16 => rows::<16>(mode, edges, out.as_chunks_mut().0),
            32 => rows::<32>(mode, edges, out.as_chunks_mut().0),
            _ => panic!("no block that comes here has this width"),
        }
    }
}

#[target_feature(enable = "avx2")]
fn rows<const W: usize>(mode: Mode, edges: &Edges, out: &mut [[u8; W]]) {
    match mode {
        Mode::Smooth => each::<W>(edges, out, |around| around.smooth()[0]),
        Mode::SmoothVertical => each::<W>(edges, out, |around| around.smooth()[1]),
        Mode::SmoothHorizontal => each::<W>(edges, out, |around| around.smooth()[2]),
        _ => each::<W>(edges, out, |around| around.paeth()),
    }
}

/// Predicts each sixteen samples: a part of a row, or some rows.
#[target_feature(enable = "avx2")]
#[inline]
fn each<const W: usize>(
    edges: &Edges,
    out: &mut [[u8; W]],
    prediction: impl Fn(Around) -> __m256i,
) {
    let height = out.len();
    let mut around = Around {
        mean: _mm256_setzero_si256(),
        above: _mm256_setzero_si256(),
        left: _mm256_setzero_si256(),
        corner: every(edges.corner()),
        down: _mm256_setzero_si256(),
        across: _mm256_setzero_si256(),
        last_above: every(edges.above[ORIGIN + W - 1]),
        last_left: every(edges.left[ORIGIN + height - 1]),
    };
    if W >= 16 {
        for place in (0..W).step_by(16) {
            around.above = strip(&edges.above, ORIGIN + place);
            around.across = strip(weights(W), place);
            let rows = edges.left(height).iter().zip(weights(height));
            for (out, (left, down)) in out.iter_mut().zip(rows) {
                around.left = every(*left);
                around.down = every(*down);
                if let Some(out) = out[place..].first_chunk_mut() {
                    store(prediction(around), out);
                }
            }
        }
        return;
    }
    // The rows of a vector, and of one after the other.
    let (above, across, mut rows) = if W == 4 {
        (
            _mm_set1_epi32(i32::from_le_bytes(first(&edges.above))),
            _mm_set1_epi32(i32::from_le_bytes(weights_of())),
            _mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3),
        )
    } else {
        (
            _mm_set1_epi64x(i64::from_le_bytes(first(&edges.above))),
            _mm_set1_epi64x(i64::from_le_bytes(weights_of())),
            _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1),
        )
    };
    around.above = words(above);
    around.across = words(across);
    let left = load(&first(&edges.left));
    let down = load(&padded_weights(height));
    for out in out.as_flattened_mut().as_chunks_mut().0 {
        around.left = words(_mm_shuffle_epi8(left, rows));
        around.down = words(_mm_shuffle_epi8(down, rows));
        store(prediction(around), out);
        rows = _mm_add_epi8(
            rows,
            if W == 4 {
                _mm_set1_epi8(4)
            } else {
                _mm_set1_epi8(2)
            },
        );
    }
}

/// The weights of a side shorter than sixteen samples, with zeros after them.
#[target_feature(enable = "avx2")]
#[inline]
fn padded_weights(side: usize) -> [u8; 16] {
    let mut padded = [0; 16];
    for (to, from) in padded.iter_mut().zip(weights(side)) {
        *to = *from;
    }
    padded
}

/// Sixteen samples of a row, or a row's share of what is around them.
#[target_feature(enable = "avx2")]
#[inline]
fn strip(samples: &[u8], place: usize) -> __m256i {
    words(load(samples[place..].first_chunk().unwrap_or(&[0; 16])))
}

#[expect(unsafe_code, reason = "a store")]
#[target_feature(enable = "avx2")]
#[inline]
fn store(words: __m256i, to: &mut [u8; 16]) {
    let bytes = _mm_packus_epi16(
        _mm256_castsi256_si128(words),
        _mm256_extracti128_si256::<1>(words),
    );
    // SAFETY: the reference is good for 16 bytes, and the store needs no alignment.
    unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), bytes) }
}
