//! Portable loops, made for each set of instructions.

/// Makes a function that runs a portable body with what a processor has, where the compiler then uses it.
macro_rules! for_processors {
    (
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $(-> $result:ty)? = $body:path;
    ) => {
        $(#[$attribute])*
        $visibility fn $name(cpu: Cpu, $($argument: $kind),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn with_avx2($($argument: $kind),*) $(-> $result)? {
                $body($($argument),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
            fn with_avx512($($argument: $kind),*) $(-> $result)? {
                $body($($argument),*)
            }
            match cpu {
                #[cfg(target_arch = "x86_64")]
                #[expect(unsafe_code, reason = "calls a function for a detected processor")]
                // SAFETY: `Cpu::Avx2` says that the processor has it.
                Cpu::Avx2 => unsafe { with_avx2($($argument),*) },
                #[cfg(target_arch = "x86_64")]
                #[expect(unsafe_code, reason = "calls a function for a detected processor")]
                // SAFETY: `Cpu::Avx512` says that the processor has these.
                Cpu::Avx512 => unsafe { with_avx512($($argument),*) },
                _ => $body($($argument),*),
            }
        }
    };
}
pub(crate) use for_processors;
