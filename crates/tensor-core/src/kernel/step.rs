//! The update of one parameter by an optimizer: one pass that reads the gradient and writes parameter and state.
//!
//! Numbers that do not depend on the element are computed once in f64; per element the order of operations is that of
//! PyTorch's single-tensor path, so that f64 runs agree to the last digits.

use super::math::Float;
use super::parallel::{CHUNK, Matrix, for_each_rows};
use super::simd::{Isa, Kernel, dispatch};

/// Stochastic gradient descent, `torch.optim.SGD`:
/// `d = ±g + weight_decay * p`, `b = momentum * b + (1 - dampening) * d` (`b = d` in the first step),
/// `p -= lr * (d + momentum * b if nesterov else b)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sgd {
    /// Learning rate.
    pub(crate) lr: f64,
    /// Share of the buffer that is kept.
    pub(crate) momentum: f64,
    /// Share of the gradient that does not enter the buffer.
    pub(crate) dampening: f64,
    /// Factor of the L2 penalty.
    pub(crate) weight_decay: f64,
    /// Whether to look one step of the buffer ahead.
    pub(crate) nesterov: bool,
    /// Whether to climb.
    pub(crate) maximize: bool,
}

/// The momentum buffer of a parameter.
pub(crate) enum Momentum<'a, F> {
    /// No momentum, no buffer.
    None,
    /// The first step: whatever the buffer holds is replaced.
    First(&'a mut [F]),
    /// A later step.
    Next(&'a mut [F]),
}

/// One step of [`Sgd`] on `param`.
pub(crate) fn sgd<F: Float>(options: Sgd, param: &mut [F], grad: &[F], buffer: Momentum<F>) {
    let (first, buffer) = match buffer {
        Momentum::None => (false, None),
        Momentum::First(buffer) => (true, Some(buffer)),
        Momentum::Next(buffer) => (false, Some(buffer)),
    };
    let count = param.len();
    let out = (Matrix(param, 1), buffer.map(|buffer| Matrix(buffer, 1)));
    for_each_rows(out, count, CHUNK, |start, (param, buffer)| {
        let grad = &grad[start..start + param.0.len()];
        dispatch(SgdChunk { options, param: param.0, grad, buffer: buffer.map(|buffer| buffer.0), first });
    });
}

struct SgdChunk<'a, F> {
    options: Sgd,
    param: &'a mut [F],
    grad: &'a [F],
    buffer: Option<&'a mut [F]>,
    first: bool,
}

impl<F: Float> Kernel for SgdChunk<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let options = self.options;
        let (decay, lr) = (F::from_f64(options.weight_decay), F::from_f64(-options.lr));
        let momentum = F::from_f64(options.momentum);
        let fresh = F::from_f64(1.0 - options.dampening);
        let sign = if options.maximize { -F::ONE } else { F::ONE };
        let pairs = self.param.iter_mut().zip(self.grad);
        let Some(buffer) = self.buffer else {
            return pairs.for_each(|(p, &g)| *p = lr.fma::<I>(decay.fma::<I>(*p, sign * g), *p));
        };
        if self.first {
            // The buffer becomes the gradient itself, undamped.
            let ahead = if options.nesterov { F::ONE + momentum } else { F::ONE };
            for ((p, &g), b) in pairs.zip(buffer) {
                *b = decay.fma::<I>(*p, sign * g);
                *p = lr.fma::<I>(ahead * *b, *p);
            }
            return;
        }
        for ((p, &g), b) in pairs.zip(buffer) {
            let d = decay.fma::<I>(*p, sign * g);
            *b = *b * momentum + fresh * d;
            let direction = if options.nesterov { momentum.fma::<I>(*b, d) } else { *b };
            *p = lr.fma::<I>(direction, *p);
        }
    }
}

/// How weight decay enters [`Adam`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decay {
    /// Added to the gradient: `torch.optim.Adam`.
    L2,
    /// Taken off the parameter first, times the learning rate: `torch.optim.AdamW`.
    Decoupled,
}

