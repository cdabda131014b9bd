//! The gradients of batch norm: of weight and bias as sums over each channel, then of the input.

use super::super::lanes;
use super::super::math::Float;
use super::super::parallel::map_rows;
use super::super::simd::{Isa, Kernel, dispatch};
use super::{Affine, Channels, Geometry, apply};

/// Gradients of the channels' scale and shift.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ChannelGradient {
    /// Sum of `g * (x - mean) * rstd`.
    pub(crate) weight: Vec<f64>,
    /// Sum of `g`.
    pub(crate) bias: Vec<f64>,
}

/// The gradients of weight and bias.
pub(crate) fn batch_norm_channel_gradient<F: Float>(
    g: &[F],
    x: &[F],
    geometry: Geometry,
    channels: Channels<F>,
) -> ChannelGradient {
    let zeros =
        || ChannelGradient { weight: vec![0.0; geometry.channels], bias: vec![0.0; geometry.channels] };
    let block = |first: usize, ()| {
        let last = (first + geometry.block()).min(geometry.images());
        let range = first * geometry.image()..last * geometry.image();
        let mut sums = zeros();
        dispatch(PlaneSums {
            g: &g[range.clone()],
            x: &x[range],
            geometry,
            mean: channels.mean,
            sums: &mut sums,
        });
        sums
    };
    let add = |mut left: ChannelGradient, right: ChannelGradient| {
        lanes::add(&mut left.weight, &right.weight);
        lanes::add(&mut left.bias, &right.bias);
        left
    };
    let Some(mut sums) = map_rows((), geometry.images(), geometry.block(), block, add) else {
        return zeros();
    };
    sums.weight.iter_mut().zip(channels.rstd).for_each(|(weight, rstd)| *weight *= rstd);
    sums
}

struct PlaneSums<'a, F> {
    g: &'a [F],
    x: &'a [F],
    geometry: Geometry,
    mean: &'a [f64],
    sums: &'a mut ChannelGradient,
}

impl<F: Float> Kernel for PlaneSums<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let image = self.geometry.image().max(1);
        let len = self.geometry.len;
        for (g, x) in self.g.chunks_exact(image).zip(self.x.chunks_exact(image)) {
            let sums = self.sums.weight.iter_mut().zip(&mut self.sums.bias).zip(self.mean);
            if len == 1 {
                for (((weight, bias), mean), (g, x)) in sums.zip(g.iter().zip(x)) {
                    *weight += g.to_f64() * (x.to_f64() - mean);
                    *bias += g.to_f64();
                }
            } else {
                let planes = g.chunks_exact(len).zip(x.chunks_exact(len));
                for (((weight, bias), &mean), (g, x)) in sums.zip(planes) {
                    let mean = F::from_f64(mean);
                    *weight += lanes::sum2(g, x, |g, x| g * (x - mean)).to_f64();
                    *bias += lanes::sum(g, |g| g).to_f64();
                }
            }
        }
    }
}

/// The gradient of the input when mean and variance are those of the batch:
/// `dx = weight * rstd * (g - mean(g) - n * mean(g * n))` with `n = (x - mean) * rstd`; `sums` are the gradients of
/// weight and bias.
pub(crate) fn batch_norm_input_gradient<F: Float>(
    g: &[F],
    x: &[F],
    geometry: Geometry,
    channels: Channels<F>,
    sums: &ChannelGradient,
    dx: &mut [F],
) {
    let count = (geometry.batch * geometry.len) as f64;
    let affine = |c: usize| {
        let (mean, scale) = channels.scale(c);
        let slope = -scale * channels.rstd[c] * sums.weight[c] / count;
        let shift = -scale * sums.bias[c] / count;
        Affine { mean, slope: F::from_f64(slope), scale: F::from_f64(scale), shift: F::from_f64(shift) }
    };
    apply(x, Some(g), geometry, affine, dx);
}

/// The gradient of the input when mean and variance are given: `dx = g * weight * rstd`.
pub(crate) fn batch_norm_input_gradient_eval<F: Float>(
    g: &[F],
    geometry: Geometry,
    channels: Channels<F>,
    dx: &mut [F],
) {
    let affine = |c: usize| {
        let slope = F::from_f64(channels.scale(c).1);
        Affine { mean: F::ZERO, slope, scale: F::ZERO, shift: F::ZERO }
    };
    apply(g, None, geometry, affine, dx);
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{assert_close, narrow};
    use super::super::tests::{Data, SIZES};
    use super::super::{batch_norm, moments};
    use super::*;

    /// `y = weight * n + bias` summed against `g`, as a function of the input: its differences are the gradient.
    fn objective(data: &Data, x: &[f64]) -> f64 {
        let moments = moments(x, data.geometry);
        let rstd = moments.rstd(1e-5);
        let channels = Channels { mean: &moments.mean, rstd: &rstd, weight: Some(&data.weight[..]) };
        let mut y = vec![0.0; x.len()];
        batch_norm(x, data.geometry, channels, Some(&data.bias), &mut y);
        y.iter().zip(&data.g).map(|(y, g)| y * g).sum()
    }

    #[test]
    fn gradients_follow_the_definition() {
        for data in SIZES.map(Data::new) {
            let moments = moments(&data.x, data.geometry);
            let rstd = moments.rstd(1e-5);
            let channels = Channels { mean: &moments.mean, rstd: &rstd, weight: Some(&data.weight[..]) };
            let sums = batch_norm_channel_gradient(&data.g, &data.x, data.geometry, channels);
            for c in 0..data.geometry.channels {
                let (mean, rstd) = (moments.mean[c], rstd[c]);
                let weight: f64 = data.channel(c).map(|i| data.g[i] * (data.x[i] - mean) * rstd).sum();
                let bias: f64 = data.channel(c).map(|i| data.g[i]).sum();
                assert_close(&[sums.weight[c], sums.bias[c]], &[weight, bias], 1e-9, 1e-10);
            }
            let mut dx = vec![9.0; data.x.len()];
            batch_norm_input_gradient(&data.g, &data.x, data.geometry, channels, &sums, &mut dx);
            for i in (0..dx.len()).step_by(1 + dx.len() / 20) {
                let shifted = |by: f64| {
                    let mut x = data.x.clone();
                    x[i] += by;
                    objective(&data, &x)
                };
                let want = (shifted(1e-4) - shifted(-1e-4)) / 2e-4;
                assert_close(&[dx[i]], &[want], 1e-5, 1e-5);
            }
            let mut eval = vec![9.0; data.x.len()];
            batch_norm_input_gradient_eval(&data.g, data.geometry, channels, &mut eval);
            for c in 0..data.geometry.channels {
                let scale = rstd[c] * data.weight[c];
                data.channel(c).for_each(|i| assert_close(&[eval[i]], &[data.g[i] * scale], 1e-12, 0.0));
            }
            let (x, g, weight) = (narrow(&data.x), narrow(&data.g), narrow(&data.weight));
            let channels = Channels { mean: &moments.mean, rstd: &rstd, weight: Some(&weight[..]) };
            let sums = batch_norm_channel_gradient(&g, &x, data.geometry, channels);
            let mut dx32 = vec![9.0; x.len()];
            batch_norm_input_gradient(&g, &x, data.geometry, channels, &sums, &mut dx32);
            assert_close(&dx32, &dx, 1e-3, 1e-4);
        }
    }
}
