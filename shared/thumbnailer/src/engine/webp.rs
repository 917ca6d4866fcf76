//! A still WebP is decoded by libwebp to about the size that its thumbnails need.

use crate::jpeg::Colour;
use crate::levels::{Levels, Request};
use crate::limits::check;
use crate::planes::{Grid, Plane, RowSink, Rows};
use crate::source::webp_scaled::{ScaledWebP, scaled, scaled_bytes};
use crate::source::{guarded, webp};
use crate::{DecodePath, Header, ImageFormat, Limits, Plan, ThumbnailError, Thumbnails, header};

use super::planes::{Meaning, PlaneJob};
use super::{Engine, PixelRows, target_bytes};

/// libwebp takes means where it shrinks, which is as good as a filter when it leaves this much to one.
const LEAST_RATIO: f64 = 2.0;

impl Engine {
    /// `None` when it is animated.
    pub(super) fn webp(
        &mut self,
        image: &[u8],
        plan: &Plan,
        limits: &Limits,
    ) -> Result<Option<Thumbnails>, ThumbnailError> {
        let header = header::inspect_whole(image, limits)?;
        if header.frames > 1 {
            return Ok(None);
        }
        let profile = webp::profile(image);
        let meaning = Meaning {
            colour: Colour::YCbCr,
            inverted: false,
            profile: profile.as_deref(),
        };
        let job = PlaneJob::new(&header, &meaning, plan);
        let size = (header.width, header.height);
        let least = least(&header, &job.requests);
        let held = scaled_bytes(webp::is_lossless(image), header.alpha, size, least)
            .saturating_add(target_bytes(&job.targets));
        check(
            "bytes of memory",
            header::memory(held, header::length(Some(image))),
            limits.max_memory_bytes,
        )?;
        let decoded = guarded(ImageFormat::WebP, || scaled(image, size, least))?;
        let mut thumbnails = match decoded {
            None => return Ok(None),
            Some(ScaledWebP::Planes(planes)) => {
                let (planes, grids): (Vec<Plane>, Vec<Grid>) = planes.into_iter().unzip();
                if plan.linear_light {
                    self.in_light(&header, &meaning, &grids, &planes, plan)?
                } else {
                    let mut levels = Levels::new(&mut self.pool, self.cpu, &grids, &job.requests);
                    for (component, plane) in planes.iter().enumerate() {
                        levels.rows(component, Rows::of(plane));
                    }
                    let made = levels.finish(&mut self.pool);
                    job.finish(self, &made, plan)?
                }
            }
            Some(ScaledWebP::Pixels(picture)) => {
                let picture = picture
                    .without_idle_alpha()
                    .premultiplied()
                    .map_err(|reason| ThumbnailError::corrupt(header.format, reason))?;
                PixelRows::of_picture(self, &header, &picture, meaning.profile, plan)?
            }
        };
        thumbnails.source.path = DecodePath::Scaled;
        Ok(Some(thumbnails))
    }
}

/// The least size to decode to, in pixels as stored.
fn least(header: &Header, requests: &[Request]) -> (u32, u32) {
    let axis = |side: u32, ratio: fn(&Request, f64) -> f64| {
        let finest = requests
            .iter()
            .filter(|request| request.component == 0)
            .map(|request| ratio(request, side.into()))
            .fold(f64::INFINITY, f64::min);
        let wanted = f64::from(side) / finest.max(1.0) * LEAST_RATIO;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between one and a side"
        )]
        let wanted = wanted.ceil().clamp(1.0, side.into()) as u32;
        wanted
    };
    (
        axis(header.width, |request, side| request.x.ratio(side)),
        axis(header.height, |request, side| request.y.ratio(side)),
    )
}
