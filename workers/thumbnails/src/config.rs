//! What the worker is told by its environment.

use fleet::env::{self, EnvError, Variables};
use thumbnailer::{Fit, Limits, OutputFormat, Plan, Quality, Rgb, Size};

/// The memory that is assumed where Lambda does not say: Lambda's own largest function has ten times as much.
const DEFAULT_MEMORY_MB: u64 = 1024;

/// How many photos of a batch are in flight by default: enough to download some while another is decoded.
const DEFAULT_CONCURRENCY: usize = 8;

/// The worker's configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Which thumbnails to make.
    pub plan: Plan,
    /// What is refused before it is decoded.
    pub limits: Limits,
    /// The bucket for thumbnails, manifests, ledgers and rejections.
    pub thumbnails_bucket: String,
    /// The ARN of the topic that is told when a photo is ready or removed; nobody is told without one.
    pub photo_ready_topic: Option<String>,
    /// Only keys with this prefix are worked; all of them when empty.
    pub source_prefix: String,
    /// What stands before a key to make it a URL in `srcset`: `/` or `https://images.example.com/`.
    pub public_url: String,
    /// How many photos of a batch are in flight at once.
    pub concurrency: usize,
    /// The memory of the function, in bytes.
    pub memory_bytes: u64,
}

/// The configuration is wrong: the worker does not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A variable is missing or cannot be read.
    #[error(transparent)]
    Env(#[from] EnvError),
}

impl Config {
    /// Reads the configuration.
    ///
    /// Only `THUMBNAILS_BUCKET` is required; the crate's README lists the others and their defaults.
    pub fn from_env(variables: &impl Variables) -> Result<Self, ConfigError> {
        let memory_mb: u64 = env::parsed(
            variables,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            "a number of megabytes",
        )?
        .unwrap_or(DEFAULT_MEMORY_MB);
        let memory_bytes = memory_mb.saturating_mul(1024 * 1024);
        let public_url = env::optional(variables, "PUBLIC_URL").unwrap_or_default();
        Ok(Self {
            plan: plan(variables)?,
            limits: limits(variables, memory_bytes)?,
            thumbnails_bucket: env::required(
                variables,
                "THUMBNAILS_BUCKET",
                "the name of the bucket that thumbnails are written to",
            )?,
            photo_ready_topic: topic(variables)?,
            source_prefix: env::optional(variables, "SOURCE_PREFIX").unwrap_or_default(),
            public_url: format!("{}/", public_url.trim_end_matches('/')),
            concurrency: env::parsed(variables, "PHOTO_CONCURRENCY", "a number of photos")?
                .unwrap_or(DEFAULT_CONCURRENCY),
            memory_bytes,
        })
    }
}

fn topic(variables: &impl Variables) -> Result<Option<String>, EnvError> {
    const NAME: &str = "PHOTO_READY_TOPIC";
    let Some(topic) = env::optional(variables, NAME) else {
        return Ok(None);
    };
    if topic.starts_with("arn:") && topic.split(':').nth(2) == Some("sns") {
        return Ok(Some(topic));
    }
    Err(EnvError::Invalid {
        name: NAME,
        expected: "the ARN of an SNS topic",
        reason: "it does not begin like arn:aws:sns".to_owned(),
    })
}

fn plan(variables: &impl Variables) -> Result<Plan, EnvError> {
    let default = Plan::default();
    Ok(Plan {
        sizes: env::list::<Size>(
            variables,
            "THUMBNAIL_SIZES",
            "sizes separated by commas, such as 128,256,640x480",
        )?
        .unwrap_or(default.sizes),
        fit: env::parsed::<Fit>(variables, "THUMBNAIL_FIT", "inside, cover or exact")?
            .unwrap_or(default.fit),
        formats: env::list::<OutputFormat>(
            variables,
            "THUMBNAIL_FORMATS",
            "formats separated by commas: keep, jpeg, webp, avif, png",
        )?
        .unwrap_or(default.formats),
        quality: env::parsed::<Quality>(
            variables,
            "THUMBNAIL_QUALITY",
            "1 to 100 for all formats, or such as jpeg=80,webp=75",
        )?
        .unwrap_or(default.quality),
        background: env::parsed::<Rgb>(variables, "THUMBNAIL_BACKGROUND", "a colour: #rrggbb")?
            .unwrap_or(default.background),
        upscale: env::parsed(variables, "THUMBNAIL_UPSCALE", "true or false")?
            .unwrap_or(default.upscale),
        animation: env::parsed(variables, "THUMBNAIL_ANIMATION", "true or false")?
            .unwrap_or(default.animation),
        linear_light: env::parsed(variables, "THUMBNAIL_LINEAR_LIGHT", "true or false")?
            .unwrap_or(default.linear_light),
    })
}

