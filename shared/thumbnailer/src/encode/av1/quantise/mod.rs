//! Coefficients to levels and back, and how far blocks are from one another.

mod distance;
mod matrices;
mod steps;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86;

pub(crate) use distance::{coefficient_error, residual, satd, sse};
pub(crate) use matrices::{LEVELS, weights};
pub(crate) use steps::{Measure, Steps, ac_step, dc_step, dequantise_one, measure, quantise};
