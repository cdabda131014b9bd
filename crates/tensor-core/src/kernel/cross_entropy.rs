//! Cross-entropy of logits and class indices: log-softmax and negative log-likelihood in one pass, and its gradient.
//!
//! With `logp = log_softmax(x)`, class weights `w` (1 when absent), `C` classes and smoothing `s`, the loss of a row is
//! `(1 - s) * w_t * -logp_t + s / C * sum_c w_c * -logp_c`, 0 where the target is `ignore_index`; the mean divides by
//! the sum of `w_t` over the rows that are not ignored (NaN when there is none). This is
//! `torch.nn.functional.cross_entropy`, whose two parts have the same divisor.

use super::lanes;
use super::math::Float;
use super::parallel::{Matrix, for_each_rows, map_tasks, rows_per_task};
use super::simd::{Isa, Kernel, dispatch};

/// What the loss depends on besides logits and targets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CrossEntropy<'a, F> {
    /// Classes: the length of a row of logits, at least 1.
    pub(crate) classes: usize,
    /// One weight for each class.
    pub(crate) weight: Option<&'a [F]>,
    /// Rows with this target have no loss and no gradient; need not be a class.
    pub(crate) ignore_index: i64,
    /// Share of the target that is spread over all classes, in `0..=1`.
    pub(crate) label_smoothing: f64,
}

/// A target that is neither a class nor `ignore_index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TargetOutOfRange {
    /// Its row.
    pub(crate) row: usize,
    /// Its value.
    pub(crate) target: i64,
}

/// Sums over the rows, for the reductions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Totals<F> {
    /// Sum of the losses.
    pub(crate) loss: F,
    /// Sum of the weights of the targets that are not ignored.
    pub(crate) weight: F,
}

impl<F: Float> Totals<F> {
    /// The reduction `mean`.
    pub(crate) fn mean(self) -> F {
        self.loss / self.weight
    }
}

/// What a row keeps for the gradient: its largest logit and the log of its sum of `exp(x - max)`. The two are not
/// added, since that would round away the low digits of the second for large logits.
pub(crate) const KEPT: usize = 2;

/// Writes the loss of each of the rows of `x` and the [`KEPT`] numbers of each row; returns the sums. Nothing is
/// written if a target is out of range.
pub(crate) fn cross_entropy<F: Float>(
    x: &[F],
    target: &[i64],
    options: CrossEntropy<F>,
    loss: &mut [F],
    kept: &mut [F],
) -> Result<Totals<F>, TargetOutOfRange> {
    check(target, options)?;
    let classes = options.classes;
    let out = (Matrix(loss, 1), Matrix(kept, KEPT));
    for_each_rows(out, target.len(), rows_per_task(classes), |first, (loss, kept)| {
        let rows = first..first + loss.0.len();
        let x = &x[rows.start * classes..rows.end * classes];
        dispatch(Forward { x, target: &target[rows], options, loss: loss.0, kept: kept.0 });
    });
    Ok(totals(loss, target, options))
}

/// How the gradient of the output reaches the rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RowGradient<'a, F> {
    /// One number for all rows: that of the sum, or that of the mean divided by the sum of the weights.
    Same(F),
    /// One number for each row, when the loss was not reduced.
    Each(&'a [F]),
}

/// `dx`, the gradient of the logits: `g * ((1 - s) * w_t * (p - onehot_t) + s / C * (p * sum_c w_c - w))` with
/// `p = softmax(x)`, from the numbers that the forward pass kept; 0 in ignored rows, whatever they hold.
pub(crate) fn cross_entropy_backward<F: Float>(
    x: &[F],
    target: &[i64],
    options: CrossEntropy<F>,
    kept: &[F],
    g: RowGradient<F>,
    dx: &mut [F],
) {
    let classes = options.classes;
    let weight_sum = options.weight.map_or(classes as f64, |weight| dispatch(SumF64(weight)));
    let rows = target.len();
    for_each_rows(Matrix(dx, classes), rows, rows_per_task(classes), |first, Matrix(dx, _)| {
        let rows = first..first + dx.len() / classes;
        dispatch(Backward {
            x: &x[rows.start * classes..rows.end * classes],
            target: &target[rows.clone()],
            options,
            weight_sum: F::from_f64(weight_sum),
            kept: &kept[rows.start * KEPT..rows.end * KEPT],
            g: match g {
                RowGradient::Same(g) => RowGradient::Same(g),
                RowGradient::Each(g) => RowGradient::Each(&g[rows]),
            },
            dx,
        });
    });
}

