//! A folder as content delivery network: `OUT/invalidated/REFERENCE.json`, the paths that it was told to forget.

use std::io;
use std::path::Path;
use std::sync::Arc;

use cache_invalidation::{InvalidateError, Invalidated, Invalidation, Invalidator};
use serde_json::json;

use super::journal::{Effect, EffectKind, Journal};
use super::objects::with_slashes;
use super::out::OutFolder;
use super::paths::path_of;

/// Invalidations as files. Clones share the folder.
#[derive(Debug, Clone)]
pub struct DirectoryCache {
    out: Arc<OutFolder>,
    journal: Journal,
}

impl DirectoryCache {
    /// The network in `out`.
    pub fn new(out: Arc<OutFolder>, journal: Journal) -> Self {
        Self { out, journal }
    }

    fn place(&self, invalidation: &Invalidation) -> io::Result<Invalidated> {
        let name = invalidation
            .caller_reference
            .chars()
            .take(16)
            .collect::<String>();
        let path = path_of("invalidated", &format!("{name}.json"));
        let path = Path::new("").join(path);
        // As CloudFront does: the same reference begins nothing anew.
        if self.out.read(&path)?.is_some() {
            return Ok(Invalidated::Before);
        }
        let json = serde_json::to_vec_pretty(&json!({
            "distribution": invalidation.distribution,
            "callerReference": invalidation.caller_reference,
            "paths": invalidation.paths,
        }))?;
        self.out.write(&path, &json)?;
        let effect = Effect {
            kind: EffectKind::PathsInvalidated,
            name: format!("{}/{name}", invalidation.distribution),
            bytes: u64::try_from(json.len()).unwrap_or(u64::MAX),
            content_type: "application/json".to_owned(),
            path: with_slashes(&path),
        };
        self.journal.note(effect, false);
        Ok(Invalidated::Begun(name))
    }
}

impl Invalidator for DirectoryCache {
    async fn invalidate(
        &self,
        invalidation: &Invalidation,
    ) -> Result<Invalidated, InvalidateError> {
        self.place(invalidation)
            .map_err(|error| InvalidateError::Unavailable(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_invalidation_is_one_effect_however_often_it_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let out = Arc::new(OutFolder::open(folder.path()).unwrap());
        let journal = Journal::default();
        let cache = DirectoryCache::new(out, journal.clone());
        let invalidation = Invalidation {
            distribution: "E1EXAMPLE".to_owned(),
            paths: vec!["/posts/*".to_owned()],
            caller_reference: "0123456789abcdef0123".to_owned(),
        };
        let begun = cache.invalidate(&invalidation).await;
        assert_eq!(begun, Ok(Invalidated::Begun("0123456789abcdef".to_owned())));
        let [effect] = &journal.take()[..] else {
            panic!("one effect");
        };
        let file = std::fs::read_to_string(folder.path().join(&effect.path)).unwrap();
        assert!(file.contains("/posts/*"), "{file}");
        let again = cache.invalidate(&invalidation).await;
        assert_eq!((again, journal.take()), (Ok(Invalidated::Before), vec![]));
    }
}
