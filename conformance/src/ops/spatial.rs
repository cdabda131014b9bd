//! Padding, interpolation and the moving of blocks of an image.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::{InterpolateMode, InterpolateOptions, Resize};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("interpolate", "nn_functional_interpolate_area", interpolate),
    adapter("interpolate", "nn_functional_interpolate_bicubic", interpolate),
    adapter("interpolate", "nn_functional_interpolate_bilinear", interpolate),
    adapter("interpolate", "nn_functional_interpolate_linear", interpolate),
    adapter("interpolate", "nn_functional_interpolate_nearest", interpolate),
    adapter("interpolate", "nn_functional_interpolate_nearest-exact", interpolate),
    adapter("interpolate", "nn_functional_interpolate_trilinear", interpolate),
];

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
