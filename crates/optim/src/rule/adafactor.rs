//! Adafactor.

use super::{Parts, Rule, Slot, Step, check};
use crate::{Invalid, PerParameter, Result};
use tensor_core::Shape;
use tensor_core::step::{Real, for_each, sum};

/// Adafactor, whose means of squares are kept for rows and columns alone: `torch.optim.Adafactor`.
///
/// ```text
/// w = t^beta2_decay,   α = max(eps2, rms(p)) * min(lr, 1 / sqrt(t)),   p = p * (1 - lr * weight_decay)
/// R = R + w * (mean over columns of g² - R),   C = C + w * (mean over rows of g² - C)
/// v = R C / max(mean(R), eps1)
/// u = g / sqrt(max(v, eps1²))
/// p = p - α / max(1, rms(u) / d) * u
/// ```
///
/// For a parameter of fewer than two dimensions `v = v + w * (g² - v)`; one of more is a batch of matrices. Keeps
/// `step` (t), and `row_var` (R) and `col_var` (C), or `variance` (v). Shazeer and Stern, "Adafactor: Adaptive
/// Learning Rates with Sublinear Memory Cost" (2018), as PyTorch reads it (no first moment; the relative step is
/// capped by `lr`).
pub type Adafactor = PerParameter<AdafactorOptions>;

crate::options! {
    /// Options of [`Adafactor`].
    pub struct AdafactorOptions {
        /// Largest relative step.
        lr: f64 = 1e-2,
        /// Exponent of the decay of the old means.
        beta2_decay: f64 = -0.8,
        /// Smallest mean of squares' root, `None` for the precision of the dtype, and smallest scale of a parameter.
        eps: (Option<f64>, f64) = (None, 1e-3),
        /// Where the root mean square of an update is clipped.
        d: f64 = 1.0,
        /// Factor of the decoupled weight decay.
        weight_decay: f64 = 0.0,
        /// Whether to climb.
        maximize: bool = false,
    }
}

impl Rule for AdafactorOptions {
    const NAME: &'static str = "Adafactor";

    fn state(&self, parameter: &Shape) -> &'static [Slot] {
        if parameter.len() > 1 {
            &[Slot::Number("step"), Slot::Buffer("row_var"), Slot::Buffer("col_var")]
        } else {
            &[Slot::Number("step"), Slot::Buffer("variance")]
        }
    }

    fn state_shape(&self, name: &str, parameter: &Shape) -> Shape {
        let mut sizes = parameter.to_vec();
        let rank = sizes.len();
        match name {
            "row_var" => sizes[rank - 1] = 1,
            "col_var" => sizes[rank - 2] = 1,
            _ => {}
        }
        Shape::new(&sizes)
    }

    fn check(&self) -> Result<(), Invalid> {
        check::lr(self.lr)?;
        Invalid::unless(self.beta2_decay <= 0.0, "beta2_decay", self.beta2_decay, "beta2_decay <= 0")?;
        Invalid::unless(self.eps.0.is_none_or(|eps| eps >= 0.0), "epsilon1", self.eps.0, "eps.0 >= 0")?;
        Invalid::unless(self.eps.1 >= 0.0, "epsilon2", self.eps.1, "eps.1 >= 0")?;
        Invalid::unless(self.d >= 1.0, "clipping threshold d", self.d, "d >= 1")?;
        check::weight_decay(self.weight_decay)
    }

    fn update<F: Real>(&self, step: &mut Step<'_, F>) -> Result<()> {
        let t = step.count();
        let count = step.param().len() as f64;
        let rms = sum([step.param()], |[p]| p.to_f64() * p.to_f64())?.sqrt() / count.sqrt();
        let scale = Scale {
            weight: t.powf(self.beta2_decay),
            eps1: self.eps.0.unwrap_or(F::EPSILON.to_f64()),
            alpha: f64::max(self.eps.1, rms) * f64::min(self.lr, 1.0 / t.sqrt()),
            root: count.sqrt() * self.d,
            shrink: 1.0 - self.lr * self.weight_decay,
            sign: if self.maximize { -1.0 } else { 1.0 },
        };
        if step.shape().len() > 1 { self.matrices(step, scale) } else { vector(step, scale) }
    }
}

/// What does not depend on the element.
#[derive(Clone, Copy)]
struct Scale {
    weight: f64,
    eps1: f64,
    alpha: f64,
    root: f64,
    shrink: f64,
    sign: f64,
}

impl Scale {
    /// `p * shrink + rate * u` for updates whose squares add up to `squares`, as (shrink, rate).
    fn rate<F: Real>(self, squares: f64) -> [F; 2] {
        F::array([self.shrink, -self.sign * self.alpha / f64::max(1.0, squares.sqrt() / self.root)])
    }

    fn least<F: Real>(self) -> F {
        F::array([self.eps1 * self.eps1])[0]
    }
}

/// The update of an element of gradient `g` with the mean of squares `v`.
#[inline(always)]
fn normalized<F: Real>(g: F, v: F, least: F) -> F {
    F::ONE / v.max(least).sqrt() * g
}

