//! Interpolation of the spatial dimensions to other sizes, one dimension after the other.

use crate::kernel::resample::{Run, Taps};
use crate::ops::avg_pool::means;
use crate::ops::resample::{Resampling, room};
use crate::{DType, Error, ErrorKind, Result, Tensor};

/// How [`Tensor::interpolate`] finds values between elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum InterpolateMode {
    /// The element at ⌊i · scale⌋.
    #[default]
    Nearest,
    /// The element at ⌊(i + ½) · scale⌋: `'nearest-exact'`.
    NearestExact,
    /// On the line between two neighbours, for `[N, C, L]`.
    Linear,
    /// `Linear` in both dimensions of `[N, C, H, W]`.
    Bilinear,
    /// `Linear` in the three dimensions of `[N, C, D, H, W]`.
    Trilinear,
    /// Cubic convolution with A = −0.75 over four neighbours in both dimensions of `[N, C, H, W]`.
    Bicubic,
    /// The mean over an even part: [`Tensor::adaptive_avg_pool2d`].
    Area,
}

/// The size that [`Tensor::interpolate`] makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Resize<'a> {
    /// Of each spatial dimension, or one for all.
    Size(&'a [usize]),
    /// ⌊size · factor⌋ with a factor for each spatial dimension, or one for all.
    Scale(&'a [f64]),
}

/// Keywords of `torch.nn.functional.interpolate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct InterpolateOptions {
    /// Default `Nearest`.
    pub mode: InterpolateMode,
    /// Whether the centres of the first and last elements stay in place, not the outer edges; for the linear modes and
    /// `Bicubic`. Default false.
    pub align_corners: bool,
    /// Whether the ratio of the sizes replaces the given factor, which is another one where the size was rounded.
    /// Default false.
    pub recompute_scale_factor: bool,
}

impl InterpolateMode {
    /// PyTorch's name.
    fn name(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::NearestExact => "nearest-exact",
            Self::Linear => "linear",
            Self::Bilinear => "bilinear",
            Self::Trilinear => "trilinear",
            Self::Bicubic => "bicubic",
            Self::Area => "area",
        }
    }

    /// Whether the mode is for `rank` spatial dimensions.
    fn fits(self, rank: usize) -> bool {
        match self {
            Self::Linear => rank == 1,
            Self::Bilinear | Self::Bicubic => rank == 2,
            Self::Trilinear => rank == 3,
            Self::Nearest | Self::NearestExact | Self::Area => (1..=3).contains(&rank),
        }
    }
}

const OP: &str = "interpolate";

#[track_caller]
fn refused<T>(argument: &'static str, value: String, expected: &'static str) -> Result<T> {
    Err(Error::new(OP, ErrorKind::Argument { argument, value, expected }))
}

/// One value of `values` for each of `rank` dimensions.
#[track_caller]
fn each<T: Copy + std::fmt::Debug>(argument: &'static str, values: &[T], rank: usize) -> Result<Vec<T>> {
    match *values {
        [one] => Ok(vec![one; rank]),
        _ if values.len() == rank => Ok(values.to_vec()),
        _ => refused(argument, format!("{values:?}"), "one number, or one for each spatial dimension"),
    }
}

impl Resampling {
    /// The interpolation of inputs of the shape and dtype of `x`: see [`Tensor::interpolate`].
    ///
    /// # Errors
    /// If the shape, a size or an option does not fit.
    #[track_caller]
    pub fn interpolate(x: &Tensor, resize: Resize, options: InterpolateOptions) -> Result<Self> {
        let InterpolateOptions { mode, align_corners, recompute_scale_factor } = options;
        let (x, single) = (x.shape(), x.dtype() != DType::F64);
        let sizes = match **x {
            [_, _, ref sizes @ ..] if mode.fits(sizes.len()) && !sizes.contains(&0) => sizes,
            _ => {
                let (found, expected) =
                    (x.clone(), format!("[N, C, ..] for mode {:?}, no size of 0", mode.name()));
                return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "input", found, expected }));
            }
        };
        if align_corners
            && matches!(
                mode,
                InterpolateMode::Nearest | InterpolateMode::NearestExact | InterpolateMode::Area
            )
        {
            return refused("align_corners", "true".to_string(), "false for this mode");
        }
        let (outputs, factors) = match resize {
            Resize::Size(outputs) => (each("size", outputs, sizes.len())?, vec![None; sizes.len()]),
            Resize::Scale(factors) => {
                let factors = each("scale_factor", factors, sizes.len())?;
                let outputs = sizes.iter().zip(&factors).map(|(&n, factor)| (n as f64 * factor) as usize);
                let known = |factor| if recompute_scale_factor { None } else { Some(factor) };
                (outputs.collect(), factors.into_iter().map(known).collect())
            }
        };
        if outputs.contains(&0) {
            return refused("the size", format!("{outputs:?}"), "at least 1 in each dimension");
        }
        let mut taps = Vec::with_capacity(sizes.len());
        for ((&input, output), factor) in sizes.iter().zip(outputs).zip(factors) {
            let line = Line { input, output, factor, align_corners, single };
            taps.push(line.taps(mode)?);
        }
        Ok(Self::new(OP, x, taps))
    }
}

