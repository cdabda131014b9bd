//! An image read at given places.
//!
//! Each place is between neighbours along each axis: its taps, with a weight each. The result is the sum over all
//! combinations of taps, so gradients reach the image through its elements and the grid through the weights.

use crate::testing::{Row, Sample};
use crate::{DType, Error, Result, Shape, Var};
use std::panic::Location;
use tensor_core::Tensor;

/// How a place between elements is read: `mode` of `torch.nn.functional.grid_sample`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GridSampleMode {
    /// On the straight lines between the neighbours, along each axis.
    #[default]
    Bilinear,
    /// The nearest element; of two as near, the even one.
    Nearest,
    /// Cubic convolution with A = −0.75 over four neighbours along each axis.
    Bicubic,
}

/// What lies outside the image: `padding_mode` of `torch.nn.functional.grid_sample`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GridSamplePadding {
    /// Zeros.
    #[default]
    Zeros,
    /// The nearest element of the border.
    Border,
    /// The image mirrored at its border.
    Reflection,
}

/// Keywords of `torch.nn.functional.grid_sample`, with its defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GridSampleOptions {
    /// Default `Bilinear`.
    pub mode: GridSampleMode,
    /// Default `Zeros`.
    pub padding_mode: GridSamplePadding,
    /// Whether −1 and 1 are the centres of the first and last elements, not their outer edges. Default false.
    pub align_corners: bool,
}

/// One neighbour of each place along an axis.
struct Tap {
    /// Which element, within the axis.
    index: Tensor,
    /// Where there is none and a zero is read.
    outside: Option<Tensor>,
    /// What it counts for; None for all of it.
    weight: Option<Var>,
}

impl Var {
    /// This image `[N, C, H, W]` at the places of `grid` `[N, H', W', 2]`, each (x, y) from −1, the left or upper edge,
    /// to 1: `[N, C, H', W']`; or `[N, C, D, H, W]` at `[N, D', H', W', 3]`: `torch.nn.functional.grid_sample`.
    ///
    /// # Errors
    /// If the shapes do not fit, the image has no elements, or the dtypes are not one float dtype.
    #[track_caller]
    pub fn grid_sample(&self, grid: &Var, options: GridSampleOptions) -> Result<Var> {
        let location = Location::caller();
        let refuse = |argument, value: String, expected| {
            Err(Error::Argument { op: "grid_sample", argument, value, expected, location })
        };
        let axes = self.rank().saturating_sub(2);
        if !(2..=3).contains(&axes) || self.shape()[2..].contains(&0) {
            let expected = "[N, C, H, W] or [N, C, D, H, W], at least 1 element in each plane";
            return refuse("the image", self.shape().to_string(), expected);
        }
        if grid.rank() != self.rank() || grid.size(0)? != self.size(0)? || grid.size(-1)? != axes {
            let expected = "[N, H', W', 2], or [N, D', H', W', 3], with the image's N";
            return refuse("the grid", format!("{} beside {}", grid.shape(), self.shape()), expected);
        }
        let taps = (0..axes)
            .map(|axis| {
                // The last axis is x, the grid's first number.
                let place = grid.select(-1, (axes - 1 - axis) as isize)?.flatten(1, -1)?;
                taps(&place, self.shape()[2 + axis], options)
            })
            .collect::<Result<Vec<_>>>()?;
        let image = self.flatten(2, -1)?;
        let mut sum: Option<Var> = None;
        for combination in combinations(&taps) {
            let part = read(&image, &self.shape()[2..], &combination)?;
            sum = Some(match sum {
                Some(sum) => sum.add(&part)?,
                None => part,
            });
        }
        let shape: Shape =
            self.shape()[..2].iter().chain(&grid.shape()[1..grid.rank() - 1]).copied().collect();
        match sum {
            Some(sum) => sum.view_as(&shape),
            None => Ok(Tensor::zeros(shape, self.dtype())?.into()),
        }
    }
}

/// The places `[N, P]` of one axis as taps.
fn taps(place: &Var, size: usize, options: GridSampleOptions) -> Result<Vec<Tap>> {
    let last = size as f64 - 1.0;
    let x = if options.align_corners {
        place.add_scalar(1.0)?.mul_scalar(last / 2.0)?
    } else {
        place.add_scalar(1.0)?.mul_scalar(size as f64)?.sub_scalar(1.0)?.div_scalar(2.0)?
    };
    let tap = |at: &Tensor, weight: Option<Var>| -> Result<Tap> {
        // A place without a number reads as outside.
        let inside = at.ge_scalar(0.0)?.logical_and(&at.le_scalar(last)?)?;
        let outside = inside.logical_not()?;
        let index = at.masked_fill(&outside, 0.0)?.to_dtype(DType::I64)?;
        Ok(Tap { index, outside: outside.any()?.then_some(outside), weight })
    };
    match options.mode {
        GridSampleMode::Nearest => {
            Ok(vec![tap(&padded(&x, size, options)?.value().round()?, None)?])
        }
        GridSampleMode::Bilinear => {
            let x = padded(&x, size, options)?;
            let low = x.value().floor()?;
            let beyond = x.sub(&low.clone().into())?;
            let before = beyond.neg()?.add_scalar(1.0)?;
            Ok(vec![tap(&low, Some(before))?, tap(&low.add_scalar(1.0)?, Some(beyond))?])
        }
        GridSampleMode::Bicubic => {
            let low = x.value().floor()?;
            let t = x.sub(&low.clone().into())?;
            (-1..3)
                .map(|step| {
                    let at = Var::from(low.add_scalar(f64::from(step))?);
                    let distance = t.sub_scalar(f64::from(step))?.abs()?;
                    tap(padded(&at, size, options)?.value(), Some(cubic(&distance, step == 0 || step == 1)?))
                })
                .collect()
        }
    }
}