/// Adam and AdamW:
/// `m += (1 - beta1) * (g - m)`, `v = beta2 * v + (1 - beta2) * g²`,
/// `p -= lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)`; with AMSGrad the largest `v` so far divides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Adam {
    /// Learning rate.
    pub(crate) lr: f64,
    /// Decay of the mean of the gradients.
    pub(crate) beta1: f64,
    /// Decay of the mean of their squares.
    pub(crate) beta2: f64,
    /// Added to the root.
    pub(crate) eps: f64,
    /// Factor of the weight decay.
    pub(crate) weight_decay: f64,
    /// How weight decay enters.
    pub(crate) decay: Decay,
    /// Whether to climb.
    pub(crate) maximize: bool,
    /// Number of this step, from 1.
    pub(crate) step: f64,
}

/// The state of a parameter under [`Adam`].
pub(crate) struct Moments<'a, F> {
    /// Mean of the gradients, `exp_avg`.
    pub(crate) mean: &'a mut [F],
    /// Mean of their squares, `exp_avg_sq`.
    pub(crate) square: &'a mut [F],
    /// Largest mean of the squares so far, `max_exp_avg_sq`, with AMSGrad.
    pub(crate) largest: Option<&'a mut [F]>,
}

/// One step of [`Adam`] on `param`.
pub(crate) fn adam<F: Float>(options: Adam, param: &mut [F], grad: &[F], moments: Moments<F>) {
    let count = param.len();
    let scalars = AdamScalars::new(options);
    let Moments { mean, square, largest } = moments;
    let state = (Matrix(mean, 1), (Matrix(square, 1), largest.map(|largest| Matrix(largest, 1))));
    for_each_rows((Matrix(param, 1), state), count, CHUNK, |start, (param, (mean, (square, largest)))| {
        let grad = &grad[start..start + param.0.len()];
        let moments = Moments { mean: mean.0, square: square.0, largest: largest.map(|largest| largest.0) };
        dispatch(AdamChunk { scalars, param: param.0, grad, moments });
    });
}

/// What is the same for all elements.
#[derive(Clone, Copy)]
struct AdamScalars<F> {
    /// 1 or -1.
    sign: F,
    /// Factor of the parameter in the gradient.
    l2: F,
    /// Factor of the parameter before the step.
    shrink: F,
    beta2: F,
    /// `1 - beta1` and `1 - beta2`.
    fresh: (F, F),
    /// `sqrt(1 - beta2^t)`.
    root_correction: F,
    eps: F,
    /// `-lr / (1 - beta1^t)`.
    step: F,
}

impl<F: Float> AdamScalars<F> {
    fn new(options: Adam) -> Self {
        let Adam { lr, beta1, beta2, eps, weight_decay, decay, maximize, step } = options;
        let (l2, shrink) = match decay {
            Decay::L2 => (weight_decay, 1.0),
            Decay::Decoupled => (0.0, 1.0 - lr * weight_decay),
        };
        Self {
            sign: if maximize { -F::ONE } else { F::ONE },
            l2: F::from_f64(l2),
            shrink: F::from_f64(shrink),
            beta2: F::from_f64(beta2),
            fresh: (F::from_f64(1.0 - beta1), F::from_f64(1.0 - beta2)),
            root_correction: F::from_f64((1.0 - beta2.powf(step)).sqrt()),
            eps: F::from_f64(eps),
            step: F::from_f64(-lr / (1.0 - beta1.powf(step))),
        }
    }
}

struct AdamChunk<'a, F> {
    scalars: AdamScalars<F>,
    param: &'a mut [F],
    grad: &'a [F],
    moments: Moments<'a, F>,
}

