//! Files that are cut, altered, slow, or of a kind that is left to others.

use proptest::prelude::*;

use super::{
    BlockSide, Cpu, JpegError, Kind, Plane, SIDES, SUBSAMPLINGS, Scans, Trickle, decode, encode,
    sample,
};

/// One file of each way of coding. At 97 by 75 they are large enough for several threads.
fn specimens(width: usize, height: usize) -> Vec<Vec<u8>> {
    let base = Kind::new(width, height, SUBSAMPLINGS[2]);
    let kinds = [
        base.clone(),
        Kind {
            restart: 2,
            optimised: true,
            ..base.clone()
        },
        Kind {
            scans: Scans::Apart,
            ..base.clone()
        },
        Kind {
            scans: Scans::Progressive,
            ..base.clone()
        },
        Kind {
            scans: Scans::Progressive,
            restart: 1,
            ..base
        },
    ];
    kinds.iter().map(|kind| encode(kind, sample)).collect()
}

fn whole(file: &[u8], side: BlockSide) -> (Vec<Plane>, usize) {
    let mut input = file;
    let (planes, read) = decode(Cpu::detect(), &mut input, |_| side, 1).unwrap();
    (planes, read.bytes)
}

#[test]
fn a_file_that_is_cut_is_whole_or_an_error_at_every_byte() {
    for file in specimens(37, 29) {
        for side in SIDES {
            let (planes, needed) = whole(&file, side);
            assert!(needed <= file.len());
            for length in 0..file.len() {
                let mut input = &file[..length];
                match decode(Cpu::detect(), &mut input, |_| side, 1) {
                    Ok((found, _)) => {
                        assert!(found == planes, "made up something after {length} bytes");
                    }
                    Err(error) => assert!(
                        length < needed,
                        "{error} with {length} bytes, though {needed} were enough"
                    ),
                }
            }
        }
    }
}

#[test]
fn a_file_that_trickles_in_is_as_one_that_is_there() {
    for file in specimens(37, 29) {
        for side in SIDES {
            let (planes, needed) = whole(&file, side);
            for step in [1, 7, 100, 1 << 20] {
                let mut input = Trickle::new(&file, step);
                let (found, read) = decode(Cpu::detect(), &mut input, |_| side, 1).unwrap();
                assert!(
                    found == planes && read.bytes == needed,
                    "{side:?} by {step}"
                );
            }
        }
    }
}

#[test]
fn every_processor_and_number_of_threads_gives_the_same_picture() {
    let base = Kind::new(301, 223, SUBSAMPLINGS[2]);
    for restart in [0, 1, 7, 19] {
        for scans in [Scans::Interleaved, Scans::Apart, Scans::Progressive] {
            let kind = Kind {
                scans,
                restart,
                ..base.clone()
            };
            let file = encode(&kind, sample);
            for side in SIDES {
                let (planes, _) = whole(&file, side);
                for cpu in Cpu::available() {
                    for threads in 1..=3 {
                        let mut input = file.as_slice();
                        let (found, _) = decode(cpu, &mut input, |_| side, threads).unwrap();
                        assert!(found == planes, "{kind:?} {side:?} {cpu:?} {threads}");
                    }
                }
            }
        }
    }
}

/// The file with another frame header.
fn with_frame(marker: u8, precision: u8) -> Vec<u8> {
    let mut file = encode(&Kind::new(16, 16, SUBSAMPLINGS[2]), sample);
    let at = file.windows(2).position(|pair| pair == [0xff, 0xc0]);
    let at = at.unwrap();
    file[at + 1] = marker;
    file[at + 4] = precision;
    file
}

#[test]
fn what_this_decoder_leaves_to_others_is_named() {
    let arithmetic = Kind {
        arithmetic: true,
        ..Kind::new(16, 16, SUBSAMPLINGS[2])
    };
    let files = [
        ("arithmetic", encode(&arithmetic, sample)),
        ("12 bits", with_frame(0xc1, 12)),
        ("lossless", with_frame(0xc3, 8)),
        ("hierarchical", with_frame(0xc5, 8)),
    ];
    for (name, file) in files {
        let mut input = file.as_slice();
        let found = decode(Cpu::detect(), &mut input, |_| BlockSide::One, 1);
        assert!(
            matches!(found, Err(JpegError::Unsupported(_))),
            "{name}: {:?}",
            found.map(|_| "decoded")
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn altered_bytes_are_no_panic_and_the_same_everywhere(
        which in 0..5_usize,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        side in proptest::sample::select(&SIDES),
    ) {
        let mut file = specimens(97, 75).swap_remove(which);
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        // A header that asks for a large picture is the caller's to refuse.
        let small = super::Header::read(&mut file.as_slice())
            .is_ok_and(|header| header.width * header.height < 1 << 20);
        if small {
            let found = decode(Cpu::Portable, &mut file.as_slice(), |_| side, 1);
            for cpu in Cpu::available() {
                for threads in 1..=3 {
                    let other = decode(cpu, &mut file.as_slice(), |_| side, threads);
                    prop_assert_eq!(found.is_ok(), other.is_ok());
                    if let (Ok(found), Ok(other)) = (&found, &other) {
                        prop_assert!(found.0 == other.0);
                    }
                }
            }
            let slow = decode(Cpu::detect(), &mut Trickle::new(&file, 13), |_| side, 1);
            prop_assert_eq!(found.is_ok(), slow.is_ok());
        }
    }
}
