//! What is to be made of a picture that comes as planes, and how.

use crate::animation::Target;
use crate::colour::Conversion;
use crate::cpu::Cpu;
use crate::encode;
use crate::fit::Placement;
use crate::jpeg::Colour;
use crate::jpeg_encode::HuffmanTables;
use crate::levels::Request;
use crate::orientation::Orientation;
use crate::picture::{Canvas, Layout, spread_gray};
use crate::placeholder::placeholder;
use crate::planes::Plane;
use crate::thumbnails::{assemble, slots};
use crate::{Header, ImageFormat, Plan, Size, ThumbnailError, Thumbnails, ycc};

use super::{Engine, each, preview, spans};

/// The planes of one thumbnail.
#[derive(Debug, Clone, Copy)]
struct Picking {
    placement: Placement,
    /// For each component the index of its request.
    planes: [usize; 4],
    /// Whether chroma is halved already, as the encoder takes it.
    coded: bool,
}

/// What a picture's planes mean.
pub(super) struct Meaning<'a> {
    pub(super) colour: Colour,
    /// Whether inks are stored as what they leave of the light, as Adobe does.
    pub(super) inverted: bool,
    /// The ICC profile.
    pub(super) profile: Option<&'a [u8]>,
}

/// The planes that the thumbnails of one picture need, and how they become thumbnails.
pub(super) struct PlaneJob<'a> {
    header: &'a Header,
    orientation: Orientation,
    colour: Colour,
    inverted: bool,
    conversion: Conversion,
    pub(super) targets: Vec<(Size, Target)>,
    pickings: Vec<Picking>,
    preview: Picking,
    pub(super) requests: Vec<Request>,
}

impl<'a> PlaneJob<'a> {
    pub(super) fn new(header: &'a Header, meaning: &Meaning<'_>, plan: &Plan) -> Self {
        let (layout, components) = match meaning.colour {
            Colour::Gray => (Layout::Gray, 1),
            Colour::YCbCr | Colour::Rgb => (Layout::Rgb, 3),
            Colour::Cmyk | Colour::Ycck => (Layout::Cmyk, 4),
        };
        let conversion = Conversion::new(layout, meaning.profile);
        let targets = slots(header, plan, false);
        let in_planes =
            conversion.is_idle() && matches!(meaning.colour, Colour::Gray | Colour::YCbCr);
        let mut requests = Vec::new();
        let mut pick = |placement: Placement, format: ImageFormat| {
            let coded = in_planes && format == ImageFormat::Jpeg;
            let (x, y) = spans(header, placement);
            let mut planes = [0; 4];
            for (component, index) in planes.iter_mut().enumerate().take(components) {
                let halved = coded && component > 0;
                let request = Request {
                    component,
                    x: if halved { x.halved() } else { x },
                    y: if halved { y.halved() } else { y },
                };
                let known = requests.iter().position(|known| *known == request);
                *index = known.unwrap_or_else(|| {
                    requests.push(request);
                    requests.len() - 1
                });
            }
            Picking {
                placement,
                planes,
                coded,
            }
        };
        let pickings = targets
            .iter()
            .map(|(_, target)| pick(target.placement, target.format))
            .collect();
        let preview = pick(preview(header), ImageFormat::Png);
        Self {
            header,
            orientation: Orientation::from_exif(header.orientation),
            colour: meaning.colour,
            inverted: meaning.inverted,
            conversion,
            targets,
            pickings,
            preview,
            requests,
        }
    }

    /// The thumbnails, from the plane of each request. Says that the general way was taken.
    pub(super) fn finish(
        self,
        engine: &mut Engine,
        planes: &[Plane],
        plan: &Plan,
    ) -> Result<Thumbnails, ThumbnailError> {
        let preview = placeholder(&self.canvas(engine.cpu, planes, &self.preview));
        let mut drawn: Option<(Placement, Canvas)> = None;
        let made = each(&self.targets, |index, target| {
            let picking = self.pickings.get(index).unwrap_or(&self.preview);
            if picking.coded {
                return self.coded(engine, planes, picking, plan).map_err(|reason| {
                    let Placement { width, height, .. } = target.placement;
                    encode::refusal(width, height, target.format, reason)
                });
            }
            let canvas = match drawn.take() {
                Some((placement, canvas)) if placement == picking.placement => canvas,
                _ => self.canvas(engine.cpu, planes, picking),
            };
            let encoded = encode::encode(&canvas, target.format, plan);
            drawn = Some((picking.placement, canvas));
            encoded
        })?;
        Ok(assemble(self.header, self.targets, &made, preview, false))
    }

    /// A JPEG straight from its planes.
    fn coded(
        &self,
        engine: &mut Engine,
        planes: &[Plane],
        picking: &Picking,
        plan: &Plan,
    ) -> Result<Vec<u8>, String> {
        let components = if self.colour == Colour::Gray { 1 } else { 3 };
        let chosen = picking.planes.iter().take(components);
        let parts: Vec<&Plane> = chosen.filter_map(|index| planes.get(*index)).collect();
        let turned: Vec<Plane>;
        let parts = if self.orientation.swaps_axes() {
            turned = parts.iter().map(|plane| plane.transposed()).collect();
            turned.iter().collect()
        } else {
            parts
        };
        let (luma, chroma) = match *parts.as_slice() {
            [luma] => (luma, None),
            [luma, blue, red] => (luma, Some([blue, red])),
            _ => return Err("a plane is missing".to_owned()),
        };
        let quality = plan.quality.jpeg;
        engine
            .encoder
            .encode(luma, chroma, quality, HuffmanTables::Optimised)
    }

    /// The thumbnail in sRGB, upright.
    fn canvas(&self, cpu: Cpu, planes: &[Plane], picking: &Picking) -> Canvas {
        let missing = Plane::default();
        let [first, second, third, fourth] = picking
            .planes
            .map(|index| planes.get(index).unwrap_or(&missing));
        let three = [first, second, third].map(|plane| plane.samples.as_slice());
        let four = [first, second, third, fourth].map(|plane| plane.samples.as_slice());
        let samples = match self.colour {
            Colour::Gray => spread_gray(&first.samples),
            Colour::YCbCr => {
                let mut rgb = vec![0; first.samples.len() * 3];
                ycc::to_rgb(cpu, three[0], three[1], three[2], &mut rgb);
                rgb
            }
            Colour::Rgb => {
                let mut rgb = vec![0; first.samples.len() * 3];
                ycc::interleave(cpu, three, &mut rgb);
                rgb
            }
            Colour::Cmyk | Colour::Ycck => {
                let mut inks = vec![0; first.samples.len() * 4];
                if self.colour == Colour::Ycck {
                    ycc::ycck_to_cmyk(cpu, four, &mut inks);
                } else {
                    ycc::interleave_four(cpu, four, &mut inks);
                }
                if self.inverted {
                    for ink in &mut inks {
                        *ink = !*ink;
                    }
                }
                inks
            }
        };
        let canvas = Canvas {
            width: u32::try_from(first.width).unwrap_or(0),
            height: u32::try_from(first.height).unwrap_or(0),
            alpha: false,
            samples: self.conversion.srgb(samples),
        };
        if self.orientation.swaps_axes() {
            canvas.oriented(Orientation::TRANSPOSED)
        } else {
            canvas
        }
    }
}
