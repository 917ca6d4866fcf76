//! Several threads that work on one scan.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Parts of a scan, worked on in any order and given on in theirs. Workers live as long as the scan; whoever takes what
/// is done is one of them while there is nothing to take.
pub(super) struct Crew<'a, T> {
    /// Part n is made in slot n modulo their number: so many parts may be ahead of the one that is taken next.
    slots: &'a [Mutex<T>],
    progress: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Debug)]
struct Progress {
    /// The next part to be begun.
    next: usize,
    /// How many have been taken.
    taken: usize,
    /// Whether what is in a slot can be taken.
    is_done: Vec<bool>,
    /// No part from this one on is needed.
    end: usize,
}

impl<T: Send> Crew<'_, T> {
    /// Makes `parts` parts on `threads` threads, of which the caller's is one, and takes them in their order until there
    /// are no more or `take` gives a result. `make` says whether there are parts behind the one that it made.
    pub(super) fn run<R>(
        slots: &[Mutex<T>],
        threads: usize,
        parts: usize,
        make: impl Fn(usize, &mut T) -> bool + Sync,
        mut take: impl FnMut(usize, &mut T) -> Option<R>,
    ) -> Option<R> {
        let crew = Crew {
            slots,
            progress: Mutex::new(Progress {
                next: 0,
                taken: 0,
                is_done: vec![false; slots.len()],
                end: parts,
            }),
            changed: Condvar::new(),
        };
        std::thread::scope(|scope| {
            // Nobody waits for one who has panicked.
            let _over = Over(&crew);
            for _ in 1..threads.min(parts) {
                scope.spawn(|| {
                    let over = Over(&crew);
                    while let Some(part) = crew.claim() {
                        crew.make(part, &make);
                    }
                    std::mem::forget(over);
                });
            }
            for part in 0..parts {
                while !crew.is_done(part) {
                    match crew.claim_now() {
                        Some(other) => crew.make(other, &make),
                        None if crew.wait_for(part) => {}
                        None => return None,
                    }
                }
                let mut slot = crew.slot(part)?;
                let result = take(part, &mut slot);
                drop(slot);
                if result.is_some() {
                    return result;
                }
                crew.took(part);
            }
            None
        })
    }
}

impl<T> Crew<'_, T> {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        // What is guarded is right at all times.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, part: usize) -> Option<MutexGuard<'_, T>> {
        let slot = self.slots.get(part % self.slots.len().max(1))?;
        Some(slot.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn make(&self, part: usize, make: &impl Fn(usize, &mut T) -> bool) {
        let goes_on = (self.slot(part)).is_some_and(|mut slot| make(part, &mut slot));
        let mut progress = self.progress();
        if !goes_on {
            progress.end = progress.end.min(part + 1);
        }
        let slots = self.slots.len().max(1);
        if let Some(is_done) = progress.is_done.get_mut(part % slots) {
            *is_done = true;
        }
        drop(progress);
        self.changed.notify_all();
    }

    /// A part to make, when there is one and a slot for it.
    fn claim_now(&self) -> Option<usize> {
        self.progress().claim(self.slots.len())
    }

    /// The same, and waits for it; none when all have been begun.
    fn claim(&self) -> Option<usize> {
        let mut progress = self.progress();
        loop {
            if let Some(part) = progress.claim(self.slots.len()) {
                return Some(part);
            }
            if progress.next >= progress.end {
                return None;
            }
            progress = (self.changed.wait(progress)).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn is_done(&self, part: usize) -> bool {
        let slot = part % self.slots.len().max(1);
        (self.progress().is_done.get(slot)).is_some_and(|is_done| *is_done)
    }

    /// Waits until a part is done that somebody makes. Whether it will ever be.
    fn wait_for(&self, part: usize) -> bool {
        let slot = part % self.slots.len().max(1);
        let mut progress = self.progress();
        loop {
            if progress.is_done.get(slot) == Some(&true) {
                return true;
            }
            if progress.end <= part {
                return false;
            }
            progress = (self.changed.wait(progress)).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn took(&self, part: usize) {
        let mut progress = self.progress();
        let slots = self.slots.len().max(1);
        if let Some(is_done) = progress.is_done.get_mut(part % slots) {
            *is_done = false;
        }
        progress.taken = part + 1;
        drop(progress);
        self.changed.notify_all();
    }
}

impl Progress {
    fn claim(&mut self, slots: usize) -> Option<usize> {
        let part = self.next;
        if part >= self.end.min(self.taken + slots) {
            return None;
        }
        self.next += 1;
        Some(part)
    }
}

/// Ends the work of all when it is dropped.
struct Over<'a, T>(&'a Crew<'a, T>);

impl<T> Drop for Over<'_, T> {
    fn drop(&mut self) {
        self.0.progress().end = 0;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    const THREADS: usize = 3;

    fn run<R>(
        parts: usize,
        make: impl Fn(usize, &mut usize) -> bool + Sync,
        take: impl FnMut(usize, &mut usize) -> Option<R>,
    ) -> Option<R> {
        let slots: Vec<Mutex<usize>> = (0..=THREADS).map(Mutex::new).collect();
        Crew::run(&slots, THREADS, parts, make, take)
    }

    #[test]
    fn parts_are_taken_in_order_and_each_once() {
        for parts in [0, 1, 2, 5, 100] {
            let mut taken = Vec::new();
            let caller = std::thread::current().id();
            let make = |index: usize, part: &mut usize| {
                *part = index * index;
                if std::thread::current().id() == caller {
                    // The others are far ahead then, if they may be.
                    (0..100).for_each(|_| std::thread::yield_now());
                }
                true
            };
            let result = run(parts, make, |index, part| {
                taken.push((index, *part));
                None::<()>
            });
            assert_eq!(result, None);
            let expected: Vec<_> = (0..parts).map(|index| (index, index * index)).collect();
            assert_eq!(taken, expected);
        }
    }

    #[test]
    fn what_is_taken_may_end_the_work() {
        let made = Mutex::new(0);
        let make = |_: usize, _: &mut usize| {
            *made.lock().unwrap() += 1;
            true
        };
        let result = run(usize::MAX, make, |index, _| (index == 7).then_some("over"));
        assert_eq!(result, Some("over"));
        assert!(*made.lock().unwrap() <= 8 + THREADS + 1);
    }

    #[test]
    fn no_part_is_begun_for_long_behind_the_last() {
        let highest = Mutex::new(0);
        let make = |index: usize, _: &mut usize| {
            let mut highest = highest.lock().unwrap();
            *highest = index.max(*highest);
            index != 5
        };
        let mut taken = 0;
        let result = run(usize::MAX, make, |_, _| {
            taken += 1;
            None::<()>
        });
        assert_eq!(result, None);
        assert_eq!(taken, 6);
        assert!(*highest.lock().unwrap() <= 6 + THREADS + 1);
    }

    #[test]
    fn nobody_waits_for_who_has_panicked() {
        for bad in [0, 4] {
            let make = |index: usize, _: &mut usize| {
                assert_ne!(index, bad, "on purpose");
                true
            };
            let result = catch_unwind(AssertUnwindSafe(|| run(100, make, |_, _| None::<()>)));
            assert!(result.is_err());
        }
        let result = catch_unwind(|| {
            run(
                100,
                |_, _| true,
                |index, _| -> Option<()> {
                    assert_ne!(index, 4, "on purpose");
                    None
                },
            )
        });
        assert!(result.is_err());
    }
}
