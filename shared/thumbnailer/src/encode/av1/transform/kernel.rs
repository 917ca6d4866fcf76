//! Both passes of the transforms of a block.

/// The transforms of blocks with `L` lanes to a vector, whose operations are in scope under short names. `VECTORS` is how
/// many vectors a block has.
macro_rules! kernel {
    ($(#[$attribute:meta])? $vector:ty) => {
        lines!($(#[$attribute])? $vector);

        /// See [the module's](super).
        $(#[$attribute])?
        fn forward_block<const W: usize, const H: usize, const VECTORS: usize>(
            kind: Kind,
            residual: &[i16],
            out: &mut [i32],
        ) {
            let mut between = [every(0); VECTORS];
            for (group, between) in between.as_chunks_mut::<H>().0.iter_mut().enumerate() {
                for (row, residual) in between.iter_mut().zip(residual.chunks_exact(W)) {
                    *row = shift_left::<FORWARD_BITS>(load_words(&residual.as_chunks().0[group]));
                }
                transform::<H, true>(kind.vertical(), between);
                for row in between {
                    *row = round(*row, const { between_shift(H) });
                }
            }
            for (band, rows) in out.chunks_exact_mut(coded(W) * L).enumerate() {
                let mut t = [every(0); W];
                let groups = between.as_chunks::<H>().0;
                for (t, group) in t.as_chunks_mut::<L>().0.iter_mut().zip(groups) {
                    *t = transpose(group.as_chunks::<L>().0[band]);
                }
                transform::<W, true>(kind.horizontal(), &mut t);
                if W != H {
                    for value in &mut t {
                        *value = scale(*value, HALF_ROOT);
                    }
                }
                for (group, t) in t.as_chunks::<L>().0.iter().take(coded(W) / L).enumerate() {
                    let rows = rows.chunks_exact_mut(coded(W));
                    for (row, value) in rows.zip(transpose(*t)) {
                        let value = round(value, const { forward_shift(W, H) });
                        store(value, &mut row.as_chunks_mut().0[group]);
                    }
                }
            }
        }

        /// See [the module's](super).
        $(#[$attribute])?
        fn inverse_block<const W: usize, const H: usize, const VECTORS: usize>(
            kind: Kind,
            coefficients: &[i32],
            [rows, columns]: [usize; 2],
            samples: &mut [u8],
        ) {
            if kind == Kind::DctDct && rows.max(columns) == 1 {
                let value = every(dc_alone(W, H, coefficients[0]));
                for samples in samples.as_chunks_mut().0 {
                    add_to_samples(value, samples);
                }
                return;
            }
            let mut between = [every(0); VECTORS];
            for band in 0..rows.min(coded(H)).div_ceil(L) {
                let mut t = [every(0); W];
                let groups = columns.min(coded(W)).div_ceil(L);
                let squares = t.as_chunks_mut::<L>().0.iter_mut();
                for (group, square) in squares.take(groups).enumerate() {
                    let rows = coefficients.chunks_exact(coded(W)).skip(band * L);
                    for (row, coefficients) in square.iter_mut().zip(rows) {
                        *row = load(&coefficients.as_chunks().0[group]);
                    }
                    *square = transpose(*square);
                }
                if W != H {
                    for value in &mut t {
                        *value = scale(*value, HALF_ROOT);
                    }
                }
                transform::<W, false>(kind.horizontal(), &mut t);
                for (t, group) in t.as_chunks::<L>().0.iter().zip(between.as_chunks_mut::<H>().0) {
                    let mut square = *t;
                    for value in &mut square {
                        *value = clamp(round(*value, const { row_shift(W, H) }));
                    }
                    group.as_chunks_mut::<L>().0[band] = transpose(square);
                }
            }
            for (group, between) in between.as_chunks_mut::<H>().0.iter_mut().enumerate() {
                transform::<H, false>(kind.vertical(), between);
                for (row, samples) in between.iter().zip(samples.chunks_exact_mut(W)) {
                    add_to_samples(round(*row, COLUMN_SHIFT), &mut samples.as_chunks_mut().0[group]);
                }
            }
        }

        /// Leaves bits off, rounding.
        $(#[$attribute])?
        #[inline]
        fn round(value: $vector, bits: u32) -> $vector {
            shift_right_by(add(value, every(1 << bits >> 1)), bits)
        }
    };
}

/// The entries of a kernel: its sizes, and what takes the others.
macro_rules! entries {
    (
        $(#[$attribute:meta])?
        $($size:ident: $width:literal x $height:literal,)*
        $(; $other:ident)?
    ) => {
        /// See [the module's](super).
        $(#[$attribute])?
        pub(super) fn forward(
            size: Size,
            kind: Kind,
            residual: &[i16],
            out: &mut [i32],
        ) {
            match size {
                $(Size::$size => {
                    forward_block::<$width, $height, { $width * $height / L }>(kind, residual, out);
                })*
                $(_ => $other::forward(size, kind, residual, out),)?
            }
        }

        /// See [the module's](super).
        $(#[$attribute])?
        pub(super) fn inverse_add(
            size: Size,
            kind: Kind,
            coefficients: &[i32],
            used: [usize; 2],
            samples: &mut [u8],
        ) {
            match size {
                $(Size::$size => inverse_block::<$width, $height, { $width * $height / L }>(
                    kind,
                    coefficients,
                    used,
                    samples,
                ),)*
                $(_ => $other::inverse_add(size, kind, coefficients, used, samples),)?
            }
        }
    };
}
