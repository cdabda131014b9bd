//! Linear algebra on batches of matrices `[.., m, n]`: `torch.linalg`. Computed in f64, whatever the dtype; matrices of
//! a batch are shared among threads.

use crate::kernel::linalg::{self, Lu, Svd};
use crate::kernel::parallel::map_tasks;
use crate::storage::Storage;
use crate::{DType, Error, ErrorKind, Result, Shape, Tensor};

/// A batch of matrices in f64.
struct Matrices {
    /// The leading dimensions.
    lead: Shape,
    m: usize,
    n: usize,
    values: Tensor,
}

impl Matrices {
    #[track_caller]
    fn new(op: &'static str, argument: &'static str, x: &Tensor) -> Result<Self> {
        let (found, expected) = (x.dtype(), "a floating-point dtype");
        if !found.is_float() {
            return Err(Error::new(op, ErrorKind::DType { argument, found, expected }));
        }
        let [ref lead @ .., m, n] = **x.shape() else {
            let (found, expected) = (x.shape().clone(), "[.., m, n]".to_string());
            return Err(Error::new(op, ErrorKind::ShapeMismatch { argument, found, expected }));
        };
        let lead = Shape::new(lead);
        // Results are a list for each matrix, and loops run over rows and columns: where there are no elements these may
        // be more than memory has, and are refused like elements.
        let lines = lead.numel().saturating_mul(m.saturating_add(n).saturating_add(1));
        Storage::expect_room(op, lines)?;
        Ok(Self { lead, m, n, values: x.to_dtype(DType::F64)?.contiguous()? })
    }

    #[track_caller]
    fn square(op: &'static str, argument: &'static str, x: &Tensor) -> Result<Self> {
        let matrices = Self::new(op, argument, x)?;
        if matrices.m != matrices.n {
            let (found, expected) = (x.shape().clone(), "square matrices [.., n, n]".to_string());
            return Err(Error::new(op, ErrorKind::ShapeMismatch { argument, found, expected }));
        }
        Ok(matrices)
    }

    /// How many there are.
    fn count(&self) -> usize {
        self.lead.numel()
    }

    /// Matrix `b`, row-major.
    fn get(&self, b: usize) -> &[f64] {
        let size = self.m * self.n;
        &self.values.dense::<f64>()[b * size..][..size]
    }

    /// The shape of a batch of results of the same leading dimensions.
    fn shape(&self, last: &[usize]) -> Shape {
        self.lead.iter().chain(last).copied().collect()
    }
}

/// Joins results, one of the batch after the other, as `like`'s dtype.
#[track_caller]
fn gather<'a>(
    op: &'static str,
    like: &Tensor,
    shape: Shape,
    parts: impl Iterator<Item = &'a [f64]>,
) -> Result<Tensor> {
    let joined = Tensor::build::<f64>(op, shape, |out| {
        let mut rest = out;
        for part in parts {
            let (here, next) = std::mem::take(&mut rest).split_at_mut(part.len());
            here.copy_from_slice(part);
            rest = next;
        }
    })?;
    joined.to_dtype(like.dtype())
}

impl Tensor {
    /// The lower factor L of symmetric positive-definite matrices, `A = L Lᵀ`, or with `upper` its transpose, `A = Uᵀ U`:
    /// `torch.linalg.cholesky`. Only that triangle of A is read.
    ///
    /// # Errors
    /// If the matrices are not square or one is not positive-definite, or the dtype is not floating-point.
    #[track_caller]
    pub fn cholesky(&self, upper: bool) -> Result<Tensor> {
        const OP: &str = "cholesky";
        let input = if upper && self.rank() >= 2 { self.transpose(-2, -1)? } else { self.clone() };
        let a = Matrices::square(OP, "input", &input)?;
        let factors = map_tasks(a.count(), |batch| {
            let mut factor = a.get(batch).to_vec();
            match linalg::cholesky(&mut factor, a.n) {
                Ok(()) => Ok(factor),
                Err(minor) => Err(ErrorKind::NotPositiveDefinite { batch, minor }),
            }
        });
        let factors = all(OP, factors)?;
        let lower = gather(OP, self, a.shape(&[a.n, a.n]), factors.iter().map(Vec::as_slice))?;
        if upper { lower.transpose(-2, -1) } else { Ok(lower) }
    }