fn limits(variables: &impl Variables, memory_bytes: u64) -> Result<Limits, EnvError> {
    let default = Limits::for_memory(memory_bytes);
    Ok(Limits {
        max_pixels: env::parsed(variables, "MAX_PIXELS", "a number of pixels")?
            .unwrap_or(default.max_pixels),
        max_input_bytes: env::parsed(variables, "MAX_INPUT_BYTES", "a number of bytes")?
            .unwrap_or(default.max_input_bytes),
        max_dimension: env::parsed(variables, "MAX_DIMENSION", "a number of pixels")?
            .unwrap_or(default.max_dimension),
        max_frames: env::parsed(variables, "MAX_FRAMES", "a number of frames")?
            .unwrap_or(default.max_frames),
        ..default
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bucket_is_required() {
        let error = Config::from_env(&[]).unwrap_err().to_string();
        insta::assert_snapshot!(error, @"the environment variable THUMBNAILS_BUCKET is not set: it must be the name of the bucket that thumbnails are written to");
        let config = Config::from_env(&[("THUMBNAILS_BUCKET", "thumbs")]).unwrap();
        assert_eq!(config.plan, Plan::default());
        assert_eq!(config.public_url, "/");
        assert_eq!(config.limits, Limits::for_memory(1024 * 1024 * 1024));
    }

    #[test]
    fn every_part_of_the_plan_can_be_set() {
        let config = Config::from_env(&[
            ("THUMBNAILS_BUCKET", "thumbs"),
            ("THUMBNAIL_SIZES", "64, 320x240"),
            ("THUMBNAIL_FIT", "cover"),
            ("THUMBNAIL_FORMATS", "webp,jpeg"),
            ("THUMBNAIL_QUALITY", "jpeg=70"),
            ("THUMBNAIL_BACKGROUND", "#102030"),
            ("THUMBNAIL_UPSCALE", "true"),
            ("THUMBNAIL_ANIMATION", "false"),
            ("THUMBNAIL_LINEAR_LIGHT", "true"),
            ("MAX_PIXELS", "1000"),
            ("PUBLIC_URL", "https://images.example.com/"),
            (
                "PHOTO_READY_TOPIC",
                "arn:aws:sns:eu-west-1:123456789012:photo-ready",
            ),
        ])
        .unwrap();
        assert_eq!(config.plan.sizes.len(), 2);
        assert_eq!(config.plan.fit, Fit::Cover);
        assert_eq!(
            config.plan.formats,
            [OutputFormat::WebP, OutputFormat::Jpeg]
        );
        assert_eq!(config.plan.quality.jpeg, 70);
        assert_eq!(config.plan.background, Rgb([0x10, 0x20, 0x30]));
        assert!(config.plan.upscale && !config.plan.animation);
        assert!(config.plan.linear_light);
        assert_eq!(config.limits.max_pixels, 1000);
        assert!(config.photo_ready_topic.is_some());
        assert_eq!(config.public_url, "https://images.example.com/");
    }

    #[test]
    fn a_wrong_value_names_its_variable() {
        let error = |name: &'static str, value: &'static str| {
            Config::from_env(&[("THUMBNAILS_BUCKET", "thumbs"), (name, value)])
                .unwrap_err()
                .to_string()
        };
        for (name, value) in [
            ("THUMBNAIL_SIZES", "0"),
            ("THUMBNAIL_FIT", "squeeze"),
            ("THUMBNAIL_FORMATS", "jpeg,,webp"),
            ("THUMBNAIL_QUALITY", "101"),
            ("THUMBNAIL_BACKGROUND", "reddish"),
            ("THUMBNAIL_UPSCALE", "maybe"),
            ("MAX_PIXELS", "-1"),
            ("PHOTO_READY_TOPIC", "photo-ready"),
        ] {
            let error = error(name, value);
            assert!(error.contains(name), "{error}");
        }
    }
}
