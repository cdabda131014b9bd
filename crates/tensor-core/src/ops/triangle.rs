//! Triangles of matrices, and one-hot rows.

use crate::{DType, Error, ErrorKind, Result, Tensor};

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

    /// For each class index of this i64 tensor a row of `classes` numbers (i64), 1 at the index and 0 elsewhere:
    /// `torch.nn.functional.one_hot`.
    ///
    /// # Errors
    /// If the dtype is not i64 or an index is not below `classes`.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_vec(vec![2i64, 0], [2])?;
    /// assert_eq!(x.one_hot(3)?.to_vec::<i64>()?, [0, 0, 1, 1, 0, 0]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn one_hot(&self, classes: usize) -> Result<Tensor> {
        const OP: &str = "one_hot";
        if self.dtype() != DType::I64 {
            let found = self.dtype();
            return Err(Error::new(OP, ErrorKind::DType { argument: "input", found, expected: "i64" }));
        }
        let indices = self.contiguous()?;
        let indices = indices.dense::<i64>();
        if let Some(&index) = indices.iter().find(|&&i| i < 0 || i as u64 >= classes as u64) {
            return Err(Error::new(
                OP,
                ErrorKind::IndexOutOfRange { index, dim: self.rank(), size: classes },
            ));
        }
        let mut shape = self.shape().clone();
        shape.push(classes);
        Tensor::build::<i64>(OP, shape, |out| {
            out.fill(0);
            for (row, &index) in out.chunks_exact_mut(classes.max(1)).zip(indices) {
                row[index as usize] = 1;
            }
        })
    }
}
