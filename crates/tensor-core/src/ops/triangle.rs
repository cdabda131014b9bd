//! Triangles of matrices.

use crate::{Error, ErrorKind, Result, Tensor};

impl Tensor {
    /// The lower triangle of the matrices `[.., rows, cols]`, 0 above diagonal number `diagonal` (0 is the main one,
    /// positive ones lie above it): `torch.tril`.
    ///
    /// # Errors
    /// If there are fewer than two dimensions.
    #[track_caller]
    pub fn tril(&self, diagonal: isize) -> Result<Tensor> {
        self.triangle("tril", |row, column| column - row > diagonal as i64)
    }

    /// The upper triangle of the matrices `[.., rows, cols]`, 0 below diagonal number `diagonal`: `torch.triu`.
    ///
    /// # Errors
    /// If there are fewer than two dimensions.
    #[track_caller]
    pub fn triu(&self, diagonal: isize) -> Result<Tensor> {
        self.triangle("triu", |row, column| column - row < diagonal as i64)
    }

    #[track_caller]
    fn triangle(&self, op: &'static str, dropped: impl Fn(i64, i64) -> bool) -> Result<Tensor> {
        let [.., rows, cols] = **self.shape() else {
            let (found, expected) = (self.shape().clone(), "at least 2 dimensions".to_string());
            return Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "input", found, expected }));
        };
        let cell = |i: usize| dropped((i / cols) as i64, (i % cols) as i64);
        let mask = Tensor::build::<bool>(op, [rows, cols].into(), |mask| {
            mask.iter_mut().enumerate().for_each(|(i, m)| *m = cell(i));
        })?;
        self.masked_fill(&mask, 0).map_err(|e| e.of(op))
    }
}
