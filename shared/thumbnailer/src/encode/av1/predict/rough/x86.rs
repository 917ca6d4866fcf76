//! Blocks of 4x4 and 8x8 with AVX2: predictions that never leave the registers.

use core::arch::x86_64::{
    __m128i, __m256i, _mm_add_epi8, _mm_add_epi32, _mm_cvtsi32_si128, _mm_cvtsi64_si128,
    _mm_set1_epi8, _mm_set1_epi32, _mm_set1_epi64x, _mm_setr_epi8, _mm_shuffle_epi8,
    _mm_storeu_si128, _mm256_add_epi32, _mm256_castsi256_si128, _mm256_extracti128_si256,
    _mm256_hadd_epi32, _mm256_permute2x128_si256, _mm256_setzero_si256, _mm256_sub_epi16,
};

use super::super::super::quantise::x86::hadamard::{square_of_four, two};
use super::super::edges::{Edges, ORIGIN};
use super::super::modes::{mean, weights};
use super::super::x86::{Around, every, first, load, weights_of, words};
use super::Mode;

/// See [`super::rough`]: all modes that it knows.
#[expect(unsafe_code, reason = "calls a function for a detected processor")]
pub(super) fn rough_four(edges: &Edges, source: &[u8; 16], out: &mut [u32; 13]) {
    // SAFETY: only called for a `Cpu` that says that the processor has AVX2.
    unsafe { four(edges, source, out) }
}

/// See [`super::rough`]: all modes that it knows.
#[expect(unsafe_code, reason = "calls a function for a detected processor")]
pub(super) fn rough_eight(edges: &Edges, source: &[u8; 64], out: &mut [u32; 13]) {
    // SAFETY: only called for a `Cpu` that says that the processor has AVX2.
    unsafe { eight(edges, source, out) }
}

/// See [`super::rough`]: blocks of sixteen samples to a row, and of eight rows or more.
#[expect(unsafe_code, reason = "calls a function for a detected processor")]
pub(super) fn rough_sixteen(edges: &Edges, source: &[u8], wanted: u16, out: &mut [u32; 13]) {
    // SAFETY: only called for a `Cpu` that says that the processor has AVX2.
    unsafe { sixteen(edges, source, wanted, out) }
}

/// In the order of the eight predictions that are made; the last is one too many.
const MODES: [Mode; 8] = [
    Mode::Dc,
    Mode::Vertical,
    Mode::Horizontal,
    Mode::Paeth,
    Mode::Smooth,
    Mode::SmoothVertical,
    Mode::SmoothHorizontal,
    Mode::SmoothHorizontal,
];

/// The sums of the longs of four vectors, by 128-bit lane.
#[target_feature(enable = "avx2")]
#[inline]
fn sums([a, b, c, d]: [__m256i; 4]) -> __m256i {
    _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d))
}

#[expect(unsafe_code, reason = "a store")]
#[target_feature(enable = "avx2")]
#[inline]
fn longs(vector: __m128i) -> [u32; 4] {
    let mut longs = [0; 4];
    // SAFETY: the reference is good for 16 bytes, and the store needs no alignment.
    unsafe { _mm_storeu_si128((&raw mut longs).cast(), vector) };
    longs
}

/// Sums for some modes, on the scale of [`super::satd`] from twice its eightfold.
#[target_feature(enable = "avx2")]
#[inline]
fn put(modes: [Mode; 4], sums: __m128i, out: &mut [u32; 13]) {
    for (mode, sum) in modes.into_iter().zip(longs(sums)) {
        out[mode as usize] = (2 * sum + 4) >> 3;
    }
}

#[target_feature(enable = "avx2")]
fn four(edges: &Edges, source: &[u8; 16], out: &mut [u32; 13]) {
    let (above, left): ([u8; 4], [u8; 4]) = (first(&edges.above), first(&edges.left));
    let weights = i32::from_le_bytes(weights_of());
    let rows = _mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    let by_row = |samples| words(_mm_shuffle_epi8(_mm_cvtsi32_si128(samples), rows));
    let around = Around {
        mean: every(mean::<4>(edges, 4)),
        above: words(_mm_set1_epi32(i32::from_le_bytes(above))),
        left: by_row(i32::from_le_bytes(left)),
        corner: every(edges.corner()),
        down: by_row(weights),
        across: words(_mm_set1_epi32(weights)),
        last_above: every(above[3]),
        last_left: every(left[3]),
    };
    let source = words(load(source));
    let squares = around
        .predictions()
        .map(|prediction| square_of_four(_mm256_sub_epi16(source, prediction)));
    let (modes, _) = MODES.as_chunks::<4>();
    let (squares, _) = squares.as_chunks::<4>();
    for (modes, squares) in modes.iter().zip(squares) {
        let halves = sums(*squares);
        let whole = _mm_add_epi32(
            _mm256_castsi256_si128(halves),
            _mm256_extracti128_si256::<1>(halves),
        );
        put(*modes, whole, out);
    }
}

