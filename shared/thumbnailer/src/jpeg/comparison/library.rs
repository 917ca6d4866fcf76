//! The IJG's library, as Mozilla keeps it, behind four functions without `unsafe`: files of any kind from planes, and
//! planes or coefficients from files. Its decoder is that of libjpeg-turbo, here in plain C.

#![expect(unsafe_code, reason = "calls a library in C")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "sizes of pictures in the integers of C"
)]

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::slice;

use mozjpeg_sys::{
    J_COLOR_SPACE, J_INT_PARAM, JCP_FASTEST, jpeg_c_set_int_param, jpeg_common_struct,
    jpeg_component_info, jpeg_compress_struct, jpeg_create_compress, jpeg_create_decompress,
    jpeg_decompress_struct, jpeg_destroy_compress, jpeg_destroy_decompress, jpeg_error_mgr,
    jpeg_finish_compress, jpeg_mem_dest, jpeg_mem_src, jpeg_read_coefficients, jpeg_read_header,
    jpeg_read_raw_data, jpeg_scan_info, jpeg_set_colorspace, jpeg_set_defaults, jpeg_set_quality,
    jpeg_simple_progression, jpeg_start_compress, jpeg_start_decompress, jpeg_std_error,
    jpeg_write_raw_data,
};

use crate::planes::Plane;

unsafe extern "C" {
    fn free(allocation: *mut c_void);
}

/// How the scans of a file follow one another.
#[derive(Debug, Clone)]
pub(super) enum Scans {
    /// One, of all components.
    Interleaved,
    /// One for each component.
    Apart,
    /// The progression that the library has by itself: ten scans for three components.
    Progressive,
    /// A progression of one's own: component (none: all of them, for DC), first and last index, high and low bit.
    Script(Vec<(Option<usize>, [u8; 4])>),
}

/// A file to be made.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    pub(super) width: usize,
    pub(super) height: usize,
    /// The sampling factors of each component: 1, 3 or 4.
    pub(super) factors: Vec<(u8, u8)>,
    pub(super) quality: u8,
    pub(super) scans: Scans,
    /// MCUs between restart markers, or none.
    pub(super) restart: usize,
    pub(super) optimised: bool,
    pub(super) arithmetic: bool,
}

impl Kind {
    /// Baseline with the usual tables.
    pub(super) fn new(width: usize, height: usize, factors: &[(u8, u8)]) -> Self {
        Self {
            width,
            height,
            factors: factors.to_vec(),
            quality: 85,
            scans: Scans::Interleaved,
            restart: 0,
            optimised: false,
            arithmetic: false,
        }
    }

    fn largest(&self) -> (usize, usize) {
        let horizontal = self.factors.iter().map(|(h, _)| usize::from(*h)).max();
        let vertical = self.factors.iter().map(|(_, v)| usize::from(*v)).max();
        (horizontal.unwrap(), vertical.unwrap())
    }
}

/// The coefficients of one component, and what they are multiplied by; both in natural order.
pub(super) struct Coefficients {
    pub(super) blocks: Vec<[i16; 64]>,
    pub(super) blocks_in_a_row: usize,
    pub(super) quantiser: [u16; 64],
}

extern "C-unwind" fn fail(common: &mut jpeg_common_struct) {
    // SAFETY: the library sets the error manager before it calls this.
    let code = unsafe { (*common.err).msg_code };
    panic!("libjpeg failed with message {code}");
}

extern "C-unwind" fn ignore(_: &mut jpeg_common_struct, _: c_int) {}

fn errors() -> Box<jpeg_error_mgr> {
    let mut errors = Box::new(MaybeUninit::<jpeg_error_mgr>::zeroed());
    // SAFETY: a structure of C of numbers and nullable pointers, for which zero is a value; the library fills it in.
    let mut errors = unsafe {
        jpeg_std_error(&mut *errors.as_mut_ptr());
        errors.assume_init()
    };
    errors.error_exit = Some(fail);
    errors.emit_message = Some(ignore);
    errors
}

