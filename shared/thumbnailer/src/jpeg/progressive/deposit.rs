//! What a map of coefficients is asked for, and newer processors know as one instruction.

/// How bits are put to the places that a map says.
pub(super) trait Deposit: Copy {
    /// The lowest bits of `bits`, each at the next set bit of `map`.
    fn deposit(self, bits: u64, map: u64) -> u64;
}

/// Bit by bit.
#[derive(Debug, Clone, Copy)]
pub(super) struct BitByBit;

impl Deposit for BitByBit {
    #[inline(always)]
    fn deposit(self, mut bits: u64, mut map: u64) -> u64 {
        let mut deposited = 0;
        while map != 0 && bits != 0 {
            deposited |= (map & map.wrapping_neg()) & (bits & 1).wrapping_neg();
            map &= map - 1;
            bits >>= 1;
        }
        deposited
    }
}

/// By PDEP of BMI2. There is one only where the processor has that.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
pub(super) struct Bmi2(());

#[cfg(target_arch = "x86_64")]
impl Bmi2 {
    /// When the instructions that `cpu` stands for include it.
    pub(super) fn of(cpu: crate::cpu::Cpu) -> Option<Self> {
        (cpu >= crate::cpu::Cpu::Avx2).then_some(Self(()))
    }
}

#[cfg(target_arch = "x86_64")]
impl Deposit for Bmi2 {
    #[inline(always)]
    #[expect(unsafe_code, reason = "the instruction is not in every processor")]
    fn deposit(self, bits: u64, map: u64) -> u64 {
        // SAFETY: `Bmi2` is made only for a `Cpu` that includes BMI2, and those are made by detection.
        unsafe { std::arch::x86_64::_pdep_u64(bits, map) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(deposit: impl Deposit) {
        assert_eq!(deposit.deposit(0b101, 0b1_1010_0000), 0b1_0010_0000);
        assert_eq!(deposit.deposit(u64::MAX, 1 << 63 | 1), 1 << 63 | 1);
        assert_eq!(deposit.deposit(u64::MAX, 0), 0);
        assert_eq!(deposit.deposit(0b100, 0b1_1010_0000), 1 << 8);
        assert_eq!(deposit.deposit(0b1000, 0b1_1010_0000), 0);
        assert_eq!(deposit.deposit(1 << 15, u64::MAX), 1 << 15);
    }

    #[test]
    fn bits_go_to_the_set_bits_of_the_map() {
        check(BitByBit);
        #[cfg(target_arch = "x86_64")]
        for cpu in crate::cpu::Cpu::available() {
            if let Some(bmi2) = Bmi2::of(cpu) {
                check(bmi2);
            }
        }
    }
}
