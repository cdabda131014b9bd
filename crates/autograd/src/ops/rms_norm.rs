//! `y = x / √(mean(x²) + eps) · weight` over trailing dimensions; rule and derivation are those of layer norm.

use super::layer_norm::{Norm, sample};
use crate::op::apply;
use crate::testing::Row;
use crate::{Result, Shape, Var};

impl Var {
    /// `x / √(mean(x²) + eps) · weight` over the trailing dimensions `normalized_shape`:
    /// `torch.nn.functional.rms_norm` (eps there by default: the dtype's epsilon).
    ///
    /// # Errors
    /// If the shapes do not fit or the dtypes are not one float dtype.
    #[track_caller]
    pub fn rms_norm(
        &self,
        normalized_shape: impl AsRef<[usize]>,
        weight: Option<&Var>,
        eps: f64,
    ) -> Result<Var> {
        let normalized_shape = Shape::new(normalized_shape.as_ref());
        let op = Norm { rms: true, normalized_shape, weight: weight.is_some(), bias: false, eps };
        let inputs: Vec<&Var> = [Some(self), weight].into_iter().flatten().collect();
        apply(op, &inputs)
    }
}

pub(crate) const ROW: Row = Row { name: "rms_norm", sample: |s| sample(s, true), order: 2 };
