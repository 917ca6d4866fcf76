//! Reads what is kept of blocks whose beginnings are known: none has to wait for another.
#![expect(
    clippy::inline_always,
    reason = "the loops are compiled once for each set of instructions, with all that they call"
)]

use super::units::{Room, Units};
use super::{Plan, Shared};
use super::{block, walk::MOST_BLOCKS};
#[cfg(target_arch = "x86_64")]
use crate::cpu::Cpu;
use crate::jpeg::BlockSide;

/// Adds units from the start of the blocks that were gone over, counted from byte `base`.
#[cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "calls what is compiled for the instructions that were found"
    )
)]
pub(super) fn keep(
    units: &mut Units,
    count: usize,
    predictions: &mut [i32; 4],
    base: usize,
    shared: &Shared<'_>,
) {
    match shared.cpu {
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx2 | Cpu::Avx512 => {
            // SAFETY: these values of `Cpu` are given out only where all of its instructions were detected.
            unsafe { with_bmi(units, count, predictions, base, shared) }
        }
        _ => portable(units, count, predictions, base, shared),
    }
}

/// Shifts by variable amounts and loads of swapped bytes are one instruction each with these.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,movbe")]
fn with_bmi(
    units: &mut Units,
    count: usize,
    predictions: &mut [i32; 4],
    base: usize,
    shared: &Shared<'_>,
) {
    portable(units, count, predictions, base, shared);
}

#[inline(always)]
fn portable(
    units: &mut Units,
    count: usize,
    predictions: &mut [i32; 4],
    base: usize,
    shared: &Shared<'_>,
) {
    let bytes = shared.bytes.get(base..).unwrap_or_default();
    if shared.means_only {
        let mut room = units.add(count, shared.blocks.len(), shared.blocks.len());
        means(&mut room, predictions, bytes, shared);
    } else {
        let coefficients = shared.blocks.iter().map(area).sum();
        let mut room = units.add(count, coefficients, shared.blocks.len());
        coefficients_of(&mut room, coefficients, predictions, bytes, shared);
    }
}

/// Coefficients that are kept of a block.
fn area(plan: &Plan<'_>) -> usize {
    plan.side.samples() * plan.side.samples()
}

#[inline(always)]
fn means(room: &mut Room<'_>, predictions: &mut [i32; 4], bytes: &[u8], shared: &Shared<'_>) {
    let blocks = shared.blocks.len();
    let starts = room.starts.chunks_exact(blocks);
    for (means, starts) in room.coefficients.chunks_exact_mut(blocks).zip(starts) {
        for ((mean, plan), &[_, start]) in means.iter_mut().zip(shared.blocks).zip(starts) {
            let difference = block::difference(plan.dc, bytes, start as usize);
            *mean = add(&mut predictions[plan.lane & 3], difference);
        }
    }
}

/// The DC coefficient, and the next prediction.
#[inline(always)]
fn add(prediction: &mut i32, difference: i16) -> i16 {
    *prediction = prediction.wrapping_add(i32::from(difference));
    #[expect(clippy::cast_possible_truncation, reason = "wraps as libjpeg's does")]
    let dc = *prediction as i16;
    dc
}

#[inline(always)]
fn coefficients_of(
    room: &mut Room<'_>,
    area_of_unit: usize,
    predictions: &mut [i32; 4],
    bytes: &[u8],
    shared: &Shared<'_>,
) {
    let blocks = shared.blocks.len();
    // Takes the place of the second of two units where there is none.
    let mut spare = ([0; 64 * MOST_BLOCKS], [0; MOST_BLOCKS]);
    let pairs = (room.coefficients.chunks_mut(2 * area_of_unit))
        .zip(room.last.chunks_mut(2 * blocks))
        .zip(room.starts.chunks(2 * blocks));
    for ((coefficients, last), starts) in pairs {
        let (one, other) = coefficients.split_at_mut(area_of_unit.min(coefficients.len()));
        let (last, other_last) = last.split_at_mut(blocks.min(last.len()));
        let (starts, other_starts) = starts.split_at(blocks.min(starts.len()));
        if other.is_empty() {
            let (other, other_last) = (&mut spare.0, &mut spare.1);
            two_units(
                [one, other],
                [last, other_last],
                [starts, starts],
                bytes,
                shared,
            );
        } else {
            two_units(
                [one, other],
                [last, other_last],
                [starts, other_starts],
                bytes,
                shared,
            );
        }
        for unit in coefficients.chunks_exact_mut(area_of_unit) {
            let mut at = 0;
            for plan in shared.blocks {
                if let Some(dc) = unit.get_mut(at) {
                    *dc = add(&mut predictions[plan.lane & 3], *dc);
                }
                at += area(plan);
            }
        }
    }
}

/// Reads two units, with DC differences instead of DC coefficients. They are read together, since the core has nothing
/// else to do while it waits for a look-up.
#[inline(always)]
fn two_units(
    mut coefficients: [&mut [i16]; 2],
    [last, other_last]: [&mut [u8]; 2],
    [starts, other_starts]: [&[[u32; 2]]; 2],
    bytes: &[u8],
    shared: &Shared<'_>,
) -> Option<()> {
    let lasts = last.iter_mut().zip(other_last);
    let starts = starts.iter().zip(other_starts);
    for ((plan, (last, other_last)), (&[_, start], &[_, other_start])) in
        shared.blocks.iter().zip(lasts).zip(starts)
    {
        let positions = [start as usize, other_start as usize];
        (*last, *other_last) = match plan.side {
            BlockSide::One => {
                let blocks = split::<1>(&mut coefficients)?;
                for (block, position) in blocks.into_iter().zip(positions) {
                    *block = [block::difference(plan.dc, bytes, position)];
                }
                (0, 0)
            }
            BlockSide::Two => {
                let blocks = split::<4>(&mut coefficients)?;
                block::coefficients::<2, 4>(plan, bytes, positions, blocks)
            }
            BlockSide::Four => {
                let blocks = split::<16>(&mut coefficients)?;
                block::coefficients::<4, 16>(plan, bytes, positions, blocks)
            }
            BlockSide::Eight => {
                let blocks = split::<64>(&mut coefficients)?;
                block::coefficients::<8, 64>(plan, bytes, positions, blocks)
            }
        };
    }
    Some(())
}

/// Takes a block off each of two units.
#[inline(always)]
fn split<'a, const AREA: usize>(
    coefficients: &mut [&'a mut [i16]; 2],
) -> Option<[&'a mut [i16; AREA]; 2]> {
    let [one, other] = coefficients;
    let (block, rest) = std::mem::take(one).split_first_chunk_mut()?;
    let (other_block, other_rest) = std::mem::take(other).split_first_chunk_mut()?;
    (*one, *other) = (rest, other_rest);
    Some([block, other_block])
}