/// Keys' cubic convolution with A = −0.75 at distances up to 1 (`near`) or from 1 to 2.
fn cubic(x: &Var, near: bool) -> Result<Var> {
    const A: f64 = -0.75;
    // ((c₃ x + c₂) x + c₁) x + c₀
    let [c3, c2, c1, c0] = if near { [A + 2.0, -(A + 3.0), 0.0, 1.0] } else { [A, -5.0 * A, 8.0 * A, -4.0 * A] };
    x.mul_scalar(c3)?.add_scalar(c2)?.mul(x)?.add_scalar(c1)?.mul(x)?.add_scalar(c0)
}

/// Places outside as places inside; those of `Zeros` stay.
fn padded(x: &Var, size: usize, options: GridSampleOptions) -> Result<Var> {
    let last = size as f64 - 1.0;
    let reflected = match options.padding_mode {
        GridSamplePadding::Zeros => return Ok(x.clone()),
        GridSamplePadding::Border => x.clone(),
        GridSamplePadding::Reflection => {
            // Mirrors stand at the centres of the outer elements, or at their outer edges.
            let (low, span) = if options.align_corners { (0.0, last) } else { (-0.5, size as f64) };
            if span == 0.0 { x.mul_scalar(0.0)? } else { reflect(x, low, span)? }
        }
    };
    reflected.clamp(Some(0.0), Some(last))
}

/// `x` mirrored at `low` and `low + span` until it is between them.
fn reflect(x: &Var, low: f64, span: f64) -> Result<Var> {
    let distance = x.sub_scalar(low)?.abs()?;
    let flips = distance.value().div_scalar(span)?.floor()?;
    let odd = flips.sub(&flips.div_scalar(2.0)?.floor()?.mul_scalar(2.0)?)?;
    let extra = distance.sub(&flips.mul_scalar(span)?.into())?;
    // extra, or span − extra after an odd number of flips.
    let sign = Var::from(odd.mul_scalar(-2.0)?.add_scalar(1.0)?);
    extra.mul(&sign)?.add(&odd.mul_scalar(span)?.add_scalar(low)?.into())
}

/// One tap of each axis, in every way.
fn combinations(taps: &[Vec<Tap>]) -> Vec<Vec<&Tap>> {
    let mut all = vec![Vec::new()];
    for axis in taps {
        let with = |tap| all.iter().map(move |known: &Vec<_>| known.iter().copied().chain([tap]).collect());
        all = axis.iter().flat_map(with).collect();
    }
    all
}

/// The elements of the image `[N, C, ..]` at one tap of each axis, times their weights: `[N, C, P]`.
fn read(image: &Var, sizes: &[usize], taps: &[&Tap]) -> Result<Var> {
    let mut index: Option<Tensor> = None;
    for (tap, &size) in taps.iter().zip(sizes) {
        index = Some(match index {
            Some(index) => index.mul_scalar(size as i64)?.add(&tap.index)?,
            None => tap.index.clone(),
        });
    }
    let Some(index) = index else { return Ok(image.clone()) };
    let shape = Shape::from([image.size(0)?, image.size(1)?, index.size(-1)?]);
    let mut read = image.gather(2, &index.unsqueeze(1)?.broadcast_to(&shape)?)?;
    let mut weight: Option<Var> = None;
    for w in taps.iter().filter_map(|tap| tap.weight.as_ref()) {
        weight = Some(match weight {
            Some(weight) => weight.mul(w)?,
            None => w.clone(),
        });
    }
    if let Some(weight) = weight {
        read = read.mul(&weight.unsqueeze(1)?)?;
    }
    for outside in taps.iter().filter_map(|tap| tap.outside.as_ref()) {
        read = read.masked_fill(&outside.unsqueeze(1)?, 0.0)?;
    }
    Ok(read)
}

pub(crate) const ROW: Row = Row {
    name: "grid_sample",
    sample: |s| {
        let axes = 2 + s.below(2);
        let n = s.below(3);
        let mut sizes = |first: usize| -> Vec<usize> { (0..axes).map(|_| first + s.below(3)).collect() };
        let (image, places) = (sizes(1), sizes(0));
        let channels = 1 + s.below(2);
        let image = s.distinct(&[n, channels].into_iter().chain(image).collect())?;
        let grid = s.tensor(&[n].into_iter().chain(places).chain([axes]).collect(), -1.6, 1.6)?;
        let options = GridSampleOptions {
            mode: match s.below(3) {
                0 => GridSampleMode::Nearest,
                1 => GridSampleMode::Bicubic,
                _ => GridSampleMode::Bilinear,
            },
            padding_mode: match s.below(3) {
                0 => GridSamplePadding::Zeros,
                1 => GridSamplePadding::Border,
                _ => GridSamplePadding::Reflection,
            },
            align_corners: s.one_in(2),
        };
        Ok(Sample::new(vec![image, grid], move |x| x[0].grid_sample(&x[1], options)))
    },
    order: 2,
};