/// A file of a kind. `sample` gives the sample of a component at x and y of its own grid.
pub(super) fn encode(kind: &Kind, sample: impl Fn(usize, usize, usize) -> u8) -> Vec<u8> {
    let mut errors = errors();
    let mut compress = MaybeUninit::<jpeg_compress_struct>::zeroed();
    let mut memory = ptr::null_mut();
    let mut size = 0;
    let script = script(kind);
    // SAFETY: the calls are in the order that the library's manual asks for; the structure, the error manager, the
    // scripts and the rows outlive them; every row has the samples of all MCUs of its component.
    unsafe {
        (*compress.as_mut_ptr()).common.err = &raw mut *errors;
        jpeg_create_compress(compress.as_mut_ptr());
        let compress = compress.assume_init_mut();
        jpeg_mem_dest(compress, &raw mut memory, &raw mut size);
        let space = match kind.factors.len() {
            1 => J_COLOR_SPACE::JCS_GRAYSCALE,
            3 => J_COLOR_SPACE::JCS_YCbCr,
            _ => J_COLOR_SPACE::JCS_CMYK,
        };
        compress.image_width = kind.width as u32;
        compress.image_height = kind.height as u32;
        compress.input_components = kind.factors.len() as c_int;
        compress.in_color_space = space;
        jpeg_c_set_int_param(
            compress,
            J_INT_PARAM::JINT_COMPRESS_PROFILE,
            JCP_FASTEST as c_int,
        );
        jpeg_set_defaults(compress);
        jpeg_set_colorspace(compress, space);
        jpeg_set_quality(compress, c_int::from(kind.quality), 0);
        compress.raw_data_in = 1;
        compress.restart_interval = kind.restart as u32;
        compress.optimize_coding = c_int::from(kind.optimised);
        compress.arith_code = c_int::from(kind.arithmetic);
        let components = slice::from_raw_parts_mut(compress.comp_info, kind.factors.len());
        for (component, (h, v)) in components.iter_mut().zip(&kind.factors) {
            component.h_samp_factor = c_int::from(*h);
            component.v_samp_factor = c_int::from(*v);
        }
        match kind.scans {
            Scans::Interleaved => {}
            Scans::Progressive => jpeg_simple_progression(compress),
            Scans::Apart | Scans::Script(_) => {
                compress.num_scans = script.len() as c_int;
                compress.scan_info = script.as_ptr();
            }
        }
        jpeg_start_compress(compress, 1);

        let (h_max, v_max) = kind.largest();
        let across = kind.width.div_ceil(8 * h_max);
        for mcu_row in 0..kind.height.div_ceil(8 * v_max) {
            let strips: Vec<Vec<u8>> = kind
                .factors
                .iter()
                .enumerate()
                .map(|(component, (h, v))| {
                    let (width, rows) = (across * 8 * usize::from(*h), 8 * usize::from(*v));
                    (0..width * rows)
                        .map(|at| sample(component, at % width, mcu_row * rows + at / width))
                        .collect()
                })
                .collect();
            let rows: Vec<Vec<*const u8>> = strips
                .iter()
                .zip(&kind.factors)
                .map(|(strip, (h, _))| {
                    strip
                        .chunks(across * 8 * usize::from(*h))
                        .map(<[u8]>::as_ptr)
                        .collect()
                })
                .collect();
            let image: Vec<*const *const u8> = rows.iter().map(Vec::as_ptr).collect();
            jpeg_write_raw_data(compress, image.as_ptr(), (8 * v_max) as u32);
        }
        jpeg_finish_compress(compress);
        jpeg_destroy_compress(compress);
        let file = slice::from_raw_parts(memory, size as usize).to_vec();
        free(memory.cast());
        file
    }
}

fn script(kind: &Kind) -> Vec<jpeg_scan_info> {
    let count = kind.factors.len();
    let scan = |components: &[usize], [first, last, high, low]: [u8; 4]| {
        let mut component_index = [0; 4];
        for (place, component) in component_index.iter_mut().zip(components) {
            *place = *component as c_int;
        }
        jpeg_scan_info {
            comps_in_scan: components.len() as c_int,
            component_index,
            Ss: c_int::from(first),
            Se: c_int::from(last),
            Ah: c_int::from(high),
            Al: c_int::from(low),
        }
    };
    let all: Vec<usize> = (0..count).collect();
    match &kind.scans {
        Scans::Interleaved | Scans::Progressive => Vec::new(),
        Scans::Apart => all.iter().map(|one| scan(&[*one], [0, 63, 0, 0])).collect(),
        Scans::Script(script) => script
            .iter()
            .map(|(component, band)| match component {
                Some(component) => scan(&[*component], *band),
                None => scan(&all, *band),
            })
            .collect(),
    }
}

