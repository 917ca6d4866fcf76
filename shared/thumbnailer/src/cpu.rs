//! Which instructions this processor has, found out once.

/// The set of instructions that a kernel may use. Every kernel gives the same bytes on all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cpu {
    /// Portable Rust, without assumptions.
    Portable,
    /// x86-64 with AVX2, FMA, BMI1, BMI2, LZCNT, POPCNT and MOVBE.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// All of [`Cpu::Avx2`] with AVX-512 F, BW, CD, DQ, VL, VBMI and VBMI2.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 64-bit ARM; NEON is part of it.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Cpu {
    /// The best that this processor has. Cheap: the standard library remembers.
    pub(crate) fn detect() -> Self {
        Self::available().next_back().unwrap_or(Self::Portable)
    }

    /// Everything that this processor has, the least first: what a test must try.
    pub(crate) fn available() -> impl DoubleEndedIterator<Item = Self> {
        let mut found = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("movbe")
        {
            found.push(Self::Avx2);
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512cd")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vbmi")
                && is_x86_feature_detected!("avx512vbmi2")
            {
                found.push(Self::Avx512);
            }
        }
        #[cfg(target_arch = "aarch64")]
        found.push(Self::Neon);
        found.into_iter()
    }
}
