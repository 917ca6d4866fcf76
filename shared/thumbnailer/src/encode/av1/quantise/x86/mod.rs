//! What the compiler does not make of the portable loops by itself, with AVX2 and AVX-512.

pub(crate) mod hadamard;
mod levels;

pub(super) use hadamard::{fours_avx2, hadamard_avx2, hadamard_avx512};
pub(super) use levels::{levels_avx2, levels_avx512};
