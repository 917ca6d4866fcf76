//! Animations, one frame in memory at a time.

use crate::encode::{GifAnimation, WebPAnimation, refusal};
use crate::fit::Placement;
use crate::picture::Canvas;
use crate::render::Renderer;
use crate::source::Animation;
use crate::{Header, ImageFormat, Plan, ThumbnailError};

/// One animated thumbnail to make.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Target {
    pub(crate) placement: Placement,
    pub(crate) format: ImageFormat,
}

/// An animated thumbnail.
pub(crate) struct Animated {
    pub(crate) frames: u32,
    pub(crate) bytes: Vec<u8>,
}

enum Encoder<'a> {
    Gif(GifAnimation),
    WebP(WebPAnimation<'a>),
}

impl<'a> Encoder<'a> {
    fn new(target: Target, loops: u16, plan: &'a Plan) -> Result<Self, String> {
        let Placement { width, height, .. } = target.placement;
        match target.format {
            ImageFormat::Gif => GifAnimation::new(width, height, Some(loops)).map(Self::Gif),
            ImageFormat::WebP => Ok(Self::WebP(WebPAnimation::new(width, height, loops, plan))),
            other => Err(format!("{other} holds no animation")),
        }
    }

    fn push(&mut self, canvas: Canvas, delay_ms: u32) -> Result<(), String> {
        match self {
            Self::Gif(gif) => gif.push(&canvas, delay_ms),
            Self::WebP(webp) => webp.push(canvas, delay_ms),
        }
    }

    fn finish(self) -> Result<Vec<u8>, String> {
        match self {
            Self::Gif(gif) => gif.finish(),
            Self::WebP(webp) => webp.finish(),
        }
    }
}

/// Makes every target of an animation in one pass over its frames.
pub(crate) fn animate(
    header: &Header,
    animation: Animation<'_>,
    targets: &[Target],
    plan: &Plan,
) -> Result<Vec<Animated>, ThumbnailError> {
    let failed = |target: &Target| {
        let target = *target;
        move |reason| {
            refusal(
                target.placement.width,
                target.placement.height,
                target.format,
                reason,
            )
        }
    };
    let mut encoders = targets
        .iter()
        .map(|target| Encoder::new(*target, animation.loops, plan).map_err(failed(target)))
        .collect::<Result<Vec<_>, _>>()?;
    let mut frames = 0;
    let mut renderer = None;
    for frame in animation.frames {
        let frame = frame?;
        frames += 1;
        let mut picture = frame
            .picture
            .premultiplied()
            .map_err(|reason| ThumbnailError::corrupt(header.format, reason))?;
        let renderer = renderer.get_or_insert_with(|| {
            Renderer::new(header, picture.layout, animation.profile.as_deref())
        });
        let mut canvas: Option<(Placement, Canvas)> = None;
        for (target, encoder) in targets.iter().zip(&mut encoders) {
            // Targets of one size follow each other, so that each size is rendered once.
            let rendered = match canvas.take() {
                Some((placement, rendered)) if placement == target.placement => rendered,
                _ => renderer.render(header, &mut picture, target.placement)?,
            };
            encoder
                .push(rendered.clone(), frame.delay_ms)
                .map_err(failed(target))?;
            canvas = Some((target.placement, rendered));
        }
    }
    encoders
        .into_iter()
        .zip(targets)
        .map(|(encoder, target)| {
            let bytes = encoder.finish().map_err(failed(target))?;
            Ok(Animated { frames, bytes })
        })
        .collect()
}
