//! Batch norm over planes `[N, C, L]`, each channel over its `N × L` elements; its gradients are in `gradient.rs`.
//!
//! `y = (x - mean) * rstd * weight + bias` with `rstd = 1 / sqrt(var + eps)`. In training mean and biased variance are
//! those of the batch, in evaluation they are given. Sums over the batch are f64 whatever the element type.

pub(crate) mod gradient;

use super::lanes;
use super::math::Float;
use super::parallel::{Matrix, for_each_rows, map_rows, rows_per_task};
use super::simd::{Isa, Kernel, dispatch};

/// Sizes of the data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    /// Images.
    pub(crate) batch: usize,
    /// Channels.
    pub(crate) channels: usize,
    /// Elements of a plane; 1 for data without spatial dimensions.
    pub(crate) len: usize,
}

/// Most blocks of images that are summed apart.
const MAX_BLOCKS: usize = 64;

impl Geometry {
    fn image(&self) -> usize {
        self.channels * self.len
    }

    /// Images with elements: of empty ones there may be more than could be counted one by one.
    fn images(&self) -> usize {
        if self.image() == 0 { 0 } else { self.batch }
    }

    /// Images of a block.
    fn block(&self) -> usize {
        rows_per_task(self.image()).max(self.images().div_ceil(MAX_BLOCKS))
    }
}

/// Mean and spread of each channel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Moments {
    /// Elements of a channel.
    pub(crate) count: f64,
    /// Mean of each channel.
    pub(crate) mean: Vec<f64>,
    /// Sum of the squared distances from the mean; over `count` it is the biased variance that norms, over
    /// `count - 1` the unbiased one that the running variance takes.
    pub(crate) squares: Vec<f64>,
}

impl Moments {
    /// The moments of both parts together (Chan, Golub and LeVeque, 1979).
    fn join(mut self, other: Self) -> Self {
        let count = self.count + other.count;
        let share = if count > 0.0 { other.count / count } else { 0.0 };
        for (i, (mean, squares)) in self.mean.iter_mut().zip(&mut self.squares).enumerate() {
            let distance = other.mean[i] - *mean;
            *squares += other.squares[i] + distance * distance * (self.count * share);
            *mean += distance * share;
        }
        Self { count, ..self }
    }

    /// The biased variance plus `eps`, inverse root.
    pub(crate) fn rstd(&self, eps: f64) -> Vec<f64> {
        self.squares.iter().map(|squares| 1.0 / (squares / self.count + eps).sqrt()).collect()
    }
}

/// Mean and spread of each channel: each plane in two passes, planes joined in a fixed order.
pub(crate) fn moments<F: Float>(x: &[F], geometry: Geometry) -> Moments {
    let (batch, channels) = (geometry.images(), geometry.channels);
    let zeros = || Moments { count: 0.0, mean: vec![0.0; channels], squares: vec![0.0; channels] };
    let block = |first: usize, ()| {
        let last = (first + geometry.block()).min(batch);
        let mut moments = zeros();
        let x = &x[first * geometry.image()..last * geometry.image()];
        dispatch(PlaneMoments { x, geometry, moments: &mut moments });
        moments
    };
    map_rows((), batch, geometry.block(), block, Moments::join).unwrap_or_else(zeros)
}

struct PlaneMoments<'a, F> {
    x: &'a [F],
    geometry: Geometry,
    moments: &'a mut Moments,
}

impl<F: Float> Kernel for PlaneMoments<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Geometry { len, .. } = self.geometry;
        let Moments { count, mean, squares } = self.moments;
        let plane = len as f64;
        for image in self.x.chunks_exact(self.geometry.image().max(1)) {
            // What the new plane weighs in the mean, and what the distance of the means weighs in the spread.
            let share = plane / (*count + plane);
            let between = *count * share;
            let channels = mean.iter_mut().zip(squares.iter_mut());
            if len == 1 {
                for ((mean, squares), x) in channels.zip(image) {
                    let distance = x.to_f64() - *mean;
                    *squares += distance * distance * between;
                    *mean += distance * share;
                }
            } else {
                for ((mean, squares), x) in channels.zip(image.chunks_exact(len)) {
                    let own = lanes::sum(x, |x| x) / F::from_f64(plane);
                    let spread = lanes::sum(x, |x| (x - own) * (x - own));
                    let distance = own.to_f64() - *mean;
                    *squares += spread.to_f64() + distance * distance * between;
                    *mean += distance * share;
                }
            }
            *count += plane;
        }
    }
}