impl<F: Float> Kernel for AdamChunk<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let s = self.scalars;
        // The shrunk parameter and the new moments.
        let update = |p: F, g: F, m: F, v: F| {
            let g = s.l2.fma::<I>(p, s.sign * g);
            let m = s.fresh.0.fma::<I>(g - m, m);
            let v = v * s.beta2 + s.fresh.1 * g * g;
            (p * s.shrink, m, v)
        };
        let descend = |p: F, m: F, v: F| p + s.step * m / (v.sqrt() / s.root_correction + s.eps);
        let pairs = self.param.iter_mut().zip(self.grad);
        let moments = self.moments.mean.iter_mut().zip(self.moments.square);
        match self.moments.largest {
            None => pairs.zip(moments).for_each(|((p, &g), (mean, square))| {
                let (shrunk, m, v) = update(*p, g, *mean, *square);
                (*p, *mean, *square) = (descend(shrunk, m, v), m, v);
            }),
            Some(largest) => {
                pairs.zip(moments).zip(largest).for_each(|(((p, &g), (mean, square)), largest)| {
                    let (shrunk, m, v) = update(*p, g, *mean, *square);
                    *largest = largest.max_nan(v);
                    (*p, *mean, *square) = (descend(shrunk, m, *largest), m, v);
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_close, narrow, noise, same_bits_for_threads};
    use super::*;

    const SGD: Sgd =
        Sgd { lr: 1e-3, momentum: 0.0, dampening: 0.0, weight_decay: 0.0, nesterov: false, maximize: false };
    const ADAM: Adam = Adam {
        lr: 1e-3,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        weight_decay: 0.0,
        decay: Decay::L2,
        maximize: false,
        step: 1.0,
    };
    const ADAMW: Adam = Adam { decay: Decay::Decoupled, weight_decay: 1e-2, ..ADAM };

    /// Gradient of `(1 - x)² + 100 (y - x²)²`.
    fn rosenbrock([x, y]: [f64; 2]) -> [f64; 2] {
        [-2.0 * (1.0 - x) - 400.0 * x * (y - x * x), 200.0 * (y - x * x)]
    }

    /// `torch.optim.SGD` 2.15 in f64: the point after 100 steps from (1.5, 1.5).
    #[test]
    fn sgd_follows_the_recorded_runs() {
        let momentum = Sgd { momentum: 0.9, ..SGD };
        let cases = [
            (SGD, [1.2391976530282791, 1.536440965055912]),
            (Sgd { weight_decay: 0.5, ..SGD }, [1.204321474366661, 1.4516472726703151]),
            (momentum, [0.5187908567257304, 0.2640493822148661]),
            (Sgd { dampening: 0.5, ..momentum }, [0.17732150946029104, 0.032203126128237405]),
            (Sgd { weight_decay: 0.1, ..momentum }, [0.5159310799929704, 0.2612552949718841]),
            (
                Sgd { weight_decay: 0.1, nesterov: true, ..momentum },
                [0.6514941707081007, 0.42281902437456514],
            ),
        ];
        for (options, want) in cases {
            let (mut point, mut buffer) = ([1.5; 2], [f64::NAN; 2]);
            for step in 0..100 {
                let state = match (options.momentum, step) {
                    (0.0, _) => Momentum::None,
                    (_, 0) => Momentum::First(&mut buffer[..]),
                    _ => Momentum::Next(&mut buffer[..]),
                };
                let grad = rosenbrock(point);
                sgd(options, &mut point, &grad, state);
            }
            assert_close(&point, &want, 1e-11, 0.0);
        }
    }

    /// `torch.optim.Adam` and `AdamW` 2.15 in f64: the point after 100 steps from (1.5, 1.5).
    #[test]
    fn adam_follows_the_recorded_runs() {
        let decay = 0.1;
        let cases = [
            (ADAM, [1.4113216053646724, 1.5896998206529922]),
            (Adam { lr: 0.01, ..ADAM }, [1.30006932224255, 1.6949601728568666]),
            (Adam { weight_decay: decay, ..ADAM }, [1.411317290082998, 1.5896851605218532]),
            (Adam { weight_decay: decay, maximize: true, ..ADAM }, [1.6089666562779787, 1.3921558594725336]),
            (ADAMW, [1.4099696046832164, 1.5880685152610803]),
            (Adam { lr: 0.01, ..ADAMW }, [1.2913601352464112, 1.6733423049627834]),
            (Adam { weight_decay: decay, ..ADAMW }, [1.3978678991376208, 1.5734520494156539]),
            (Adam { weight_decay: decay, maximize: true, ..ADAMW }, [1.5928322872018525, 1.3782685497494869]),
        ];
        for (options, want) in cases {
            let (mut point, mut mean, mut square) = ([1.5; 2], [0.0; 2], [0.0; 2]);
            for step in 0..100 {
                let grad = rosenbrock(point);
                let options = Adam { step: f64::from(step + 1), ..options };
                let moments = Moments { mean: &mut mean, square: &mut square, largest: None };
                adam(options, &mut point, &grad, moments);
            }
            assert_close(&point, &want, 1e-12, 0.0);
        }
    }

    /// AMSGrad against the formula, with gradients that shrink, so that the largest square is an old one.
    #[test]
    fn amsgrad_divides_by_the_largest_square() {
        let count = 37;
        let mut param = noise(count, 1);
        let (mut mean, mut square, mut largest) = (vec![0.0; count], vec![0.0; count], vec![0.0; count]);
        let (mut p, mut m, mut v, mut top) = (param.clone(), mean.clone(), square.clone(), largest.clone());
        for step in 1..=20 {
            let t = f64::from(step);
            let grad: Vec<f64> = noise(count, step as u64).iter().map(|g| g / (t * t)).collect();
            let moments = Moments { mean: &mut mean, square: &mut square, largest: Some(&mut largest) };
            adam(Adam { step: t, ..ADAMW }, &mut param, &grad, moments);
            for i in 0..count {
                p[i] *= 1.0 - 1e-3 * 1e-2;
                m[i] = 0.9 * m[i] + 0.1 * grad[i];
                v[i] = 0.999 * v[i] + 0.001 * grad[i] * grad[i];
                top[i] = f64::max(top[i], v[i]);
                let (m_hat, v_hat) = (m[i] / (1.0 - 0.9f64.powi(step)), top[i] / (1.0 - 0.999f64.powi(step)));
                p[i] -= 1e-3 * m_hat / (v_hat.sqrt() + 1e-8);
            }
        }
        assert!(largest.iter().zip(&square).any(|(largest, square)| largest > square));
        assert_close(&param, &p, 1e-12, 1e-13);
    }

    /// A NaN gradient reaches the parameter of its own element and no other.
    #[test]
    fn nan_stays_in_its_element() {
        for amsgrad in [false, true] {
            let (mut param, mut mean, mut square, mut largest) = ([1.0f32; 3], [0.0; 3], [0.0; 3], [0.0; 3]);
            let largest = amsgrad.then_some(&mut largest[..]);
            let moments = Moments { mean: &mut mean, square: &mut square, largest };
            adam(ADAM, &mut param, &[1.0, f32::NAN, 0.0], moments);
            assert_eq!(param.map(f32::is_nan), [false, true, false]);
            assert_eq!(param[2], 1.0);
        }
        sgd(SGD, &mut [] as &mut [f32], &[], Momentum::None);
    }

    #[test]
    fn f32_follows_f64_with_the_same_bits_for_any_number_of_threads() {
        let count = 3 * CHUNK + 5;
        let (start, grad) = (noise(count, 1), noise(count, 2));
        let (mut wide, mut m, mut v) = (start.clone(), vec![0.0; count], vec![0.0; count]);
        let mut b = vec![0.0; count];
        let nesterov = Sgd { lr: 0.1, momentum: 0.9, nesterov: true, ..SGD };
        sgd(nesterov, &mut wide, &grad, Momentum::First(&mut b));
        adam(ADAMW, &mut wide, &grad, Moments { mean: &mut m, square: &mut v, largest: None });
        let (start, grad) = (narrow(&start), narrow(&grad));
        same_bits_for_threads(|| {
            let (mut param, mut m, mut v) = (start.clone(), vec![0.0f32; count], vec![0.0; count]);
            let mut b = vec![0.0; count];
            sgd(nesterov, &mut param, &grad, Momentum::First(&mut b));
            adam(ADAMW, &mut param, &grad, Moments { mean: &mut m, square: &mut v, largest: None });
            assert_close(&param, &wide, 1e-5, 1e-6);
            [param, m, v, b].concat()
        });
    }
}
