//! Coefficients to levels and back, and how far blocks are from one another.

mod distance;
mod matrices;
mod steps;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86;

pub(crate) use distance::{residual, satd};
pub(crate) use matrices::{GENTLE, Matrices, STEEP};
pub(crate) use steps::{Measure, Steps, ac_step, measure, quantise};
