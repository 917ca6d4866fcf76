//! One `up` or `down` at a time in a checkout.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::process;

use super::{Checkout, LocalError};

/// Held by the `up` or `down` that is at work. The system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "open is locked")] File);

impl Lock {
    /// Takes the lock, or says who has it.
    pub(super) fn take(checkout: &Checkout) -> Result<Self, LocalError> {
        let path = checkout.lock();
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(LocalError::file(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Without it the message still says what to do.
                let _ = file.read_to_string(&mut holder);
                return Err(LocalError::Busy(holder.trim().parse().ok()));
            }
            Err(TryLockError::Error(error)) => return Err(LocalError::file(&path)(error)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", process::id()))
            .map_err(LocalError::file(&path))?;
        Ok(Self(file))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_second_is_told_who_the_first_is() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir_all(place.path().join("workers")).unwrap();
        fs::write(place.path().join("Cargo.toml"), "").unwrap();
        let checkout = Checkout::around(place.path()).unwrap();
        checkout.make_state().unwrap();
        let first = Lock::take(&checkout).unwrap();
        let second = Lock::take(&checkout);
        assert!(
            matches!(second, Err(LocalError::Busy(Some(holder))) if holder == process::id()),
            "{second:?}"
        );
        drop(first);
        Lock::take(&checkout).unwrap();
    }
}
