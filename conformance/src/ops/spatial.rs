//! Padding, interpolation and the moving of blocks of an image.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::{
    GridSampleMode, GridSampleOptions, GridSamplePadding, InterpolateMode, InterpolateOptions, PadMode,
    Resize, UnfoldOptions,
};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("shuffle", "nn_functional_channel_shuffle", |c| {
        one(c.x()?.channel_shuffle(c.arg(0, "groups").int()? as usize))
    }),
    adapter("im2col", "nn_functional_fold", |c| {
        let output = c.arg(0, "output_size").sizes_or([0; 2])?;
        one(c.x()?.col2im(output, unfold_options(c, 1)?))
    }),
    adapter("interpolate", "nn_functional_interpolate_area", interpolate),
    adapter("interpolate", "nn_functional_interpolate_bicubic", interpolate),
    adapter("interpolate", "nn_functional_interpolate_bilinear", interpolate),
    adapter("interpolate", "nn_functional_interpolate_linear", interpolate),
    adapter("interpolate", "nn_functional_interpolate_nearest", interpolate),
    adapter("interpolate", "nn_functional_interpolate_nearest-exact", interpolate),
    adapter("interpolate", "nn_functional_interpolate_trilinear", interpolate),
    adapter("pad", "nn_functional_pad_circular", pad),
    adapter("pad", "nn_functional_pad_constant", pad),
    adapter("pad", "nn_functional_pad_reflect", pad),
    adapter("pad", "nn_functional_pad_replicate", pad),
    adapter("pad", "nn_functional_pad_replicate_negative", pad),
    adapter("shuffle", "nn_functional_pixel_shuffle", |c| {
        one(c.x()?.pixel_shuffle(c.arg(0, "upscale_factor").int()? as usize))
    }),
    adapter("shuffle", "nn_functional_pixel_unshuffle", |c| {
        one(c.x()?.pixel_unshuffle(c.arg(0, "downscale_factor").int()? as usize))
    }),
    adapter("im2col", "nn_functional_unfold", |c| one(c.x()?.im2col(unfold_options(c, 0)?))),
    adapter("grid_sample", "nn_functional_grid_sample", grid_sample),
];

fn pad(c: &Call) -> Replayed {
    let value = c.arg(2, "value").float_or(0.0)?;
    let mode = match c.arg(1, "mode").text_or("constant")?.as_str() {
        "constant" => PadMode::Constant(value),
        "reflect" => PadMode::Reflect,
        "replicate" => PadMode::Replicate,
        "circular" => PadMode::Circular,
        _ => return unsupported("an unknown mode"),
    };
    one(c.x()?.pad(c.arg(0, "pad").ints()?, mode))
}

/// The arguments of `unfold` and `fold` from argument `at` on.
fn unfold_options(c: &Call, at: usize) -> Asked<UnfoldOptions> {
    Ok(UnfoldOptions {
        kernel: c.arg(at, "kernel_size").sizes_or([1; 2])?,
        dilation: c.arg(at + 1, "dilation").sizes_or([1; 2])?,
        padding: c.arg(at + 2, "padding").sizes_or([0; 2])?,
        stride: c.arg(at + 3, "stride").sizes_or([1; 2])?,
    })
}

fn interpolate(c: &Call) -> Replayed {
    let mode = match c.arg(2, "mode").text_or("nearest")?.as_str() {
        "nearest" => InterpolateMode::Nearest,
        "nearest-exact" => InterpolateMode::NearestExact,
        "linear" => InterpolateMode::Linear,
        "bilinear" => InterpolateMode::Bilinear,
        "trilinear" => InterpolateMode::Trilinear,
        "bicubic" => InterpolateMode::Bicubic,
        "area" => InterpolateMode::Area,
        _ => return unsupported("an unknown mode"),
    };
    if c.arg(5, "antialias").bool_or(false)? {
        return unsupported("antialias");
    }
    let options = InterpolateOptions {
        mode,
        align_corners: c.arg(3, "align_corners").bool_or(false)?,
        recompute_scale_factor: c.arg(4, "recompute_scale_factor").bool_or(false)?,
    };
    let (sizes, factor) = (c.arg(0, "size").shape()?, c.arg(1, "scale_factor"));
    let factors = match factor {
        Value::None => return one(c.x()?.interpolate(Resize::Size(&sizes), options)),
        Value::List(factors) => factors.iter().map(Value::float).collect::<Asked<Vec<_>>>()?,
        one => vec![one.float()?],
    };
    one(c.x()?.interpolate(Resize::Scale(&factors), options))
}

fn grid_sample(c: &Call) -> Replayed {
    let options = GridSampleOptions {
        mode: match c.arg(1, "mode").text_or("bilinear")?.as_str() {
            "nearest" => GridSampleMode::Nearest,
            "bicubic" => GridSampleMode::Bicubic,
            _ => GridSampleMode::Bilinear,
        },
        padding_mode: match c.arg(2, "padding_mode").text_or("zeros")?.as_str() {
            "border" => GridSamplePadding::Border,
            "reflection" => GridSamplePadding::Reflection,
            _ => GridSamplePadding::Zeros,
        },
        align_corners: c.arg(3, "align_corners").bool_or(false)?,
    };
    one(c.x()?.grid_sample(&c.arg(0, "grid").var()?, options))
}
