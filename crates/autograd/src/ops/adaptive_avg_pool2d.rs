//! Means over a grid of `h × w` parts that cover the input: a product with a matrix of means from each side, since a
//! mean over a rectangle is a mean of means.

use crate::testing::{Row, Sample};
use crate::{DType, Error, Result, Shape, Var};
use tensor_core::Tensor;

/// `[outputs, inputs]`: row i holds the mean over elements ⌊i n / m⌋ to ⌈(i + 1) n / m⌉.
fn means(inputs: usize, outputs: usize, dtype: DType) -> Result<Tensor> {
    let mut matrix = Tensor::zeros([outputs, inputs], DType::F64)?;
    for (i, row) in matrix.as_slice_mut::<f64>()?.chunks_exact_mut(inputs.max(1)).enumerate() {
        let part = i * inputs / outputs..((i + 1) * inputs).div_ceil(outputs);
        let share = 1.0 / part.len() as f64;
        row[part].fill(share);
    }
    Ok(matrix.to_dtype(dtype)?)
}

impl Var {
    /// The means over an even grid of `output` (height, width) parts of `[N, C, H, W]` or `[C, H, W]`:
    /// `torch.nn.functional.adaptive_avg_pool2d`. A size of `None` stays that of the input.
    ///
    /// # Errors
    /// If there are other dimensions, a height or width of 0, or the dtype is not floating-point.
    #[track_caller]
    pub fn adaptive_avg_pool2d(&self, output: [Option<usize>; 2]) -> Result<Var> {
        let location = std::panic::Location::caller();
        let [height, width] = match **self.shape() {
            [_, h, w] | [_, _, h, w] if h > 0 && w > 0 => [h, w],
            _ => {
                let (value, expected) = (self.shape().to_string(), "[N, C, H, W] or [C, H, W] with H, W > 0");
                let (op, argument) = ("adaptive_avg_pool2d", "the input's shape");
                return Err(Error::Argument { op, argument, value, expected, location });
            }
        };
        let mut y = self.clone();
        if let Some(columns) = output[1].filter(|&columns| columns != width) {
            y = y.matmul(&Var::from(means(width, columns, self.dtype())?).t()?)?;
        }
        if let Some(rows) = output[0].filter(|&rows| rows != height) {
            y = Var::from(means(height, rows, self.dtype())?).matmul(&y)?;
        }
        Ok(y)
    }
}

pub(crate) const ROW: Row = Row {
    name: "adaptive_avg_pool2d",
    sample: |s| {
        let (batch, channels, height, width) = (s.below(3), s.size(), s.size(), s.size());
        let x = s.tensor(&Shape::from([batch, channels, height, width]), -2.0, 2.0)?;
        let output = [Some(s.size()), if s.one_in(3) { None } else { Some(s.size()) }];
        let (rows, columns) = (output[0].unwrap_or(height), output[1].unwrap_or(width));
        let values = x.to_vec::<f64>()?;
        let mut expected = Vec::new();
        for plane in values.chunks(height * width) {
            for i in 0..rows * columns {
                let (i, j) = (i / columns, i % columns);
                let down = i * height / rows..((i + 1) * height).div_ceil(rows);
                let across = j * width / columns..((j + 1) * width).div_ceil(columns);
                let count = (down.len() * across.len()) as f64;
                let part = down.flat_map(|r| across.clone().map(move |c| plane[r * width + c]));
                expected.push(part.sum::<f64>() / count);
            }
        }
        Ok(Sample::new(vec![x], move |x| x[0].adaptive_avg_pool2d(output)).expect(expected))
    },
    order: 2,
};