    /// The determinants of square matrices, `[.., n, n] → [..]`: `torch.linalg.det`.
    ///
    /// # Errors
    /// If the matrices are not square or the dtype is not floating-point.
    #[track_caller]
    pub fn det(&self) -> Result<Tensor> {
        let a = Matrices::square("det", "input", self)?;
        let dets = map_tasks(a.count(), |b| Lu::new(a.get(b).to_vec(), a.n).det());
        gather("det", self, a.lead.clone(), std::iter::once(dets.as_slice()))
    }

    /// The sign of the determinants (0 for a singular matrix) and the logarithm of their size (−∞ there), each
    /// `[.., n, n] → [..]`: `torch.linalg.slogdet`.
    ///
    /// # Errors
    /// If the matrices are not square or the dtype is not floating-point.
    #[track_caller]
    pub fn slogdet(&self) -> Result<(Tensor, Tensor)> {
        let a = Matrices::square("slogdet", "input", self)?;
        let results = map_tasks(a.count(), |b| Lu::new(a.get(b).to_vec(), a.n).slogdet());
        let (signs, logs): (Vec<f64>, Vec<f64>) = results.into_iter().unzip();
        let gather =
            |part: Vec<f64>| gather("slogdet", self, a.lead.clone(), std::iter::once(part.as_slice()));
        Ok((gather(signs)?, gather(logs)?))
    }

    /// The inverses of square matrices: `torch.linalg.inv`.
    ///
    /// # Errors
    /// If the matrices are not square or one is singular, or the dtype is not floating-point.
    #[track_caller]
    pub fn inv(&self) -> Result<Tensor> {
        let a = Matrices::square("inv", "input", self)?;
        let identity = Tensor::eye(a.n, self.dtype())?.broadcast_to(self.shape())?;
        self.solve(&identity).map_err(|e| e.of("inv"))
    }

