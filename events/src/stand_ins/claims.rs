//! An embedded table of claims: one JSON file each, `OUT/table/claims/KEY.json`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fleet::claim::{Claim, ClaimError, ClaimTable, Replaced};

use super::out::OutFolder;
use super::paths::path_of;

/// Claims that outlive the process. Clones share them.
#[derive(Debug, Clone)]
pub struct DirectoryClaims {
    out: Arc<OutFolder>,
    writing: Arc<Mutex<()>>,
}

impl DirectoryClaims {
    /// The claims in `out`.
    pub fn new(out: Arc<OutFolder>) -> Self {
        Self {
            out,
            writing: Arc::new(Mutex::new(())),
        }
    }

    fn read(&self, path: &Path) -> Result<Option<Claim>, ClaimError> {
        let json = self.out.read(path).map_err(|error| failed(path, &error))?;
        json.map(|json| serde_json::from_slice(&json).map_err(|error| failed(path, &error.into())))
            .transpose()
    }

    /// Compares and writes without anything between, which is all that a table has to promise.
    fn write_if(
        &self,
        key: &str,
        claim: &Claim,
        holds: impl FnOnce(Option<&Claim>) -> bool,
    ) -> Result<Replaced, ClaimError> {
        let path = claim_path(key);
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = self.read(&path)?;
        if !holds(standing.as_ref()) {
            return Ok(Replaced::No(standing));
        }
        let json =
            serde_json::to_vec_pretty(claim).map_err(|error| failed(&path, &error.into()))?;
        self.out
            .write(&path, &json)
            .map_err(|error| failed(&path, &error))?;
        Ok(Replaced::Yes)
    }
}

impl ClaimTable for DirectoryClaims {
    async fn insert(&self, key: &str, claim: &Claim) -> Result<Option<Claim>, ClaimError> {
        match self.write_if(key, claim, |standing| standing.is_none())? {
            Replaced::Yes => Ok(None),
            Replaced::No(standing) => Ok(standing),
        }
    }

    async fn replace(
        &self,
        key: &str,
        revision: u64,
        claim: &Claim,
    ) -> Result<Replaced, ClaimError> {
        self.write_if(key, claim, |standing| {
            standing.is_some_and(|standing| standing.revision == revision)
        })
    }
}

fn claim_path(key: &str) -> PathBuf {
    Path::new("table").join(path_of("claims", &format!("{key}.json")))
}

fn failed(path: &Path, error: &io::Error) -> ClaimError {
    ClaimError::Unavailable(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fleet::claim::{Claimed, Claims};

    use super::*;

    fn claims(folder: &Path) -> Claims<DirectoryClaims> {
        let out = Arc::new(OutFolder::open(folder).unwrap());
        Claims::new(
            DirectoryClaims::new(out),
            Duration::from_mins(2),
            Duration::from_hours(1),
        )
    }

    #[tokio::test]
    async fn a_claim_outlives_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let lease = Duration::from_secs(30);
        {
            let claims = claims(folder.path());
            let Ok(Claimed::Acquired(ticket)) = claims.claim("k", "a", lease, 0).await else {
                panic!("not acquired");
            };
            assert_eq!(
                claims.claim("k", "b", lease, 1).await,
                Ok(Claimed::Busy(30_000))
            );
            claims.complete(&ticket, "id", 2).await.unwrap();
        }
        let again = claims(folder.path()).claim("k", "c", lease, 3).await;
        assert_eq!(again, Ok(Claimed::Done(Some("id".to_owned()))));
    }

    #[tokio::test]
    async fn a_claim_that_cannot_be_read_is_a_failure_that_names_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let claims = claims(folder.path());
        let path = folder.path().join("table/claims/k.json");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "{").unwrap();
        let error = claims.claim("k", "a", Duration::ZERO, 0).await.unwrap_err();
        assert!(error.to_string().contains("k.json"), "{error}");
    }
}