/// What norms a channel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Channels<'a, F> {
    /// Mean of each channel.
    pub(crate) mean: &'a [f64],
    /// Inverse root of variance plus eps of each channel.
    pub(crate) rstd: &'a [f64],
    /// Factor of each channel, 1 when absent.
    pub(crate) weight: Option<&'a [F]>,
}

impl<F: Float> Channels<'_, F> {
    /// Mean, and `rstd * weight`.
    #[inline(always)]
    fn scale(&self, channel: usize) -> (F, f64) {
        let weight = self.weight.map_or(1.0, |weight| weight[channel].to_f64());
        (F::from_f64(self.mean[channel]), self.rstd[channel] * weight)
    }
}

/// `y = (x - mean) * rstd * weight + bias`.
pub(crate) fn batch_norm<F: Float>(
    x: &[F],
    geometry: Geometry,
    channels: Channels<F>,
    bias: Option<&[F]>,
    y: &mut [F],
) {
    let affine = |c: usize| {
        let (mean, scale) = channels.scale(c);
        Affine {
            mean,
            slope: F::from_f64(scale),
            scale: F::ZERO,
            shift: bias.map_or(F::ZERO, |bias| bias[c]),
        }
    };
    apply(x, None, geometry, affine, y);
}

/// What is done to the elements of a channel: `(x - mean) * slope + (g * scale + shift)`.
#[derive(Clone, Copy)]
struct Affine<F> {
    mean: F,
    slope: F,
    scale: F,
    shift: F,
}

impl<F: Float> Affine<F> {
    #[inline(always)]
    fn one<I: Isa>(self, x: F) -> F {
        (x - self.mean).fma::<I>(self.slope, self.shift)
    }

    #[inline(always)]
    fn two<I: Isa>(self, x: F, g: F) -> F {
        (x - self.mean).fma::<I>(self.slope, g.fma::<I>(self.scale, self.shift))
    }
}

/// Writes `affine` of each channel, with `g` or without.
fn apply<F: Float>(
    x: &[F],
    g: Option<&[F]>,
    geometry: Geometry,
    affine: impl Fn(usize) -> Affine<F>,
    out: &mut [F],
) {
    // Made once: a number of scalars for each channel.
    let affine: Vec<Affine<F>> = (0..geometry.channels).map(affine).collect();
    let image = geometry.image();
    for_each_rows(Matrix(out, image), geometry.images(), rows_per_task(image), |first, Matrix(out, _)| {
        let range = first * image..first * image + out.len();
        let g = g.map(|g| &g[range.clone()]);
        dispatch(Apply { x: &x[range], g, len: geometry.len, affine: &affine, out });
    });
}

struct Apply<'a, F> {
    x: &'a [F],
    g: Option<&'a [F]>,
    len: usize,
    affine: &'a [Affine<F>],
    out: &'a mut [F],
}

