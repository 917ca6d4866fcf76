//! What a web page needs to show a photo: one JSON document per photo.

use fleet::notice::ObjectChange;
use fleet::sequencer::Sequencer;
use serde::{Deserialize, Serialize};
use thumbnailer::Thumbnails;

use crate::keys::PhotoKeys;

/// The manifest of one photo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The version of this document's structure.
    pub manifest_version: u32,
    /// What the thumbnails were made from.
    pub source: ManifestSource,
    /// Which plan they were made by.
    pub recipe: String,
    /// ThumbHash of the photo, base64: a blurred picture in about 25 bytes, to show while a thumbnail loads.
    pub thumbhash: String,
    /// Every thumbnail, in the order of the plan.
    pub outputs: Vec<Output>,
    /// The `srcset` of an `<img>`: the thumbnails of the first format.
    pub srcset: String,
    /// The `<source>`s of a `<picture>`: one for each format.
    pub picture: Vec<PictureSource>,
}

/// What the thumbnails were made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestSource {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Which write of it: the version id, else made from entity tag and sequencer.
    pub version: String,
    /// The order of that write among those of the same key.
    pub sequencer: Sequencer,
    /// Its entity tag, if the notice told it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub etag: Option<String>,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its content type, as found in its bytes.
    #[serde(rename = "type")]
    pub content_type: String,
    /// Its width in pixels, as displayed.
    pub width: u32,
    /// Its height in pixels, as displayed.
    pub height: u32,
    /// How its pixels were had: `planes`, `rows`, `scaled` or `general`, as [`thumbnailer::DecodePath`] has them. Text, because
    /// a ledger that a later worker wrote must stay readable. Absent in manifests of earlier workers, as are the next two.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<String>,
    /// At how many eighths of its width and height it was decoded, 1, 2, 4 or 8, where it is a JPEG that was decoded
    /// scaled.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scale: Option<u8>,
    /// How many of its bytes, from the start, were needed for that.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bytes_read: Option<u64>,
}

/// One thumbnail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// Its key in the thumbnails bucket.
    pub key: String,
    /// The size of the plan that asked for it.
    pub size: String,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its content type.
    #[serde(rename = "type")]
    pub content_type: String,
    /// Its number of frames: 1 unless it is animated.
    pub frames: u32,
}

/// The thumbnails of one format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PictureSource {
    /// Their content type.
    #[serde(rename = "type")]
    pub content_type: String,
    /// Their `srcset`, by width.
    pub srcset: String,
}

impl Manifest {
    /// The manifest of `thumbnails`, made from a source of `source_bytes` bytes.
    pub fn new(
        change: &ObjectChange,
        keys: &PhotoKeys,
        recipe: &str,
        public_url: &str,
        source_bytes: u64,
        thumbnails: &Thumbnails,
    ) -> Self {
        let outputs: Vec<Output> = thumbnails
            .images
            .iter()
            .map(|image| Output {
                key: keys.thumbnail(&image.size.to_string(), image.format.extension()),
                size: image.size.to_string(),
                width: image.width,
                height: image.height,
                bytes: u64::try_from(image.bytes.len()).unwrap_or(u64::MAX),
                content_type: image.format.content_type().to_owned(),
                frames: image.frames,
            })
            .collect();
        let picture = picture(&outputs, public_url);
        Self {
            manifest_version: 1,
            source: ManifestSource {
                bucket: change.bucket.clone(),
                key: change.key.clone(),
                version: keys.version().to_owned(),
                sequencer: change.sequencer.clone(),
                etag: change.etag.clone(),
                bytes: source_bytes,
                content_type: thumbnails.source.format.content_type().to_owned(),
                width: thumbnails.source.width,
                height: thumbnails.source.height,
                path: Some(thumbnails.source.path.to_string()),
                scale: thumbnails.source.scale,
                bytes_read: Some(thumbnails.source.bytes_read),
            },
            recipe: recipe.to_owned(),
            thumbhash: thumbnails.placeholder.clone(),
            srcset: picture
                .first()
                .map(|source| source.srcset.clone())
                .unwrap_or_default(),
            picture,
            outputs,
        }
    }

    /// As indented JSON.
    pub fn to_json(&self) -> String {
        // Strings and numbers: nothing that could fail to serialise.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// Groups the outputs by type, in the order in which types first appear, each by rising width. A width that two sizes
/// share, as when both are larger than the photo, is listed once: a browser could not choose between them.
fn picture(outputs: &[Output], public_url: &str) -> Vec<PictureSource> {
    let mut types: Vec<&str> = Vec::new();
    for output in outputs {
        if !types.contains(&output.content_type.as_str()) {
            types.push(&output.content_type);
        }
    }
    types
        .into_iter()
        .map(|content_type| {
            let mut of_type: Vec<&Output> = outputs
                .iter()
                .filter(|output| output.content_type == content_type)
                .collect();
            of_type.sort_by_key(|output| output.width);
            of_type.dedup_by_key(|output| output.width);
            PictureSource {
                content_type: content_type.to_owned(),
                srcset: of_type
                    .iter()
                    .map(|output| format!("{public_url}{} {}w", output.key, output.width))
                    .collect::<Vec<_>>()
                    .join(", "),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(key: &str, width: u32, content_type: &str) -> Output {
        Output {
            key: key.to_owned(),
            size: String::new(),
            width,
            height: 1,
            bytes: 1,
            content_type: content_type.to_owned(),
            frames: 1,
        }
    }

    #[test]
    fn a_manifest_of_an_earlier_worker_is_read_and_written_again_as_it_was() {
        let source = r#"{"bucket":"b","key":"k","version":"v","sequencer":"01","bytes":5,"type":"image/jpeg","width":4,"height":3}"#;
        let read: ManifestSource = serde_json::from_str(source).unwrap();
        assert_eq!(read.path, None);
        assert_eq!(serde_json::to_string(&read).unwrap(), source);
        let told = r#"{"bucket":"b","key":"k","version":"v","sequencer":"01","bytes":5,"type":"image/jpeg","width":4,"height":3,"path":"planes","scale":1,"bytesRead":2}"#;
        let read: ManifestSource = serde_json::from_str(told).unwrap();
        assert_eq!((read.scale, read.bytes_read), (Some(1), Some(2)));
        assert_eq!(serde_json::to_string(&read).unwrap(), told);
    }

    #[test]
    fn a_srcset_rises_and_names_each_width_once() {
        let outputs = [
            output("b", 512, "image/webp"),
            output("a", 256, "image/webp"),
            output("c", 512, "image/webp"),
            output("j", 256, "image/jpeg"),
        ];
        let picture = picture(&outputs, "https://x.test/");
        assert_eq!(picture.len(), 2);
        assert_eq!(picture[0].content_type, "image/webp");
        assert_eq!(
            picture[0].srcset,
            "https://x.test/a 256w, https://x.test/b 512w"
        );
        assert_eq!(picture[1].srcset, "https://x.test/j 256w");
    }
}
