//! One layer of an LSTM over all steps of a batch, and its gradients.
//!
//! With the gates `[i f g o] = [σ σ tanh σ](x + h W + b)`: `c = f c + i g`, `h = o tanh(c)`. Samples do not meet, so the
//! batch is cut by a rule of sizes alone into runs of samples, and a task takes one run through all steps: there is no
//! meeting of threads at each step.

use super::gemm::{GemmElement, Matrix, MatrixMut, gemm_inside_task};
use super::lanes;
use super::math::Float;
use super::parallel::for_each_chunk;
use super::simd::{Isa, Kernel, dispatch};

/// Gates: i, f, g and o.
const GATES: usize = 4;

/// Samples that share a pass over the weights, at least and at most: fewer read the weights too often, more leave
/// threads idle. Both fill rows of the product's kernel.
const RUN: [usize; 2] = [16, 64];

/// Sizes and direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer {
    pub(crate) length: usize,
    pub(crate) batch: usize,
    pub(crate) hidden: usize,
    /// From the last step to the first.
    pub(crate) reverse: bool,
}

impl Layer {
    /// Samples of a task.
    fn run(self) -> usize {
        self.batch.div_ceil(8).clamp(RUN[0], RUN[1])
    }

    /// The steps in the order of computation.
    fn steps(self) -> impl DoubleEndedIterator<Item = usize> {
        let last = self.length.saturating_sub(1);
        (0..self.length).map(move |step| if self.reverse { last - step } else { step })
    }

    /// The step before `step` in the order of computation.
    fn before(self, step: usize) -> Option<usize> {
        if self.reverse { Some(step + 1).filter(|&t| t < self.length) } else { step.checked_sub(1) }
    }

    /// `data`, `[length, batch, width]`, cut into runs of samples: for each run its rows at each step.
    fn cut<T>(self, data: &mut [T], width: usize) -> Vec<Vec<&mut [T]>> {
        let mut runs: Vec<_> =
            (0..self.batch.div_ceil(self.run())).map(|_| Vec::with_capacity(self.length)).collect();
        for step in data.chunks_mut((self.batch * width).max(1)) {
            for (run, rows) in runs.iter_mut().zip(step.chunks_mut((self.run() * width).max(1))) {
                run.push(rows);
            }
        }
        runs
    }

    /// The elements of a run of `rows` samples from `first` on, at `step` of `[length, batch, width]`.
    fn rows<T>(self, data: &[T], step: usize, first: usize, rows: usize, width: usize) -> &[T] {
        &data[(step * self.batch + first) * width..][..rows * width]
    }
}

/// What a forward pass reads: the inputs' part of the gates `[length, batch, 4 hidden]`, the first states
/// `[batch, hidden]`, weights `[hidden, 4 hidden]` and their bias.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a, T> {
    pub(crate) gates: &'a [T],
    pub(crate) h0: &'a [T],
    pub(crate) c0: &'a [T],
    pub(crate) weight: &'a [T],
    pub(crate) bias: Option<&'a [T]>,
}

/// What it writes: h and c at all steps, `[length, batch, hidden]`, and the gates, functions applied.
pub(crate) struct Outputs<'a, T> {
    pub(crate) h: &'a mut [T],
    pub(crate) c: &'a mut [T],
    pub(crate) gates: &'a mut [T],
}

/// A run of samples in all arrays that are written.
struct Run<'a, T> {
    h: Vec<&'a mut [T]>,
    c: Vec<&'a mut [T]>,
    gates: Vec<&'a mut [T]>,
}

/// Computes all steps.
pub(crate) fn forward<T: GemmElement>(layer: Layer, x: Inputs<'_, T>, y: Outputs<'_, T>) {
    let (hidden, width) = (layer.hidden, GATES * layer.hidden);
    let cut = layer.cut(y.h, hidden).into_iter().zip(layer.cut(y.c, hidden));
    let mut runs: Vec<Run<'_, T>> =
        cut.zip(layer.cut(y.gates, width)).map(|((h, c), gates)| Run { h, c, gates }).collect();
    for_each_chunk(&mut runs, 1, |i, run| {
        let (Some(run), first) = (run.first_mut(), i * layer.run()) else { return };
        let rows = layer.run().min(layer.batch - first);
        let mut h = x.h0[first * hidden..][..rows * hidden].to_vec();
        let mut c = x.c0[first * hidden..][..rows * hidden].to_vec();
        let mut recurrent = vec![T::ZERO; rows * width];
        for step in layer.steps() {
            if let Some(bias) = x.bias {
                recurrent.chunks_exact_mut(width).for_each(|row| row.copy_from_slice(bias));
            }
            gemm_inside_task(
                Matrix::new(&h, [rows, hidden], [hidden, 1]),
                Matrix::new(x.weight, [hidden, width], [width, 1]),
                if x.bias.is_some() { T::ONE } else { T::ZERO },
                MatrixMut::new(&mut recurrent, [rows, width], width),
            );
            let x = layer.rows(x.gates, step, first, rows, width);
            let gates = &mut *run.gates[step];
            dispatch(Cell { x, recurrent: &recurrent, gates, h: &mut h, c: &mut c, hidden });
            run.h[step].copy_from_slice(&h);
            run.c[step].copy_from_slice(&c);
        }
    });
}

/// One step of a run, behind the product.
struct Cell<'a, T> {
    x: &'a [T],
    recurrent: &'a [T],
    gates: &'a mut [T],
    h: &'a mut [T],
    c: &'a mut [T],
    hidden: usize,
}