impl<F: Float> Kernel for Apply<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { len, affine, .. } = self;
        let image = (len * affine.len()).max(1);
        for (i, (x, out)) in self.x.chunks_exact(image).zip(self.out.chunks_exact_mut(image)).enumerate() {
            let g = self.g.map(|g| &g[i * image..(i + 1) * image]);
            match (g, len) {
                (None, 1) => {
                    for ((out, &x), affine) in out.iter_mut().zip(x).zip(affine) {
                        *out = affine.one::<I>(x);
                    }
                }
                (Some(g), 1) => {
                    for (((out, &x), &g), affine) in out.iter_mut().zip(x).zip(g).zip(affine) {
                        *out = affine.two::<I>(x, g);
                    }
                }
                (None, _) => {
                    for ((out, x), affine) in out.chunks_exact_mut(len).zip(x.chunks_exact(len)).zip(affine) {
                        lanes::map(x, out, |x| affine.one::<I>(x));
                    }
                }
                (Some(g), _) => {
                    let planes = x.chunks_exact(len).zip(g.chunks_exact(len));
                    for ((out, (x, g)), affine) in out.chunks_exact_mut(len).zip(planes).zip(affine) {
                        lanes::map2(x, g, out, |x, g| affine.two::<I>(x, g));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::testing::{assert_close, narrow, noise, same_bits_for_threads};
    use super::gradient::{batch_norm_channel_gradient, batch_norm_input_gradient};
    use super::*;

    pub(super) const SIZES: [(usize, usize, usize); 7] =
        [(1, 1, 1), (4, 3, 1), (200, 130, 1), (2, 3, 7), (3, 5, 33), (70, 4, 784), (0, 3, 4)];

    pub(super) struct Data {
        pub(super) geometry: Geometry,
        pub(super) x: Vec<f64>,
        pub(super) g: Vec<f64>,
        pub(super) weight: Vec<f64>,
        pub(super) bias: Vec<f64>,
    }

    impl Data {
        /// A mean far from 0, where a one-pass variance would fail.
        pub(super) fn new((batch, channels, len): (usize, usize, usize)) -> Self {
            let rounded = |x: Vec<f64>| x.iter().map(|&x| f64::from(x as f32)).collect::<Vec<_>>();
            let count = batch * channels * len;
            let x = noise(count, 1).iter().map(|x| x + 50.0).collect();
            Self {
                geometry: Geometry { batch, channels, len },
                x: rounded(x),
                g: rounded(noise(count, 2)),
                weight: rounded(noise(channels, 3)),
                bias: rounded(noise(channels, 4)),
            }
        }

        /// The indices of a channel.
        pub(super) fn channel(&self, c: usize) -> impl Iterator<Item = usize> + Clone + use<> {
            let Geometry { batch, channels, len } = self.geometry;
            (0..batch).flat_map(move |n| (0..len).map(move |i| (n * channels + c) * len + i))
        }
    }

    /// Mean and sum of squared distances of each channel, from the definition.
    fn naive_moments(data: &Data) -> (Vec<f64>, Vec<f64>) {
        (0..data.geometry.channels)
            .map(|c| {
                let count = data.channel(c).count() as f64;
                let mean = data.channel(c).map(|i| data.x[i]).sum::<f64>() / count;
                (mean, data.channel(c).map(|i| (data.x[i] - mean).powi(2)).sum::<f64>())
            })
            .unzip()
    }

    #[test]
    fn moments_and_forward_follow_the_definition() {
        for data in SIZES.map(Data::new) {
            let (mean, squares) = naive_moments(&data);
            let got = moments(&data.x, data.geometry);
            let count = data.geometry.batch * data.geometry.len;
            assert_eq!(got.count, count as f64);
            if count == 0 {
                assert_eq!(got.mean, [0.0; 3]);
                continue;
            }
            assert_close(&got.mean, &mean, 1e-13, 0.0);
            assert_close(&got.squares, &squares, 1e-10, 1e-18);
            let rstd = got.rstd(1e-5);
            let mut want = vec![0.0; data.x.len()];
            for c in 0..data.geometry.channels {
                let rstd = 1.0 / (squares[c] / count as f64 + 1e-5).sqrt();
                data.channel(c)
                    .for_each(|i| want[i] = (data.x[i] - mean[c]) * rstd * data.weight[c] + data.bias[c]);
            }
            let mut y = vec![9.0; data.x.len()];
            let channels = Channels { mean: &got.mean, rstd: &rstd, weight: Some(&data.weight[..]) };
            batch_norm(&data.x, data.geometry, channels, Some(&data.bias), &mut y);
            assert_close(&y, &want, 1e-10, 1e-10);

            let x = narrow(&data.x);
            let got = moments(&x, data.geometry);
            assert_close(&got.mean, &mean, 1e-6, 0.0);
            assert_close(&got.squares, &squares, 1e-4, 1e-6);
            let (mut y, weight, bias) = (vec![9.0; x.len()], narrow(&data.weight), narrow(&data.bias));
            let channels = Channels { mean: &got.mean, rstd: &rstd, weight: Some(&weight[..]) };
            batch_norm(&x, data.geometry, channels, Some(&bias), &mut y);
            assert_close(&y, &want, 1e-4, 1e-3);
        }
    }

    #[test]
    fn nan_stays_in_its_channel() {
        let geometry = Geometry { batch: 2, channels: 2, len: 2 };
        let x = [1.0f32, 2.0, f32::NAN, 4.0, 5.0, 6.0, f32::INFINITY, 8.0];
        let moments = moments(&x, geometry);
        assert_eq!((moments.mean[0], moments.squares[0]), (3.5, 17.0));
        assert!(moments.mean[1].is_nan() && moments.squares[1].is_nan());
    }

    #[test]
    fn same_bits_for_any_number_of_threads() {
        for (batch, channels, len) in [(300, 3, 113), (3000, 70, 1)] {
            let geometry = Geometry { batch, channels, len };
            let (x, g) =
                (narrow(&noise(batch * channels * len, 5)), narrow(&noise(batch * channels * len, 6)));
            same_bits_for_threads(|| {
                let moments = moments(&x, geometry);
                let rstd = moments.rstd(1e-5);
                let channels = Channels { mean: &moments.mean, rstd: &rstd, weight: None };
                let (mut y, mut dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
                batch_norm(&x, geometry, channels, None, &mut y);
                let sums = batch_norm_channel_gradient(&g, &x, geometry, channels);
                batch_norm_input_gradient(&g, &x, geometry, channels, &sums, &mut dx);
                [y, dx].concat()
            });
        }
    }
}
