//! The largest element under each window, sliding or of an even cover; its place takes the whole gradient, the first of
//! equal ones.

use crate::op::{Context, Forward, Grads, Op, apply, apply_array};
use crate::testing::{Row, Sample, Sampler};
use crate::{MaxPoolOptions, Result, Shape, Var};
use tensor_core::{MaxPooling, Tensor};

struct MaxPool(MaxPooling);

impl Op for MaxPool {
    fn name(&self) -> &'static str {
        self.0.op()
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let (y, indices) = inputs[0].max_pool(&self.0)?;
        Ok(Forward::many([y, indices.clone()]).with_extra(indices))
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let scatter = Scatter { indices: ctx.extra(0).clone(), pooling: self.0.clone() };
        Ok(Grads::from_iter([Some(apply(scatter, &[ctx.grad()])?)]))
    }
}

/// Each element put at its index among zeros.
struct Scatter {
    indices: Tensor,
    pooling: MaxPooling,
}

impl Op for Scatter {
    fn name(&self) -> &'static str {
        "max_pool_scatter"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].max_pool_backward(&self.indices, &self.pooling)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let first = -(self.pooling.rank() as isize);
        let places = self.indices.flatten(first, -1)?;
        let picked = ctx.grad().flatten(first, -1)?.gather(-1, &places)?;
        Ok(Grads::from_iter([Some(picked.view_as(self.indices.shape())?)]))
    }
}

#[track_caller]
fn max_pool(x: &Var, pooling: MaxPooling) -> Result<(Var, Tensor)> {
    let [y, indices] = apply_array(MaxPool(pooling), &[x])?;
    Ok((y, indices.detach()))
}

/// The methods of one name: the values, and the values with indices.
macro_rules! methods {
    ($($name:ident, $with_indices:ident, $argument:ident: $t:ty => $pooling:expr, $input:literal;)*) => {
        impl Var {
            $(
                #[doc = concat!("`torch.nn.functional.", stringify!($name), "` of ", $input, "; see")]
                #[doc = concat!("[`Tensor::", stringify!($name), "`]. NaN is the largest.")]
                ///
                /// # Errors
                /// If the shape or an option does not fit, or the dtype is not floating-point.
                #[track_caller]
                pub fn $name(&self, $argument: $t) -> Result<Var> {
                    Ok(self.$with_indices($argument)?.0)
                }

                #[doc = concat!("[`", stringify!($name), "`](Var::", stringify!($name), ") with the index (i64) of each")]
                /// largest element among those of the pooled dimensions.
                ///
                /// # Errors
                #[doc = concat!("As for `", stringify!($name), "`.")]
                #[track_caller]
                pub fn $with_indices(&self, $argument: $t) -> Result<(Var, Tensor)> {
                    max_pool(self, $pooling(self.shape(), $argument)?)
                }
            )*
        }
    };
}

methods! {
    max_pool1d, max_pool1d_with_indices, options: MaxPoolOptions<1> => MaxPooling::sliding, "`[N, C, L]` or `[C, L]`";
    max_pool2d, max_pool2d_with_indices, options: MaxPoolOptions => MaxPooling::sliding,
        "`[N, C, H, W]` or `[C, H, W]`";
    max_pool3d, max_pool3d_with_indices, options: MaxPoolOptions<3> => MaxPooling::sliding,
        "`[N, C, D, H, W]` or `[C, D, H, W]`";
    adaptive_max_pool1d, adaptive_max_pool1d_with_indices, output: usize
        => |x, output| MaxPooling::adaptive(x, [Some(output)]), "`[N, C, L]` or `[C, L]`";
    adaptive_max_pool2d, adaptive_max_pool2d_with_indices, output: [Option<usize>; 2] => MaxPooling::adaptive,
        "`[N, C, H, W]` or `[C, H, W]`";
    adaptive_max_pool3d, adaptive_max_pool3d_with_indices, output: [Option<usize>; 3] => MaxPooling::adaptive,
        "`[N, C, D, H, W]` or `[C, D, H, W]`";
}

pub(crate) const ROW: Row = Row {
    name: "max_pool",
    sample: |s| match s.below(6) {
        0 => sliding::<1>(s, Var::max_pool1d),
        1 | 2 => sliding::<2>(s, Var::max_pool2d),
        3 => sliding::<3>(s, Var::max_pool3d),
        _ => adaptive(s),
    },
    order: 2,
};

fn sliding<const N: usize>(s: &mut Sampler, method: fn(&Var, MaxPoolOptions<N>) -> Result<Var>) -> Result<Sample> {
    let mut draw = |low: usize, high: usize| [(); N].map(|()| low + s.below(high - low + 1));
    let (kernel, stride, dilation, extra) = (draw(1, 3), draw(1, 3), draw(1, 2), draw(0, 2));
    let reach: [usize; N] = std::array::from_fn(|d| (kernel[d] - 1) * dilation[d] + 1);
    let padding = reach.map(|reach| s.below(reach / 2 + 1));
    let ceil_mode = s.one_in(2);
    let lead = [s.below(3), 2];
    let sizes = (0..N).map(|d| reach[d] + extra[d]);
    let shape: Shape = lead[s.below(2)..].iter().copied().chain(sizes).collect();
    let x = s.distinct(&shape)?;
    let options = MaxPoolOptions { kernel, stride, padding, dilation, ceil_mode };
    Ok(Sample::new(vec![x], move |x| method(&x[0], options)))
}

fn adaptive(s: &mut Sampler) -> Result<Sample> {
    let shape: Shape = [s.below(3), 2, s.size(), s.size(), s.size()][..3 + s.below(3)].iter().copied().collect();
    let x = s.distinct(&shape)?;
    let ([a, b], last) = ([s.size(), s.size()], if s.one_in(3) { None } else { Some(s.size()) });
    Ok(Sample::new(vec![x], move |x| match x[0].rank() {
        3 => x[0].adaptive_max_pool1d(a),
        4 => x[0].adaptive_max_pool2d([Some(a), last]),
        _ => x[0].adaptive_max_pool3d([Some(a), Some(b), last]),
    }))
}
