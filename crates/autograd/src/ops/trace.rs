//! The sum of the diagonal.

use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::{Error, ErrorKind};

impl Var {
    /// The sum of the diagonal of a matrix: `torch.trace`.
    ///
    /// # Errors
    /// If this is no matrix.
    #[track_caller]
    pub fn trace(&self) -> Result<Var> {
        let [rows, cols] = self.shape()[..] else {
            let (found, expected) = (self.shape().clone(), "[m, n]".to_string());
            let kind = ErrorKind::ShapeMismatch { argument: "input", found, expected };
            return Err(Error::new("trace", kind).into());
        };
        let end = rows.min(cols) * (cols + 1);
        self.flatten(0, -1)?.slice(0, 0, end as isize, cols + 1)?.sum()
    }
}

pub(crate) const ROW: Row = Row {
    name: "trace",
    sample: |s| {
        let shape = s.shape_of_rank(2);
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let (values, cols) = (x.to_vec::<f64>()?, shape[1]);
        let expected = vec![(0..shape[0].min(cols)).map(|i| values[i * cols + i]).sum()];
        Ok(Sample::new(vec![x], |x| x[0].trace()).expect(expected))
    },
    order: 2,
};