fn vector<F: Real>(step: &mut Step<'_, F>, scale: Scale) -> Result<()> {
    let [weight] = F::array([scale.weight]);
    step.each(["variance"], |p, g, [v]| (p, [v.lerp(g * g, weight)]))?;
    let least = scale.least::<F>();
    let Parts { grad, buffers: [variance], .. } = step.parts(["variance"])?;
    let square = |[g, v]: [F; 2]| normalized(g, v, least).to_f64().powi(2);
    let [shrink, rate] = scale.rate(sum([grad, variance], square)?);
    step.each(["variance"], |p, g, [v]| (p * shrink + rate * normalized(g, v, least), [v]))
}

/// A row of a matrix.
struct Row<'a, F> {
    param: &'a mut [F],
    grad: &'a [F],
    /// The kept means of squares of the row and of all columns.
    row_mean: F,
    column_means: &'a [F],
    /// The mean of the kept means of all rows.
    divisor: F,
    /// The squares of the row's updates.
    squares: f64,
}

impl<F: Real> Row<'_, F> {
    #[inline(always)]
    fn update(&self, column: usize, least: F) -> F {
        normalized(self.grad[column], self.row_mean * self.column_means[column] / self.divisor, least)
    }
}

/// Columns that are summed together, so that each row is read in runs of a cache line.
const COLUMN_BLOCK: usize = 16;

impl AdafactorOptions {
    fn matrices<F: Real>(&self, step: &mut Step<'_, F>, scale: Scale) -> Result<()> {
        let shape = step.shape().clone();
        let (rows, columns) = (shape[shape.len() - 2], shape[shape.len() - 1]);
        for name in ["row_var", "col_var"] {
            step.init_shape(name, 0.0, &self.state_shape(name, &shape))?;
        }
        let Parts { param, grad, buffers: [row_var, col_var] } = step.parts(["row_var", "col_var"])?;
        if param.is_empty() {
            return Ok(());
        }
        let [weight, eps1] = F::array([scale.weight, scale.eps1]);
        means_of_rows(row_var, grad, columns, weight);
        means_of_columns(col_var, grad, rows, columns, weight);
        let mut all = Vec::with_capacity(row_var.len());
        let matrices = param.chunks_mut(rows * columns).zip(grad.chunks(rows * columns));
        let means = row_var.chunks(rows).zip(col_var.chunks(columns));
        for ((param, grad), (row_means, column_means)) in matrices.zip(means) {
            let mean = row_means.iter().map(|mean| mean.to_f64()).sum::<f64>() / rows as f64;
            let divisor = F::array([mean])[0].max(eps1);
            let cut = param.chunks_mut(columns).zip(grad.chunks(columns)).zip(row_means);
            all.extend(cut.map(|((param, grad), &row_mean)| Row {
                param,
                grad,
                row_mean,
                column_means,
                divisor,
                squares: 0.0,
            }));
        }
        let least = scale.least::<F>();
        let measure = |row: &mut Row<F>| {
            row.squares = (0..columns).map(|column| row.update(column, least).to_f64().powi(2)).sum();
        };
        for_each(&mut all, |_| columns, measure);
        let [shrink, rate] = scale.rate::<F>(all.iter().map(|row| row.squares).sum());
        let apply = |row: &mut Row<F>| {
            for column in 0..columns {
                row.param[column] = row.param[column] * shrink + rate * row.update(column, least);
            }
        };
        for_each(&mut all, |_| columns, apply);
        Ok(())
    }
}

/// Moves each kept mean towards the mean of the squares of its row.
fn means_of_rows<F: Real>(kept: &mut [F], grad: &[F], columns: usize, weight: F) {
    let mut rows: Vec<_> = kept.iter_mut().zip(grad.chunks(columns)).collect();
    for_each(
        &mut rows,
        |_| columns,
        |(kept, grad)| {
            let squares: f64 = grad.iter().map(|g| g.to_f64().powi(2)).sum();
            **kept = kept.lerp(F::array([squares / columns as f64])[0], weight);
        },
    );
}

/// Moves each kept mean towards the mean of the squares of its column.
fn means_of_columns<F: Real>(kept: &mut [F], grad: &[F], rows: usize, columns: usize, weight: F) {
    let matrices = kept.chunks_mut(columns).zip(grad.chunks(rows * columns));
    let mut blocks: Vec<_> = matrices
        .flat_map(|(kept, grad)| kept.chunks_mut(COLUMN_BLOCK).enumerate().map(move |block| (block, grad)))
        .collect();
    for_each(
        &mut blocks,
        |((_, kept), _)| kept.len() * rows,
        |((block, kept), grad)| {
            let mut squares = [0.0f64; COLUMN_BLOCK];
            let first = *block * COLUMN_BLOCK;
            for row in grad.chunks(columns) {
                for (sum, g) in squares.iter_mut().zip(&row[first..first + kept.len()]) {
                    *sum += g.to_f64().powi(2);
                }
            }
            for (kept, sum) in kept.iter_mut().zip(squares) {
                *kept = kept.lerp(F::array([sum / rows as f64])[0], weight);
            }
        },
    );
}
