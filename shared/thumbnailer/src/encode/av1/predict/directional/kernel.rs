//! The prediction of a block along a direction.

/// The prediction, over `along`, `smooth`, `double` and `transposed` in scope.
macro_rules! directional {
    ($(#[$attribute:meta])?) => {
        /// See [`super::predict`].
        $(#[$attribute])?
        pub(super) fn predict_any(job: Job<'_>, width: usize, out: &mut [u8]) {
            match width {
                4 => rows::<4>(job, out.as_chunks_mut().0),
                8 => rows::<8>(job, out.as_chunks_mut().0),
                16 => rows::<16>(job, out.as_chunks_mut().0),
                32 => rows::<32>(job, out.as_chunks_mut().0),
                64 => rows::<64>(job, out.as_chunks_mut().0),
                _ => panic!("no block has this width"),
            }
        }

        /// The rows of the block.
        $(#[$attribute])?
        #[inline]
        fn rows<const W: usize>(job: Job<'_>, out: &mut [[u8; W]]) {
            let Job { angle, edges, .. } = job;
            let height = out.len();
            match angle {
                90 => out.fill(*edges.above()),
                180 => {
                    for (row, left) in out.iter_mut().zip(edges.left(height)) {
                        row.fill(*left);
                    }
                }
                ..90 => {
                    let mut above = Line::new(&edges.above);
prepare_above::<W>(job, height, &mut above);
                    let step = i32::from(step(angle));
                    let mut position = 0;
                    for row in out {
                        position += step;
                        *row = along(&above, position);
                    }
                }
                91..180 => {
                    let mut above = Line::new(&edges.above);
prepare_above::<W>(job, height, &mut above);
                    let mut left = Line::new(&edges.left);
prepare_left::<W>(job, height, &mut left);
                    let (across, down) = (step(180 - angle), step(angle - 90));
                    from_left(&left, -i32::from(down), across.into(), out);
                    let mut position = 0;
                    for row in out {
                        position -= i32::from(across);
                        // Columns from here on come from above, the others from the left.
                        let first = (-position - 1) >> 6;
                        let first = usize::try_from(first).unwrap_or(0);
                        if first < W {
                            let above: [u8; W] = along(&above, position);
                            let mask: &[u8; W] = FROM[LONGEST - first..].first_chunk().unwrap_or(&[0; W]);
                            for ((sample, above), mask) in row.iter_mut().zip(above).zip(mask) {
                                *sample = (above & mask) | (*sample & !mask);
                            }
                        }
                    }
                }
                _ => {
                    let mut left = Line::new(&edges.left);
prepare_left::<W>(job, height, &mut left);
                    from_left(&left, step(270 - angle).into(), 0, out);
                }
            }
        }

        /// Makes of the row above what a direction wants of it.
        $(#[$attribute])?
        #[inline]
        fn prepare_above<const W: usize>(job: Job<'_>, height: usize, line: &mut Line) {
            let beyond = if job.angle < 90 { height } else { 0 };
            let angle = (job.angle - 90).abs();
            prepare(job, W + height, angle, [W, beyond, job.edges.available.above], line);
        }

        /// Makes of the column to the left what a direction wants of it.
        $(#[$attribute])?
        #[inline]
        fn prepare_left<const W: usize>(job: Job<'_>, height: usize, line: &mut Line) {
            let beyond = if job.angle > 180 { W } else { 0 };
            let angle = (job.angle - 180).abs();
            prepare(job, W + height, angle, [height, beyond, job.edges.available.left], line);
        }

        /// Makes of a side of `length` samples, and of those `beyond` it, what a direction wants that has this `angle` to
        /// it.
        $(#[$attribute])?
        #[inline]
        fn prepare(
            job: Job<'_>,
            sides: usize,
            angle: i32,
            [length, beyond, available]: [usize; 3],
            line: &mut Line,
        ) {
            line.samples[ORIGIN - 1] = corner(job.angle, sides, job.edges);
            if available > 0 {
                let count = length.min(available) + beyond;
                smooth(line, count, strength(sides, job.smooth_neighbour, angle));
            }
            let mut last = sides - 1;
            if doubles(sides, job.smooth_neighbour, angle) {
                double(line, length + beyond);
                last *= 2;
            }
            if beyond > 0 {
                line.end_at(last);
            }
        }

        /// Predicts from the left: each column is as far along the edge from the one before as `step` says. If `across` is not
        /// zero, only those rows of a column matter that a direction with that step to the row reaches from the left.
        $(#[$attribute])?
        #[inline]
        fn from_left<const W: usize>(left: &Line, step: i32, across: usize, out: &mut [[u8; W]]) {
            // The conditions are no others than a block's: they only save code that nobody runs.
            match out.len() {
                4 if W <= 8 => columns_from_left::<W, 4>(left, step, across, out),
                8 if W <= 16 => columns_from_left::<W, 8>(left, step, across, out),
                16 if W >= 8 && W <= 32 => columns_from_left::<W, 16>(left, step, across, out),
                32 if W >= 16 => columns_from_left::<W, 32>(left, step, across, out),
                64 if W >= 32 => columns_from_left::<W, 64>(left, step, across, out),
                _ => panic!("no block has these sides"),
            }
        }

        $(#[$attribute])?
        #[inline]
        fn columns_from_left<const W: usize, const H: usize>(
            left: &Line,
            step: i32,
            across: usize,
            out: &mut [[u8; W]],
        ) {
            let mut columns = [[0; H]; W];
            let mut position = 0;
            let mut reach = 0;
            for column in &mut columns {
                position += step;
                reach += 64;
                if across > 0 && across * H <= reach {
                    // From here on, all rows come from above.
                    break;
                }
                *column = along(left, position);
            }
            // Squares of eight, or what there is of one.
            for (band, rows) in out.chunks_mut(8).enumerate() {
                // Columns that the last row still takes from the left.
                let last = 8 * (band + 1);
                let needed = if across > 0 { (last * across - 1) >> 6 } else { W };
                let needed = needed.min(W);
                for left in (0..needed).step_by(8) {
                    let columns: [u64; 8] = std::array::from_fn(|column| {
                        let column = columns.get(left + column).map_or(&[] as &[u8], |column| column);
                        if H == 4 {
                            let four = column.first_chunk().copied().unwrap_or([0; 4]);
                            u64::from(u32::from_le_bytes(four))
                        } else {
                            let eight = column.as_chunks().0.get(band).copied().unwrap_or([0; 8]);
                            u64::from_le_bytes(eight)
                        }
                    });
                    for (row, samples) in rows.iter_mut().zip(transposed(columns)) {
                        let samples = samples.to_le_bytes();
                        if W == 4 {
                            row.copy_from_slice(&samples[..W.min(8)]);
                        } else {
                            row.as_chunks_mut().0[left / 8] = samples;
                        }
                    }
                }
            }
        }
    };
}