/// The first target that is out of range.
fn check<F>(target: &[i64], options: CrossEntropy<F>) -> Result<(), TargetOutOfRange> {
    let classes = options.classes as u64;
    let bad = |&target: &i64| target as u64 >= classes && target != options.ignore_index;
    match target.iter().position(bad) {
        Some(row) => Err(TargetOutOfRange { row, target: target[row] }),
        None => Ok(()),
    }
}

/// Rows whose losses are added in one go; the partial sums are added in their order.
const SUM_ROWS: usize = 1 << 16;

/// Adds in f64, so that a long batch loses nothing.
fn totals<F: Float>(loss: &[F], target: &[i64], options: CrossEntropy<F>) -> Totals<F> {
    let parts = map_tasks(loss.len().div_ceil(SUM_ROWS), |task| {
        let rows = task * SUM_ROWS..loss.len().min((task + 1) * SUM_ROWS);
        let kept = target[rows.clone()].iter().filter(|&&target| target != options.ignore_index);
        let weight = match options.weight {
            Some(weight) => kept.map(|&target| weight[target as usize].to_f64()).sum(),
            None => kept.count() as f64,
        };
        (dispatch(SumF64(&loss[rows])), weight)
    });
    let (loss, weight): (f64, f64) =
        parts.iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    Totals { loss: F::from_f64(loss), weight: F::from_f64(weight) }
}

/// Sum in f64.
struct SumF64<'a, F>(&'a [F]);

impl<F: Float> Kernel for SumF64<'_, F> {
    type Output = f64;

    #[inline(always)]
    fn run<I: Isa>(self) -> f64 {
        let (blocks, tail) = self.0.as_chunks::<{ lanes::LANES }>();
        let mut sums = [0.0; lanes::LANES];
        for block in blocks {
            for (sum, value) in sums.iter_mut().zip(block) {
                *sum += value.to_f64();
            }
        }
        lanes::total(sums) + tail.iter().map(|value| value.to_f64()).sum::<f64>()
    }
}

struct Forward<'a, F> {
    x: &'a [F],
    target: &'a [i64],
    options: CrossEntropy<'a, F>,
    loss: &'a mut [F],
    kept: &'a mut [F],
}

impl<F: Float> Kernel for Forward<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let CrossEntropy { classes, weight, ignore_index, label_smoothing } = self.options;
        let hard = F::from_f64(1.0 - label_smoothing);
        let spread = F::from_f64(label_smoothing / classes as f64);
        let rows = self.x.chunks_exact(classes).zip(self.target);
        let out = self.loss.iter_mut().zip(self.kept.as_chunks_mut::<KEPT>().0);
        for ((x, &target), (loss, kept)) in rows.zip(out) {
            let max = lanes::max(x);
            let log_sum = lanes::sum_of(x, |x| (x - max).exp::<I>()).log::<I>();
            *kept = [max, log_sum];
            if target == ignore_index {
                *loss = F::ZERO;
                continue;
            }
            let class = target as usize;
            let target_weight = weight.map_or(F::ONE, |weight| weight[class]);
            *loss = target_weight * (log_sum - (x[class] - max));
            if label_smoothing > 0.0 {
                let all = match weight {
                    Some(weight) => lanes::sum2(x, weight, |x, w| w * (log_sum - (x - max))),
                    None => lanes::sum_of(x, |x| log_sum - (x - max)),
                };
                *loss = hard * *loss + spread * all;
            }
        }
    }
}

struct Backward<'a, F> {
    x: &'a [F],
    target: &'a [i64],
    options: CrossEntropy<'a, F>,
    weight_sum: F,
    kept: &'a [F],
    g: RowGradient<'a, F>,
    dx: &'a mut [F],
}

