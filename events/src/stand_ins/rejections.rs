//! Kept rejections of workers that have no bucket to keep them in: `OUT/rejected/WORKER/NAME.json`.

use std::path::Path;
use std::sync::Arc;

use fleet::rejection::{KeepError, Rejection, Rejections};

use super::journal::{Effect, EffectKind, Journal};
use super::objects::with_slashes;
use super::out::OutFolder;
use super::paths::path_of;

/// Rejections as files. Clones share them.
#[derive(Debug, Clone)]
pub struct DirectoryRejections {
    out: Arc<OutFolder>,
    journal: Journal,
}

impl DirectoryRejections {
    /// The rejections in `out`.
    pub fn new(out: Arc<OutFolder>, journal: Journal) -> Self {
        Self { out, journal }
    }
}

impl Rejections for DirectoryRejections {
    async fn keep(&self, name: &str, rejection: &Rejection) -> Result<(), KeepError> {
        let path = Path::new("rejected").join(path_of(&rejection.worker, &format!("{name}.json")));
        let json = rejection.to_json();
        let failed = |error: std::io::Error| KeepError(format!("{}: {error}", path.display()));
        // The first one stays: the name already says that it is the same record.
        if self.out.read(&path).map_err(failed)?.is_none() {
            self.out.write(&path, json.as_bytes()).map_err(failed)?;
            let effect = Effect {
                kind: EffectKind::RejectionKept,
                name: format!("{}/{name}", rejection.worker),
                bytes: u64::try_from(json.len()).unwrap_or(u64::MAX),
                content_type: "application/json".to_owned(),
                path: with_slashes(&path),
            };
            self.journal.note(effect, false);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use fleet::fate::Rejected;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_rejection_is_kept_once() {
        let folder = tempfile::tempdir().unwrap();
        let out = Arc::new(OutFolder::open(folder.path()).unwrap());
        let journal = Journal::default();
        let rejections = DirectoryRejections::new(out, journal.clone());
        let rejected = Rejected {
            kind: "corrupt",
            reason: "no".to_owned(),
        };
        let rejection = Rejection::new("mail", "subject", &rejected, json!({}));
        for expected in [1, 0] {
            rejections.keep("1", &rejection).await.unwrap();
            assert_eq!(journal.take().len(), expected);
        }
        assert!(folder.path().join("rejected/mail/1.json").is_file());
    }
}