#[target_feature(enable = "avx2")]
fn eight(edges: &Edges, source: &[u8; 64], out: &mut [u32; 13]) {
    let (above, left): ([u8; 8], [u8; 8]) = (first(&edges.above), first(&edges.left));
    let weights = i64::from_le_bytes(weights_of());
    let rows = _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    let mut around = Around {
        mean: every(mean::<8>(edges, 8)),
        above: words(_mm_set1_epi64x(i64::from_le_bytes(above))),
        left: _mm256_setzero_si256(),
        corner: every(edges.corner()),
        down: _mm256_setzero_si256(),
        across: words(_mm_set1_epi64x(weights)),
        last_above: every(above[7]),
        last_left: every(left[7]),
    };
    let (left, weights) = (
        _mm_cvtsi64_si128(i64::from_le_bytes(left)),
        _mm_cvtsi64_si128(weights),
    );
    // Two predictions to each, one in either lane.
    let mut pairs = [[_mm256_setzero_si256(); 8]; 4];
    let mut rows = rows;
    for (pair, source) in source.as_chunks::<16>().0.iter().enumerate() {
        around.left = words(_mm_shuffle_epi8(left, rows));
        around.down = words(_mm_shuffle_epi8(weights, rows));
        rows = _mm_add_epi8(rows, _mm_set1_epi8(2));
        let source = words(load(source));
        let differences = around
            .predictions()
            .map(|prediction| _mm256_sub_epi16(source, prediction));
        let (differences, _) = differences.as_chunks::<2>();
        for (lines, [a, b]) in pairs.iter_mut().zip(differences) {
            lines[2 * pair] = _mm256_permute2x128_si256::<0x20>(*a, *b);
            lines[2 * pair + 1] = _mm256_permute2x128_si256::<0x31>(*a, *b);
        }
    }
    let sums = sums(pairs.map(|lines| two::square(lines)));
    let modes = |first: usize| std::array::from_fn(|pair| MODES[2 * pair + first]);
    put(modes(0), _mm256_castsi256_si128(sums), out);
    put(modes(1), _mm256_extracti128_si256::<1>(sums), out);
}

#[target_feature(enable = "avx2")]
fn sixteen(edges: &Edges, source: &[u8], wanted: u16, out: &mut [u32; 13]) {
    let (source, _) = source.as_chunks::<16>();
    let height = source.len();
    let around = Around {
        mean: every(mean::<16>(edges, height)),
        above: words(load(&first(&edges.above))),
        left: _mm256_setzero_si256(),
        corner: every(edges.corner()),
        down: _mm256_setzero_si256(),
        across: words(load(&weights_of())),
        last_above: every(edges.above[ORIGIN + 15]),
        last_left: every(edges.left[ORIGIN + height - 1]),
    };
    let mut totals = [_mm256_setzero_si256(); 8];
    let wants = |place: usize| wanted >> MODES[place] as u16 & 1 == 1;
    // One after the other, so that a square's rows stay in registers.
    if wants(0) {
        totals[0] = total(around, edges, source, |around| around.mean);
    }
    if wants(1) {
        totals[1] = total(around, edges, source, |around| around.above);
    }
    if wants(2) {
        totals[2] = total(around, edges, source, |around| around.left);
    }
    if wants(3) {
        totals[3] = total(around, edges, source, |around| around.paeth());
    }
    if wants(4) {
        totals[4] = total(around, edges, source, |around| around.smooth()[0]);
    }
    if wants(5) {
        totals[5] = total(around, edges, source, |around| around.smooth()[1]);
    }
    if wants(6) {
        totals[6] = total(around, edges, source, |around| around.smooth()[2]);
    }
    totals[7] = totals[6];
    let (modes, _) = MODES.as_chunks::<4>();
    let (totals, _) = totals.as_chunks::<4>();
    for (modes, totals) in modes.iter().zip(totals) {
        let halves = sums(*totals);
        let whole = _mm_add_epi32(
            _mm256_castsi256_si128(halves),
            _mm256_extracti128_si256::<1>(halves),
        );
        put(*modes, whole, out);
    }
}

/// The squares' sums of one prediction, over eight longs.
#[target_feature(enable = "avx2")]
#[inline]
fn total(
    mut around: Around,
    edges: &Edges,
    source: &[[u8; 16]],
    prediction: impl Fn(Around) -> __m256i,
) -> __m256i {
    let height = source.len();
    let (bands, _) = source.as_chunks::<8>();
    let (left, _) = edges.left(height).as_chunks::<8>();
    let (down, _) = weights(height).as_chunks::<8>();
    let mut total = _mm256_setzero_si256();
    for (band, (left, down)) in bands.iter().zip(left.iter().zip(down)) {
        let mut lines = [_mm256_setzero_si256(); 8];
        for row in 0..8 {
            around.left = every(left[row]);
            around.down = every(down[row]);
            lines[row] = _mm256_sub_epi16(words(load(&band[row])), prediction(around));
        }
        total = _mm256_add_epi32(total, two::square(lines));
    }
    total
}
