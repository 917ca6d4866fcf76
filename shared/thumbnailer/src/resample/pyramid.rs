//! Several targets of one source: which of them are made from others.

use super::axis::Axis;

/// How much larger, along either axis, a target must be for a smaller one to be made from it.
///
/// What a target loses that is made from one so many times larger, against one made from the whole picture: SSIMULACRA2
/// points, three photos of 6 to 12 megapixels to 128, 256 and 512 pixels, mean and worst, before encoding and after
/// JPEG at quality 80 (where chance gives and takes 0.4).
///
/// | ratio | 1.05 | 1.25 | 1.5 | 1.75 | 2 | 3 |
/// |---|---|---|---|---|---|---|
/// | before | 3.4, 6.6 | 0.9, 1.9 | 0.2, 0.4 | 0.0, 0.2 | 0.0, 0.1 | 0.0, 0.1 |
/// | after | 0.4, 1.8 | -0.1, 0.2 | -0.2, 0.4 | 0.0, 0.3 | -0.1, 0.4 | 0.0, 0.2 |
pub(crate) const LEAST_RATIO: f64 = 1.5;

/// Where a target's samples come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Origin {
    /// The rows of the source.
    Source,
    /// Another target, by its index: it is made before.
    Target(usize),
}

/// One target, and where its samples come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step {
    /// Which of the targets.
    pub(crate) target: usize,
    /// From what.
    pub(crate) origin: Origin,
}

/// Orders targets, given as their axes (x, y) on one source, so that each comes after the one that it is made from: the
/// coarsest that is still [`LEAST_RATIO`] times finer and shows all that it shows. [`Axis::within`] has the axes for
/// that, of this plane and, as the parts are the same, of the others.
pub(crate) fn pyramid(targets: &[(Axis, Axis)]) -> Vec<Step> {
    // Samples of the target to a sample of the source.
    let density = |&(x, y): &(Axis, Axis)| 1.0 / (x.ratio() * y.ratio());
    let mut order: Vec<usize> = (0..targets.len()).collect();
    order.sort_by(|&a, &b| {
        let key = |index| targets.get(index).map_or(0.0, density);
        key(b).total_cmp(&key(a))
    });
    let mut steps: Vec<Step> = Vec::with_capacity(order.len());
    for target in order {
        let Some(own) = targets.get(target) else {
            continue;
        };
        // The coarsest is the last that was made.
        let parent = steps.iter().rev().map(|step| step.target).find(|&parent| {
            targets
                .get(parent)
                .is_some_and(|parent| enough(&own.0, &parent.0) && enough(&own.1, &parent.1))
        });
        let origin = parent.map_or(Origin::Source, Origin::Target);
        steps.push(Step { target, origin });
    }
    steps
}

fn enough(own: &Axis, parent: &Axis) -> bool {
    // Twice as wide is often a sample less.
    const TOLERANCE: f64 = 0.01;
    own.within(parent)
        .is_some_and(|own| own.ratio() >= LEAST_RATIO - TOLERANCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(width: usize, height: usize) -> (Axis, Axis) {
        (Axis::whole(4032, width), Axis::whole(3024, height))
    }

    fn steps(targets: &[(Axis, Axis)]) -> Vec<(usize, Origin)> {
        let steps = pyramid(targets).into_iter();
        steps.map(|step| (step.target, step.origin)).collect()
    }

    #[test]
    fn each_target_is_made_from_the_next_larger_one() {
        let targets = [
            whole(128, 96),
            whole(1024, 768),
            whole(256, 192),
            whole(512, 384),
        ];
        assert_eq!(
            steps(&targets),
            [
                (1, Origin::Source),
                (3, Origin::Target(1)),
                (2, Origin::Target(3)),
                (0, Origin::Target(2)),
            ]
        );
    }

    #[test]
    fn a_target_that_is_hardly_larger_is_passed_over() {
        let targets = [whole(300, 225), whole(256, 192), whole(1024, 768)];
        assert_eq!(
            steps(&targets),
            [
                (2, Origin::Source),
                (0, Origin::Target(2)),
                (1, Origin::Target(2)),
            ]
        );
        let targets = [whole(300, 225), whole(256, 192)];
        assert_eq!(steps(&targets), [(0, Origin::Source), (1, Origin::Source)]);
    }

    #[test]
    fn a_target_that_shows_more_is_not_made_from_a_part() {
        let mut square = whole(1024, 1024);
        (square.0.start, square.0.end) = (504.0, 3528.0);
        let mut small = whole(256, 256);
        (small.0.start, small.0.end) = (504.0, 3528.0);
        assert_eq!(
            steps(&[whole(400, 300), square, small]),
            [
                (1, Origin::Source),
                (0, Origin::Source),
                (2, Origin::Target(1)),
            ]
        );
    }

    #[test]
    fn a_part_of_a_mirrored_target_is_mirrored_no_more() {
        let parent = Axis {
            source_len: 1000,
            start: 900.0,
            end: 100.0,
            target_len: 400,
            target_extent: 399.5,
        };
        let own = Axis {
            target_len: 100,
            target_extent: 100.0,
            ..parent
        };
        let within = Axis {
            source_len: 400,
            start: 0.0,
            end: 399.5,
            ..own
        };
        assert_eq!(own.within(&parent), Some(within));
        let beyond = Axis {
            start: 901.0,
            ..own
        };
        assert_eq!(beyond.within(&parent), None);
    }
}