    /// X of `A X = B` for square matrices A (`self`) and B of `[.., n, k]`, or of vectors `[.., n]`; leading dimensions
    /// broadcast: `torch.linalg.solve`.
    ///
    /// B holds vectors if it has one dimension, or one less than A and A's leading ones, as in PyTorch.
    ///
    /// # Errors
    /// If the sizes do not fit, a matrix is singular, or the dtypes are not one floating-point dtype.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let a = Tensor::from_vec(vec![2.0f64, 0.0, 1.0, 4.0], [2, 2])?;
    /// let x = a.solve(&Tensor::from_vec(vec![2.0f64, 9.0], [2])?)?;
    /// assert_eq!(x.to_vec::<f64>()?, [1.0, 2.0]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn solve(&self, b: &Tensor) -> Result<Tensor> {
        let n = Matrices::square("solve", "input", self)?.n;
        self.solve_each("solve", b, |a| {
            let lu = Lu::new(a.to_vec(), n);
            match lu.zero_pivot() {
                Some(k) => Err(k + 1),
                None => Ok(move |b: &mut [f64], columns: usize| lu.solve(b, columns)),
            }
        })
    }

    /// X of `A X = B` for triangular matrices A (`self`), of which the other triangle is not read; shapes as for
    /// [`solve`](Tensor::solve): `torch.linalg.solve_triangular`. A zero on the diagonal gives infinities.
    ///
    /// # Errors
    /// If the sizes do not fit or the dtypes are not one floating-point dtype.
    #[track_caller]
    pub fn solve_triangular(&self, b: &Tensor, upper: bool) -> Result<Tensor> {
        let n = Matrices::square("solve_triangular", "input", self)?.n;
        self.solve_each("solve_triangular", b, |a| {
            let a = a.to_vec();
            Ok(move |b: &mut [f64], columns: usize| linalg::solve_triangular(&a, n, upper, b, columns))
        })
    }

    /// Applies the solver that `factor` makes of each matrix to its right-hand side.
    #[track_caller]
    fn solve_each<S: Fn(&mut [f64], usize)>(
        &self,
        op: &'static str,
        b: &Tensor,
        factor: impl Fn(&[f64]) -> Result<S, usize> + Sync,
    ) -> Result<Tensor> {
        self.same_dtype(op, b)?;
        let vectors = solves_vectors(self.shape(), b.shape());
        let right = if vectors { b.unsqueeze(-1)? } else { b.clone() };
        let (a, right) = (Matrices::new(op, "input", self)?, Matrices::new(op, "right", &right)?);
        if right.m != a.n {
            let (found, n) = (b.shape().clone(), a.n);
            let expected = format!("[.., {n}, k] or [{n}] to fit {}", self.shape());
            return Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "right", found, expected }));
        }
        let (n, k) = (right.m, right.n);
        let lead = a.lead.broadcast(op, &right.lead)?;
        let wide = |x: &Matrices| -> Result<Matrices> {
            let full: Shape = lead.iter().copied().chain([x.m, x.n]).collect();
            let values = x.values.broadcast_to(&full)?.contiguous()?;
            Ok(Matrices { lead: lead.clone(), m: x.m, n: x.n, values })
        };
        let (a, right) = (wide(&a)?, wide(&right)?);
        let solved = map_tasks(a.count(), |batch| {
            let solver = factor(a.get(batch)).map_err(|diagonal| ErrorKind::Singular { batch, diagonal })?;
            let mut x = right.get(batch).to_vec();
            solver(&mut x, k);
            Ok(x)
        });
        let solved = all(op, solved)?;
        let x = gather(op, self, right.shape(&[n, k]), solved.iter().map(Vec::as_slice))?;
        if vectors { x.squeeze(-1) } else { Ok(x) }
    }

    /// The reduced factors `A = Q R` of `[.., m, n]` with k = min(m, n): Q `[.., m, k]` with orthonormal columns and R
    /// `[.., k, n]` upper triangular, with LAPACK's signs: `torch.linalg.qr`.
    ///
    /// # Errors
    /// If there are fewer than two dimensions or the dtype is not floating-point.
    #[track_caller]
    pub fn qr(&self) -> Result<(Tensor, Tensor)> {
        let a = Matrices::new("qr", "input", self)?;
        let (m, n, k) = (a.m, a.n, a.m.min(a.n));
        let factors = map_tasks(a.count(), |b| {
            let (mut q, mut r) = (vec![0.0; m * k], vec![0.0; k * n]);
            linalg::qr(a.get(b), m, n, &mut q, &mut r);
            (q, r)
        });
        let q = gather("qr", self, a.shape(&[m, k]), factors.iter().map(|(q, _)| q.as_slice()))?;
        let r = gather("qr", self, a.shape(&[k, n]), factors.iter().map(|(_, r)| r.as_slice()))?;
        Ok((q, r))
    }

    /// The reduced singular value decomposition `A = U diag(S) Vh` of `[.., m, n]` with k = min(m, n): U `[.., m, k]`,
    /// S `[.., k]` falling, Vh `[.., k, n]`: `torch.linalg.svd(full_matrices=False)`. The signs of the vectors are not
    /// determined by A, and differ from LAPACK's.
    ///
    /// # Errors
    /// If there are fewer than two dimensions, an element is NaN or infinite, or the dtype is not floating-point.
    #[track_caller]
    pub fn svd(&self) -> Result<(Tensor, Tensor, Tensor)> {
        let a = Matrices::new("svd", "input", self)?;
        let (m, n, k) = (a.m, a.n, a.m.min(a.n));
        let parts = map_tasks(a.count(), |batch| {
            linalg::svd(a.get(batch), m, n).ok_or(ErrorKind::NotFinite { batch })
        });
        let parts: Vec<Svd> = all("svd", parts)?;
        let u = gather("svd", self, a.shape(&[k, m]), parts.iter().map(|p| p.ut.as_slice()))?
            .transpose(-2, -1)?;
        let s = gather("svd", self, a.shape(&[k]), parts.iter().map(|p| p.s.as_slice()))?;
        let vh = gather("svd", self, a.shape(&[k, n]), parts.iter().map(|p| p.vt.as_slice()))?;
        Ok((u, s, vh))
    }
}

/// Whether the right-hand side `b` of matrices `a` holds vectors.
fn solves_vectors(a: &[usize], b: &[usize]) -> bool {
    b.len() == 1 || (b.len() + 1 == a.len() && a.starts_with(b))
}

/// All results, or the error of the first matrix that has one.
#[track_caller]
fn all<T>(op: &'static str, results: Vec<Result<T, ErrorKind>>) -> Result<Vec<T>> {
    let all: Result<Vec<T>, ErrorKind> = results.into_iter().collect();
    match all {
        Ok(all) => Ok(all),
        Err(kind) => Err(Error::new(op, kind)),
    }
}