fn open<T>(
    file: &[u8],
    work: impl FnOnce(&mut jpeg_decompress_struct, &[jpeg_component_info]) -> T,
) -> T {
    let mut errors = errors();
    let mut decompress = MaybeUninit::<jpeg_decompress_struct>::zeroed();
    // SAFETY: as in `encode`; the components live as long as the structure, and nothing here writes to them.
    unsafe {
        (*decompress.as_mut_ptr()).common.err = &raw mut *errors;
        jpeg_create_decompress(decompress.as_mut_ptr());
        let decompress = decompress.assume_init_mut();
        jpeg_mem_src(decompress, file.as_ptr(), file.len() as u64);
        jpeg_read_header(decompress, 1);
        let count = decompress.num_components as usize;
        let components = slice::from_raw_parts(decompress.comp_info, count);
        let done = work(decompress, components);
        jpeg_destroy_decompress(decompress);
        done
    }
}

/// The planes of a file at `scale` eighths, and the side of a block in each: the library makes that of chroma larger
/// where this spares it enlarging.
pub(super) fn planes(file: &[u8], scale: usize) -> Vec<(usize, Plane)> {
    open(file, |decompress, components| {
        decompress.scale_num = scale as u32;
        decompress.scale_denom = 8;
        decompress.raw_data_out = 1;
        decompress.do_block_smoothing = 0;
        // SAFETY: the structure comes from `open`, its header is read.
        unsafe { jpeg_start_decompress(decompress) };
        let h_max = decompress.max_h_samp_factor as usize;
        let v_max = decompress.max_v_samp_factor as usize;
        let (width, height) = (
            decompress.image_width as usize,
            decompress.image_height as usize,
        );
        let (across, down) = (width.div_ceil(8 * h_max), height.div_ceil(8 * v_max));
        let mut strips = Vec::new();
        let mut planes = Vec::new();
        for component in components {
            let (h, v) = (
                component.h_samp_factor as usize,
                component.v_samp_factor as usize,
            );
            let mut side = scale;
            while side < 8
                && (h_max * scale).is_multiple_of(h * side * 2)
                && (v_max * scale).is_multiple_of(v * side * 2)
            {
                side *= 2;
            }
            let stride = across * h * side;
            strips.push((stride, vec![0; stride * v * side]));
            let plane = Plane {
                width: (width * h * side).div_ceil(h_max * 8),
                height: (height * v * side).div_ceil(v_max * 8),
                samples: Vec::new(),
            };
            planes.push((side, plane));
        }
        for _ in 0..down {
            let mut rows: Vec<Vec<*mut u8>> = strips
                .iter_mut()
                .map(|(stride, strip)| strip.chunks_mut(*stride).map(<[u8]>::as_mut_ptr).collect())
                .collect();
            let mut image: Vec<*mut *mut u8> = rows.iter_mut().map(Vec::as_mut_ptr).collect();
            // SAFETY: every component has the rows of one row of MCUs, each as wide as all of its blocks.
            unsafe {
                jpeg_read_raw_data(decompress, image.as_mut_ptr(), (v_max * scale) as u32);
            }
            for ((stride, strip), (_, plane)) in strips.iter().zip(&mut planes) {
                for row in strip.chunks(*stride) {
                    if plane.samples.len() < plane.width * plane.height {
                        plane.samples.extend(&row[..plane.width]);
                    }
                }
            }
        }
        planes
    })
}

/// The coefficients of a file.
pub(super) fn coefficients(file: &[u8]) -> Vec<Coefficients> {
    open(file, |decompress, components| {
        // SAFETY: the structure comes from `open`, its header is read; there is one array for each component, and each
        // row of it has the blocks that the component says.
        unsafe {
            let arrays = jpeg_read_coefficients(decompress);
            let arrays = slice::from_raw_parts(arrays, components.len());
            let access = (*decompress.common.mem).access_virt_barray.unwrap();
            let mut found = Vec::new();
            for (component, array) in components.iter().zip(arrays) {
                let across = component.width_in_blocks as usize;
                let mut blocks = Vec::new();
                for row in 0..component.height_in_blocks {
                    let rows = access(&mut decompress.common, *array, row, 1, 0);
                    blocks.extend_from_slice(slice::from_raw_parts(*rows, across));
                }
                found.push(Coefficients {
                    blocks,
                    blocks_in_a_row: across,
                    quantiser: (*component.quant_table).quantval,
                });
            }
            found
        }
    })
}