/// One dimension.
#[derive(Clone, Copy)]
struct Line {
    input: usize,
    output: usize,
    /// The given scale factor, output to input.
    factor: Option<f64>,
    align_corners: bool,
    /// Whether PyTorch computes places in f32: for all dtypes but f64.
    single: bool,
}

impl Line {
    /// The matrix, None for that of ones on the diagonal.
    #[track_caller]
    fn taps(self, mode: InterpolateMode) -> Result<Option<Taps>> {
        use InterpolateMode::{Area, Bicubic, Bilinear, Linear, Nearest, NearestExact, Trilinear};
        let Self { input, output, .. } = self;
        // The other two modes shift by a factor that was rounded away.
        if input == output && !matches!(mode, NearestExact | Bicubic) {
            return Ok(None);
        }
        Ok(Some(match mode {
            Area => means(OP, input, output)?,
            Nearest => self.rows(|i| [(self.nearest(i, false), 1.0)])?,
            NearestExact => self.rows(|i| [(self.nearest(i, true), 1.0)])?,
            Linear | Bilinear | Trilinear => self.rows(|i| {
                let (at, t) = self.split(self.source(i).max(0.0));
                [(self.inside(at), 1.0 - t), (self.inside(at + 1), t)]
            })?,
            Bicubic => self.rows(|i| -> [_; 4] {
                let (at, t) = self.split(self.source(i));
                let weights = cubic(t);
                std::array::from_fn(|k| (self.inside(at + k as isize - 1), weights[k]))
            })?,
        }))
    }

    /// A matrix whose row i has the entries `row(i)`.
    #[track_caller]
    fn rows<const K: usize>(self, row: impl Fn(usize) -> [(usize, f64); K]) -> Result<Taps> {
        let mut taps = room(OP, self.input, self.output, K)?;
        for i in 0..self.output {
            taps.push(row(i).map(|(start, weight)| Run { start, len: 1, weight }));
        }
        Ok(taps)
    }

    /// Elements of the input to one of the output.
    fn step(self) -> f64 {
        match self.factor {
            _ if self.align_corners && self.output == 1 => 0.0,
            _ if self.align_corners => (self.input - 1) as f64 / (self.output - 1) as f64,
            Some(factor) => 1.0 / factor,
            None => self.input as f64 / self.output as f64,
        }
    }

    /// The element of a `Nearest` mode. Rounded step by step as PyTorch does, since another rounding would now and then
    /// pick another element: scale and place in the dtype (half precision in f32), the floor in f32.
    fn nearest(self, i: usize, exact: bool) -> usize {
        let round = |x: f64| if self.single { f64::from(x as f32) } else { x };
        let step = round(self.step());
        let place =
            if exact { round(round((i as f64 + 0.5) * step - 0.5) + 0.5) } else { round(i as f64 * step) };
        (place as f32 as usize).min(self.input - 1)
    }

    /// Where output i lies in the input.
    fn source(self, i: usize) -> f64 {
        if self.align_corners { i as f64 * self.step() } else { (i as f64 + 0.5) * self.step() - 0.5 }
    }

    /// The place at or before `source`, and the distance to it as a part of 1.
    fn split(self, source: f64) -> (isize, f64) {
        let at = source.floor().min((self.input - 1) as f64);
        (at as isize, (source - at).clamp(0.0, 1.0))
    }

    /// The nearest element.
    fn inside(self, at: isize) -> usize {
        at.clamp(0, self.input as isize - 1) as usize
    }
}

/// The weights of the elements 1 before, at, 1 and 2 after, for a place `t` beyond the second (Keys, 1981).
fn cubic(t: f64) -> [f64; 4] {
    const A: f64 = -0.75;
    let near = |x: f64| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f64| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)]
}

impl Tensor {
    /// The spatial dimensions of `[N, C, ..]` in other sizes: `torch.nn.functional.interpolate`, without `antialias`.
    ///
    /// # Errors
    /// If the shape, a size or an option does not fit the mode, or the dtype is not floating-point.
    ///
    /// ```
    /// use tensor_core::{InterpolateMode, InterpolateOptions, Resize, Tensor};
    /// let x = Tensor::from_vec(vec![0.0f32, 4.0], [1, 1, 2])?;
    /// let y = x.interpolate(Resize::Size(&[4]), InterpolateOptions { mode: InterpolateMode::Linear, ..Default::default() })?;
    /// assert_eq!(y.to_vec::<f32>()?, [0.0, 1.0, 3.0, 4.0]);
    /// let y = x.interpolate(Resize::Scale(&[2.0]), InterpolateOptions::default())?;
    /// assert_eq!(y.to_vec::<f32>()?, [0.0, 0.0, 4.0, 4.0]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn interpolate(&self, resize: Resize, options: InterpolateOptions) -> Result<Tensor> {
        self.resample(&Resampling::interpolate(self, resize, options)?)
    }
}
