//! Matrix products.

use crate::dtype::dispatch_float;
use crate::kernel::gemm::{Activation, Epilogue, Matrix, MatrixMut, gemm};
use crate::{Error, ErrorKind, Result, Shape, Tensor};

impl Tensor {
    /// The matrix product, as `torch.matmul`: two vectors give their dot product, a vector beside a matrix counts as
    /// a row or column that is then dropped, and leading dimensions are batches that broadcast.
    /// `[.., m, k] × [.., k, n] → [.., m, n]`.
    ///
    /// # Errors
    /// If an operand is 0-d, the inner sizes differ, batches do not broadcast, or the dtypes are not one float dtype.
    ///
    /// ```
    /// use tensor_core::{DType, Tensor};
    /// let a = Tensor::ones([5, 2, 3], DType::F32)?;
    /// let b = Tensor::ones([3, 4], DType::F32)?;
    /// assert_eq!(*a.matmul(&b)?.shape(), [5, 2, 4]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn matmul(&self, other: &Tensor) -> Result<Tensor> {
        const OP: &str = "matmul";
        self.same_dtype(OP, other)?;
        for (argument, tensor) in [("left", self), ("right", other)] {
            if tensor.rank() == 0 {
                let (found, expected) = (tensor.shape().clone(), "at least 1 dimension".to_string());
                return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument, found, expected }));
            }
        }
        let a = if self.rank() == 1 { self.unsqueeze(0)? } else { self.clone() };
        let b = if other.rank() == 1 { other.unsqueeze(1)? } else { other.clone() };
        let k = a.shape()[a.rank() - 1];
        if b.shape()[b.rank() - 2] != k {
            let inner = if other.rank() == 1 { format!("[{k}]") } else { format!("[.., {k}, n]") };
            let expected = format!("{inner} to fit {}", self.shape());
            let found = other.shape().clone();
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "right", found, expected }));
        }
        let mut y = a.matmul_batched(&b)?;
        if self.rank() == 1 {
            y = y.squeeze(-2)?;
        }
        if other.rank() == 1 {
            y = y.squeeze(-1)?;
        }
        Ok(y)
    }

    /// Both operands have at least two dimensions and inner sizes that match.
    #[track_caller]
    fn matmul_batched(&self, other: &Tensor) -> Result<Tensor> {
        const OP: &str = "matmul";
        let (a_rank, b_rank) = (self.rank(), other.rank());
        let (m, k, n) = (self.shape()[a_rank - 2], self.shape()[a_rank - 1], other.shape()[b_rank - 1]);
        let lead = Shape::new(&self.shape()[..a_rank - 2])
            .broadcast(OP, &Shape::new(&other.shape()[..b_rank - 2]))?;
        let shape: Shape = lead.iter().copied().chain([m, n]).collect();
        // One right-hand matrix for all: the batch is more rows of the same product.
        if b_rank == 2 && a_rank > 2 {
            let rows = self.reshape_to(OP, Shape::from([lead.numel() * m, k]))?;
            return rows.matmul_batched(other)?.reshape_to(OP, shape);
        }
        let batch = lead.numel();
        let a = self.batch_of_matrices(&lead)?;
        let b = other.batch_of_matrices(&lead)?;
        dispatch_float!(OP, [a, b], T => Tensor::build::<T>(OP, shape, |out| {
            if out.is_empty() {
                return;
            }
            let c = MatrixMut::new(out, [m, n], n).batched(batch, m * n);
            gemm(a.matrices::<T>(), b.matrices::<T>(), 0.0, c, Epilogue::default());
        }))
    }

    /// As `[batch, rows, cols]` with `lead` broadcast and joined into one dimension.
    #[track_caller]
    fn batch_of_matrices(&self, lead: &Shape) -> Result<Tensor> {
        let [.., rows, cols] = **self.shape() else { return Ok(self.clone()) };
        let full: Shape = lead.iter().copied().chain([rows, cols]).collect();
        self.broadcast_to(&full)?.reshape_to("matmul", Shape::from([lead.numel(), rows, cols]))
    }

    /// The operand of a product that a `[batch, rows, cols]` tensor is.
    fn matrices<T: crate::Element>(&self) -> Matrix<'_, T> {
        let (shape, strides) = (self.shape(), self.strides());
        Matrix::new(self.data::<T>(), [shape[1], shape[2]], [strides[1], strides[2]])
            .batched(shape[0], strides[0])
    }

    /// `x · weightᵀ + bias`, as `torch.nn.functional.linear`, with an activation applied in the same pass:
    /// `[.., in] × [out, in] → [.., out]`; a weight `[in]` with a 0-d bias gives `[..]`.
    ///
    /// # Errors
    /// If the sizes do not fit or the dtypes are not one float dtype.
    #[track_caller]
    pub fn linear(&self, weight: &Tensor, bias: Option<&Tensor>, activation: Activation) -> Result<Tensor> {
        const OP: &str = "linear";
        self.same_dtype(OP, weight)?;
        if weight.rank() == 1 {
            let bias = bias.map(|bias| bias.unsqueeze(0)).transpose()?;
            return self.linear(&weight.unsqueeze(0)?, bias.as_ref(), activation)?.squeeze(-1);
        }
        let [outputs, inputs] = **weight.shape() else {
            let (found, expected) = (weight.shape().clone(), "[out, in]".to_string());
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "weight", found, expected }));
        };
        if self.shape().last() != Some(&inputs) {
            let (found, expected) =
                (self.shape().clone(), format!("[.., {inputs}] to fit weight {}", weight.shape()));
            return Err(Error::new(OP, ErrorKind::ShapeMismatch { argument: "input", found, expected }));
        }
        let bias = match bias {
            Some(bias) => {
                self.same_dtype(OP, bias)?;
                if *bias.shape() != [outputs] {
                    let (found, expected) = (bias.shape().clone(), format!("[{outputs}]"));
                    return Err(Error::new(
                        OP,
                        ErrorKind::ShapeMismatch { argument: "bias", found, expected },
                    ));
                }
                Some(bias.contiguous()?)
            }
            None => None,
        };
        let rows = self.shape()[..self.rank() - 1].iter().product();
        let x = self.reshape_to(OP, Shape::from([rows, inputs]))?;
        let shape = self.shape()[..self.rank() - 1].iter().copied().chain([outputs]).collect();
        dispatch_float!(OP, [x, weight, bias], T => Tensor::build::<T>(OP, shape, |out| {
            if out.is_empty() {
                return;
            }
            let a = Matrix::new(x.data::<T>(), [rows, inputs], [x.strides()[0], x.strides()[1]]);
            let b = Matrix::new(weight.data::<T>(), [inputs, outputs], [weight.strides()[1], weight.strides()[0]]);
            let epilogue = Epilogue { bias: bias.as_ref().map(|b| b.dense::<T>()), activation };
            gemm(a, b, 0.0, MatrixMut::new(out, [rows, outputs], outputs), epilogue);
        }))
    }
}
