//! Larger and smaller images.

use crate::layers::size::Sizes;
use crate::{Layer, Module, Result};
use autograd::{InterpolateMode, InterpolateOptions, Resize, Shape, Var};

/// The size to make.
#[derive(Clone, Debug)]
enum Target {
    Size(Shape),
    Scale(Vec<f64>),
}

/// `[N, C, ..]` resampled to a size or by a factor: `nn.Upsample`; see [`Var::interpolate`].
///
/// ```
/// use nn::prelude::*;
/// use autograd::{DType, Tensor};
///
/// let images = Tensor::zeros([8, 3, 7, 9], DType::F32)?.into();
/// assert_eq!(Upsample::scale_factor([2.0]).forward(&images)?.shape().to_string(), "[8, 3, 14, 18]");
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Clone, Debug, Module)]
#[module(extra_repr = Self::settings)]
pub struct Upsample {
    #[module(skip)]
    target: Target,
    #[module(skip)]
    options: InterpolateOptions,
}

impl Upsample {
    /// To this size: one for all spatial dimensions, or one each.
    pub fn size(size: impl Sizes) -> Self {
        Self { target: Target::Size(size.sizes()), options: InterpolateOptions::default() }
    }

    /// By this factor: one for all spatial dimensions, or one each.
    pub fn scale_factor(scale_factor: impl Into<Vec<f64>>) -> Self {
        Self { target: Target::Scale(scale_factor.into()), options: InterpolateOptions::default() }
    }

    /// How; default the nearest element.
    pub fn mode(mut self, mode: InterpolateMode) -> Self {
        self.options.mode = mode;
        self
    }

    /// Whether the centres of the first and last elements stay in place, not the outer edges; for the linear modes and
    /// the bicubic one. Default false.
    pub fn align_corners(mut self, align_corners: bool) -> Self {
        self.options.align_corners = align_corners;
        self
    }

    /// Whether the ratio of the sizes replaces the given factor; default false.
    pub fn recompute_scale_factor(mut self, recompute_scale_factor: bool) -> Self {
        self.options.recompute_scale_factor = recompute_scale_factor;
        self
    }

    fn settings(&self) -> String {
        let target = match &self.target {
            Target::Size(size) => format!("size={size}"),
            Target::Scale(factor) => format!("scale_factor={factor:?}"),
        };
        format!("{target}, mode={:?}", self.options.mode)
    }
}

impl Layer for Upsample {
    fn compute(&self, x: &Var) -> Result<Var> {
        let resize = match &self.target {
            Target::Size(size) => Resize::Size(size),
            Target::Scale(factor) => Resize::Scale(factor),
        };
        Ok(x.interpolate(resize, self.options)?)
    }
}