impl<T: Float> Kernel for Cell<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let (n, width) = (self.hidden, GATES * self.hidden);
        let inputs = self.x.chunks_exact(width).zip(self.recurrent.chunks_exact(width));
        let states = self.h.chunks_exact_mut(n).zip(self.c.chunks_exact_mut(n));
        for (((x, r), gates), (h, c)) in inputs.zip(self.gates.chunks_exact_mut(width)).zip(states) {
            lanes::map2(&x[..2 * n], &r[..2 * n], &mut gates[..2 * n], |x, r| (x + r).sigmoid::<I>());
            lanes::map2(&x[2 * n..3 * n], &r[2 * n..3 * n], &mut gates[2 * n..3 * n], |x, r| {
                (x + r).tanh::<I>()
            });
            lanes::map2(&x[3 * n..], &r[3 * n..], &mut gates[3 * n..], |x, r| (x + r).sigmoid::<I>());
            let (i, f, g, o) = (&gates[..n], &gates[n..2 * n], &gates[2 * n..3 * n], &gates[3 * n..]);
            let (h, c) = (&mut h[..n], &mut c[..n]);
            for j in 0..n {
                c[j] = f[j] * c[j] + i[j] * g[j];
                h[j] = o[j] * c[j].tanh::<I>();
            }
        }
    }
}

/// What a backward pass reads: the gradient of h at all steps, and gates, c, c0 and weights `[4 hidden, hidden]` of the
/// forward pass.
#[derive(Clone, Copy)]
pub(crate) struct Kept<'a, T> {
    pub(crate) grad: &'a [T],
    pub(crate) gates: &'a [T],
    pub(crate) c: &'a [T],
    pub(crate) c0: &'a [T],
    pub(crate) weight: &'a [T],
}

/// What it writes: the gradients of the gates before their functions, `[length, batch, 4 hidden]`, and of the first
/// states; `c0` holds that of the last c at first.
pub(crate) struct Gradients<'a, T> {
    pub(crate) gates: &'a mut [T],
    pub(crate) h0: &'a mut [T],
    pub(crate) c0: &'a mut [T],
}

/// The gradients of [`forward`], those of the weights and of the bias excepted, which are products with and sums of that
/// of the gates.
pub(crate) fn backward<T: GemmElement>(layer: Layer, kept: Kept<'_, T>, out: Gradients<'_, T>) {
    let (hidden, width) = (layer.hidden, GATES * layer.hidden);
    let states = (layer.run() * hidden).max(1);
    let first = out.h0.chunks_mut(states).zip(out.c0.chunks_mut(states));
    let mut runs: Vec<_> = layer.cut(out.gates, width).into_iter().zip(first).collect();
    for_each_chunk(&mut runs, 1, |i, run| {
        let (Some((gates, (dh, dc))), first) = (run.first_mut(), i * layer.run()) else { return };
        let rows = layer.run().min(layer.batch - first);
        let at = |data, step, width| layer.rows(data, step, first, rows, width);
        dh.fill(T::ZERO);
        for step in layer.steps().rev() {
            let c_before = match layer.before(step) {
                Some(before) => at(kept.c, before, hidden),
                None => &kept.c0[first * hidden..][..rows * hidden],
            };
            dispatch(CellBackward {
                grad: at(kept.grad, step, hidden),
                gates: at(kept.gates, step, width),
                c: at(kept.c, step, hidden),
                c_before,
                dgates: &mut *gates[step],
                dh,
                dc,
                hidden,
            });
            gemm_inside_task(
                Matrix::new(&*gates[step], [rows, width], [width, 1]),
                Matrix::new(kept.weight, [width, hidden], [hidden, 1]),
                T::ZERO,
                MatrixMut::new(dh, [rows, hidden], hidden),
            );
        }
    });
}

/// One step back of a run, ahead of the product.
struct CellBackward<'a, T> {
    grad: &'a [T],
    gates: &'a [T],
    c: &'a [T],
    c_before: &'a [T],
    dgates: &'a mut [T],
    dh: &'a mut [T],
    dc: &'a mut [T],
    hidden: usize,
}

impl<T: Float> Kernel for CellBackward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let (n, width) = (self.hidden, GATES * self.hidden);
        let kept =
            self.gates.chunks_exact(width).zip(self.c.chunks_exact(n)).zip(self.c_before.chunks_exact(n));
        let above = self.grad.chunks_exact(n).zip(self.dh.chunks_exact(n)).zip(self.dc.chunks_exact_mut(n));
        for ((((gates, c), before), ((grad, dh), dc)), dgates) in
            kept.zip(above).zip(self.dgates.chunks_exact_mut(width))
        {
            let (i, rest) = gates.split_at(n);
            let (f, rest) = rest.split_at(n);
            let (g, o) = rest.split_at(n);
            let (di, rest) = dgates.split_at_mut(n);
            let (df, rest) = rest.split_at_mut(n);
            let (dg, d_o) = rest.split_at_mut(n);
            let (f, o, d_o, c, before) = (&f[..n], &o[..n], &mut d_o[..n], &c[..n], &before[..n]);
            let (grad, dh, dc) = (&grad[..n], &dh[..n], &mut dc[..n]);
            let (di, df, dg) = (&mut di[..n], &mut df[..n], &mut dg[..n]);
            for j in 0..n {
                let (dh, tanh) = (grad[j] + dh[j], c[j].tanh::<I>());
                let dc_j = dc[j] + dh * o[j] * (T::ONE - tanh * tanh);
                di[j] = dc_j * g[j] * i[j] * (T::ONE - i[j]);
                df[j] = dc_j * before[j] * f[j] * (T::ONE - f[j]);
                dg[j] = dc_j * i[j] * (T::ONE - g[j] * g[j]);
                d_o[j] = dh * tanh * o[j] * (T::ONE - o[j]);
                dc[j] = dc_j * f[j];
            }
        }
    }
}
