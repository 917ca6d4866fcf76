//! Thumbnails of rows of pixels, which are resized as they come.

use std::ops::ControlFlow;

use crate::colour::Conversion;
use crate::cpu::Cpu;
use crate::encode;
use crate::fit::Placement;
use crate::levels::{PixelLevels, Span};
use crate::orientation::Orientation;
use crate::picture::{Canvas, Layout, Picture, spread_gray};
use crate::placeholder::placeholder;
use crate::planes::{Grid, Plane};
use crate::resize::unpremultiply;
use crate::thumbnails::{assemble, slots};
use crate::{Header, Plan, ThumbnailError, Thumbnails, ycc};

use super::{Engine, each, preview, spans};

/// What rows of pixels are. Colours are multiplied by their alpha.
pub(crate) struct PixelRows<'a> {
    /// What a pixel's samples mean.
    pub(crate) layout: Layout,
    /// Samples of a pixel: one for [`Layout::Gray`] that is not spread, else as many as the layout has.
    pub(crate) channels: usize,
    /// How many there are.
    pub(crate) grid: Grid,
    /// The ICC profile.
    pub(crate) profile: Option<&'a [u8]>,
}

impl<'a> PixelRows<'a> {
    /// The thumbnails of a still picture that is there as a whole. An alpha channel counts as transparent: idle ones are
    /// dropped before.
    pub(crate) fn of_picture(
        engine: &mut Engine,
        header: &Header,
        picture: &Picture,
        profile: Option<&'a [u8]>,
        plan: &Plan,
    ) -> Result<Thumbnails, ThumbnailError> {
        let rows = Self {
            layout: picture.layout,
            channels: picture.layout.channels(),
            grid: Grid {
                width: picture.width as usize,
                height: picture.height as usize,
                extent_x: picture.width.into(),
                extent_y: picture.height.into(),
            },
            profile,
        };
        let stride = rows.grid.width * rows.channels;
        rows.thumbnails(engine, header, plan, |sink| {
            for row in picture.samples.chunks_exact(stride.max(1)) {
                if sink(row).is_break() {
                    break;
                }
            }
            Ok(picture.layout.has_alpha())
        })
    }

    /// The thumbnails of the rows that `feed` hands on, until it is told that no other matters. It says whether a
    /// pixel was transparent.
    pub(crate) fn thumbnails(
        self,
        engine: &mut Engine,
        header: &Header,
        plan: &Plan,
        feed: impl FnOnce(&mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> Result<bool, ThumbnailError>,
    ) -> Result<Thumbnails, ThumbnailError> {
        let (width, height) = header.displayed();
        let mut placements = vec![preview(header)];
        for size in &plan.sizes {
            let placement = plan.fit.place(width, height, *size, plan.upscale);
            if !placements.contains(&placement) {
                placements.push(placement);
            }
        }
        let requests: Vec<(Span, Span)> = placements
            .iter()
            .map(|placement| spans(header, *placement))
            .collect();
        let linear_light = plan.linear_light && matches!(self.layout, Layout::Gray | Layout::Rgb);
        let mut levels = PixelLevels::new(
            &mut engine.pool,
            engine.cpu,
            self.grid,
            self.channels,
            &requests,
            linear_light,
        );
        let transparent = feed(&mut |row| levels.push(row))?;
        let planes = levels.finish(&mut engine.pool);

        let alpha = self.layout.has_alpha() && transparent;
        let layout = if alpha {
            self.layout
        } else {
            self.layout.opaque()
        };
        let conversion = Conversion::new(layout, self.profile);
        let cpu = engine.cpu;
        let draw = |placement: &Placement| -> Result<Canvas, ThumbnailError> {
            let planes = placements
                .iter()
                .position(|known| known == placement)
                .and_then(|index| planes.get(index));
            let drawn = draw(cpu, planes.map_or(&[], Vec::as_slice), alpha)
                .map_err(|reason| ThumbnailError::corrupt(header.format, reason))?;
            let canvas = Canvas {
                samples: conversion.srgb(drawn.samples),
                ..drawn
            };
            let orientation = Orientation::from_exif(header.orientation);
            Ok(if orientation.swaps_axes() {
                canvas.oriented(Orientation::TRANSPOSED)
            } else {
                canvas
            })
        };
        let placeholder = placeholder(&draw(&preview(header))?);
        let targets = slots(header, plan, alpha);
        let mut drawn: Option<(Placement, Canvas)> = None;
        let made = each(&targets, |_, target| {
            let canvas = match drawn.take() {
                Some((placement, canvas)) if placement == target.placement => canvas,
                _ => draw(&target.placement)?,
            };
            let encoded = encode::encode(&canvas, target.format, plan);
            drawn = Some((target.placement, canvas));
            encoded
        })?;
        Ok(assemble(header, targets, &made, placeholder, alpha))
    }
}

/// Pixels of a plane for each channel: three samples, and alpha, no longer multiplied in, where there is one.
fn draw(cpu: Cpu, planes: &[Plane], alpha: bool) -> Result<Canvas, String> {
    let Some(first) = planes.first() else {
        return Err("a thumbnail has no planes".to_owned());
    };
    let side = |length: usize| u32::try_from(length).unwrap_or(0);
    let (width, height) = (side(first.width), side(first.height));
    let samples = match planes {
        [gray] => spread_gray(&gray.samples),
        [one, two, three, opacity] if alpha => {
            let mut pixels = vec![0; first.samples.len() * 4];
            let four = [one, two, three, opacity].map(|plane| plane.samples.as_slice());
            ycc::interleave_four(cpu, four, &mut pixels);
            unpremultiply(&mut pixels, width, height)?;
            pixels
        }
        [one, two, three, ..] => {
            let mut pixels = vec![0; first.samples.len() * 3];
            let three = [one, two, three].map(|plane| plane.samples.as_slice());
            ycc::interleave(cpu, three, &mut pixels);
            pixels
        }
        _ => return Err("a thumbnail has two planes".to_owned()),
    };
    Ok(Canvas {
        width,
        height,
        alpha,
        samples,
    })
}
