//! Dropout.

use crate::dtype::dispatch_float;
use crate::kernel::dropout;
use crate::{Error, ErrorKind, Result, Tensor};

impl Tensor {
    /// Each element 0 with probability `p`, else divided by 1 − p: `torch.nn.functional.dropout`. Which ones is a
    /// function of `key` and of the element's place alone, so the gradient is the same function of the gradient with
    /// the same key. The key is best drawn anew for each call.
    ///
    /// # Errors
    /// If `p` is not from 0 to 1 or the dtype is not floating-point.
    #[track_caller]
    pub fn dropout(&self, p: f64, key: u64) -> Result<Tensor> {
        const OP: &str = "dropout";
        if !(0.0..=1.0).contains(&p) {
            let (value, expected) = (p.to_string(), "a probability from 0 to 1");
            return Err(Error::new(OP, ErrorKind::Argument { argument: "p", value, expected }));
        }
        let x = self.contiguous()?;
        dispatch_float!(OP, [x], T => Tensor::build::<T>(OP, x.shape().clone(), |y| {
            dropout::dropout(x.dense::<T>(), p, key, y);
        }))
    }
}