impl<F: Float> Kernel for Backward<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let CrossEntropy { classes, weight, ignore_index, label_smoothing } = self.options;
        let hard = F::from_f64(1.0 - label_smoothing);
        let spread = F::from_f64(label_smoothing / classes as f64);
        let rows = self.x.chunks_exact(classes).zip(self.target).zip(self.kept.as_chunks::<KEPT>().0);
        for (row, (((x, &target), &[max, log_sum]), dx)) in
            rows.zip(self.dx.chunks_exact_mut(classes)).enumerate()
        {
            if target == ignore_index {
                dx.fill(F::ZERO);
                continue;
            }
            let g = match self.g {
                RowGradient::Same(g) => g,
                RowGradient::Each(g) => g[row],
            };
            let class = target as usize;
            let onehot = g * hard * weight.map_or(F::ONE, |weight| weight[class]);
            let scale = onehot + g * spread * self.weight_sum;
            lanes::map(x, dx, |x| ((x - max) - log_sum).exp::<I>() * scale);
            dx[class] = dx[class] - onehot;
            if label_smoothing > 0.0 {
                let spread = g * spread;
                match weight {
                    Some(weight) => dx.iter_mut().zip(weight).for_each(|(dx, &w)| *dx = *dx - spread * w),
                    None => dx.iter_mut().for_each(|dx| *dx = *dx - spread),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_close, bits, narrow, noise, same_bits_for_threads};
    use super::*;

    /// Loss of each row and weight sum, from the definition.
    fn naive(x: &[f64], target: &[i64], options: CrossEntropy<f64>) -> (Vec<f64>, f64) {
        let classes = options.classes;
        let weight = |c: usize| options.weight.map_or(1.0, |w| w[c]);
        let mut sum = 0.0;
        let rows = x.chunks(classes).zip(target).map(|(x, &t)| {
            if t == options.ignore_index {
                return 0.0;
            }
            sum += weight(t as usize);
            let log_sum = x.iter().map(|x| x.exp()).sum::<f64>().ln();
            let all: f64 = (0..classes).map(|c| weight(c) * (log_sum - x[c])).sum();
            let eps = options.label_smoothing;
            (1.0 - eps) * weight(t as usize) * (log_sum - x[t as usize]) + eps / classes as f64 * all
        });
        (rows.collect(), sum)
    }

    fn targets(rows: usize, classes: usize) -> Vec<i64> {
        (0..rows).map(|i| if i % 5 == 3 { -100 } else { (i * 7 % classes) as i64 }).collect()
    }

    #[test]
    fn forward_and_backward_follow_the_definition() {
        for (rows, classes) in [(0, 3), (1, 1), (3, 10), (7, 16), (5, 33), (400, 100), (2, 5000)] {
            let x: Vec<f64> = noise(rows * classes, 1).iter().map(|x| f64::from((x * 5.0) as f32)).collect();
            let weight: Vec<f64> = noise(classes, 2).iter().map(|w| f64::from((w + 1.5) as f32)).collect();
            let (g, target) = (noise(rows, 3), targets(rows, classes));
            for (weight, label_smoothing) in
                [(None, 0.0), (Some(&weight[..]), 0.0), (None, 0.1), (Some(&weight[..]), 0.3)]
            {
                let options = CrossEntropy { classes, weight, ignore_index: -100, label_smoothing };
                let (want, want_weight) = naive(&x, &target, options);
                let (mut loss, mut kept) = (vec![9.0; rows], vec![9.0; KEPT * rows]);
                let totals = cross_entropy(&x, &target, options, &mut loss, &mut kept).unwrap();
                assert_close(&loss, &want, 1e-12, 1e-12);
                assert_close(&[totals.loss, totals.weight], &[want.iter().sum(), want_weight], 1e-12, 1e-12);
                let mut dx = vec![9.0; x.len()];
                cross_entropy_backward(&x, &target, options, &kept, RowGradient::Each(&g), &mut dx);
                for i in (0..x.len()).step_by(1 + x.len() / 50) {
                    let shifted = |by: f64| {
                        let mut x = x.clone();
                        x[i] += by;
                        naive(&x, &target, options).0[i / classes]
                    };
                    let want = g[i / classes] * (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
                    assert_close(&[dx[i]], &[want], 1e-7, 1e-8);
                }
                let weight32 = weight.map(narrow);
                let options = CrossEntropy {
                    classes,
                    weight: weight32.as_deref(),
                    ignore_index: -100,
                    label_smoothing,
                };
                let (x, want_dx) = (narrow(&x), dx);
                let (mut loss, mut kept) = (vec![9.0f32; rows], vec![9.0; KEPT * rows]);
                cross_entropy(&x, &target, options, &mut loss, &mut kept).unwrap();
                assert_close(&loss, &want, 2e-6, 1e-6);
                let mut dx = vec![9.0; x.len()];
                let g = narrow(&g);
                cross_entropy_backward(&x, &target, options, &kept, RowGradient::Each(&g), &mut dx);
                assert_close(&dx, &want_dx, 1e-5, 1e-6);
            }
        }
    }

    const PLAIN: CrossEntropy<f32> =
        CrossEntropy { classes: 3, weight: None, ignore_index: -100, label_smoothing: 0.0 };

    /// `torch.nn.functional.cross_entropy` 2.15 on the same numbers, mean and its gradient.
    #[test]
    fn recorded_values() {
        let x = [0.5, -1.0, 2.0, 1.5, 0.25, -0.75, 3.0, 3.0, 3.0];
        let weight = [0.5, 2.0, 1.25];
        let options =
            CrossEntropy { classes: 3, weight: Some(&weight[..]), ignore_index: 1, label_smoothing: 0.2 };
        let target = [2, 1, 0];
        let (mut loss, mut kept) = ([0.0; 3], [0.0; 6]);
        let totals = cross_entropy(&x, &target, options, &mut loss, &mut kept).unwrap();
        assert_close(&[totals.mean()], &[MEAN], 1e-12, 0.0);
        let mut dx = [0.0; 9];
        let g = RowGradient::Same(1.0 / totals.weight);
        cross_entropy_backward(&x, &target, options, &kept, g, &mut dx);
        assert_close(&dx, &GRADIENT, 1e-12, 1e-15);
    }

    const MEAN: f64 = 0.8375640619746958;
    const GRADIENT: [f64; 9] = [
        0.10615980390955003,
        -0.04825292385427086,
        -0.05790688005527914,
        0.0,
        0.0,
        0.0,
        -0.12380952380952381,
        0.04761904761904762,
        0.0761904761904762,
    ];

    #[test]
    fn a_target_out_of_range_is_found_before_anything_is_written() {
        for bad in [3, -1, i64::MAX, i64::MIN] {
            let (mut loss, mut kept) = ([7.0; 2], [7.0; 4]);
            let error = cross_entropy(&[0.0; 6], &[-100, bad], PLAIN, &mut loss, &mut kept).unwrap_err();
            assert_eq!(error, TargetOutOfRange { row: 1, target: bad });
            assert_eq!((loss, kept), ([7.0; 2], [7.0; 4]));
        }
    }

    #[test]
    fn ignored_rows_and_rows_with_infinity() {
        let inf = f32::INFINITY;
        let x = [f32::NAN, 0.0, 1.0, -inf, 0.0, 0.0, -inf, 0.0, 0.0, inf, 0.0, 0.0];
        let target = [-100, 0, 1, 0];
        let (mut loss, mut kept) = ([7.0; 4], [7.0; 8]);
        cross_entropy(&x, &target, PLAIN, &mut loss, &mut kept).unwrap();
        assert_eq!(bits(&loss), bits(&[0.0, inf, 2.0f32.ln(), f32::NAN]));
        let mut dx = [7.0; 12];
        cross_entropy_backward(&x, &target, PLAIN, &kept, RowGradient::Same(1.0), &mut dx);
        assert_eq!(dx[..6], [0.0, 0.0, 0.0, -1.0, 0.5, 0.5]);
        let all_ignored = cross_entropy(&x[..3], &[-100], PLAIN, &mut loss[..1], &mut kept[..2]).unwrap();
        assert!(all_ignored.mean().is_nan());
    }

    #[test]
    fn same_bits_for_any_number_of_threads() {
        let (rows, classes) = (70_000, 7);
        let (x, target) = (narrow(&noise(rows * classes, 4)), targets(rows, classes));
        let options = CrossEntropy { classes, ..PLAIN };
        same_bits_for_threads(|| {
            let (mut loss, mut kept) = (vec![0.0; rows], vec![0.0; KEPT * rows]);
            let totals = cross_entropy(&x, &target, options, &mut loss, &mut kept).unwrap();
            let mut dx = vec![0.0; x.len()];
            cross_entropy_backward(&x, &target, options, &kept, RowGradient::Same(0.5), &mut dx);
            [loss, dx, vec![totals.loss, totals.weight]].concat()
        });
    }
}
