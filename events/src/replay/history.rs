//! What each event did, over all replays into one output folder: `OUT/history/DIGEST.json`.
//!
//! Replaying an event again has no effects, and yet a report should show what it once did.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fleet::digest::sha256_hex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thumbnails::Manifest;

use crate::stand_ins::{Effect, EffectKind, OutFolder};

/// The histories in one output folder.
#[derive(Debug)]
pub struct History {
    out: Arc<OutFolder>,
}

/// What one event did, in this replay and in earlier ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// Every change, each once.
    pub effects: BTreeSet<Effect>,
    /// The manifests that it wrote, as they were then: a later event may have replaced or deleted them.
    pub manifests: Vec<PastManifest>,
}

/// A manifest of thumbnails, and the bucket that it and they were written to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastManifest {
    /// The bucket.
    pub bucket: String,
    /// The manifest.
    pub manifest: Manifest,
}

impl History {
    /// The histories in `out`.
    pub fn new(out: Arc<OutFolder>) -> Self {
        Self { out }
    }

    /// Adds new effects to what an event did before, and returns all of it.
    pub fn add(&self, worker: &str, event: &Value, effects: &[Effect]) -> std::io::Result<Past> {
        let path = history_path(worker, event);
        let mut past: Past = self
            .out
            .read(&path)?
            .and_then(|json| serde_json::from_slice(&json).ok())
            .unwrap_or_default();
        if effects.is_empty() {
            return Ok(past);
        }
        past.effects.extend(effects.iter().cloned());
        for effect in effects {
            if let Some(written) = self.manifest(effect)? {
                past.manifests
                    .retain(|earlier| earlier.manifest.source != written.manifest.source);
                past.manifests.push(written);
            }
        }
        self.out.write(&path, &serde_json::to_vec_pretty(&past)?)?;
        Ok(past)
    }

    /// The manifest that an effect wrote, if it wrote one.
    fn manifest(&self, effect: &Effect) -> std::io::Result<Option<PastManifest>> {
        if effect.kind != EffectKind::ObjectWritten || effect.content_type != "application/json" {
            return Ok(None);
        }
        let json = self.out.read(Path::new(&effect.path))?.unwrap_or_default();
        let bucket = effect
            .name
            .strip_prefix("s3://")
            .and_then(|name| name.split('/').next());
        // A ledger is JSON too and no manifest.
        Ok(serde_json::from_slice(&json)
            .ok()
            .map(|manifest| PastManifest {
                bucket: bucket.unwrap_or_default().to_owned(),
                manifest,
            }))
    }
}

fn history_path(worker: &str, event: &Value) -> PathBuf {
    let digest = sha256_hex([worker.as_bytes(), event.to_string().as_bytes()]);
    Path::new("history").join(format!("{digest}.json"))
}
