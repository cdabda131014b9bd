//! Elements added at the ends of dimensions, or cut off; the gradient of an element is the sum over its copies.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{PadMode, Result, Shape, Var};
use tensor_core::Tensor;

#[derive(Clone)]
struct Pad {
    pads: Vec<isize>,
    mode: PadMode,
}

impl Op for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].pad(&self.pads, self.mode)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let fold = Fold { pad: self.clone(), input: ctx.shape(0).clone() };
        Ok(Grads::from_iter([Some(apply(fold, &[ctx.grad()])?)]))
    }
}

/// Copies added up where they came from.
struct Fold {
    pad: Pad,
    input: Shape,
}

impl Op for Fold {
    fn name(&self) -> &'static str {
        "pad_backward"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].pad_backward(&self.input, &self.pad.pads, self.pad.mode)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        // What is added is no function of the input.
        let mode = match self.pad.mode {
            PadMode::Constant(_) => PadMode::default(),
            mode => mode,
        };
        Ok(Grads::from_iter([Some(ctx.grad().pad(&self.pad.pads, mode)?)]))
    }
}

impl Var {
    /// Elements added before and after dimensions, `pads` being a pair of numbers for the last dimension, one for the
    /// one before it, and so on; a negative number cuts off: `torch.nn.functional.pad`, see [`Tensor::pad`].
    ///
    /// # Errors
    /// If there are more pairs than dimensions, more is cut off than there is, or the mode needs more elements.
    #[track_caller]
    pub fn pad(&self, pads: impl AsRef<[isize]>, mode: PadMode) -> Result<Var> {
        apply(Pad { pads: pads.as_ref().to_vec(), mode }, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "pad",
    sample: |s| {
        let rank = 1 + s.below(3);
        let shape = s.shape_of_rank(rank);
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let mode = [PadMode::Constant(1.5), PadMode::Reflect, PadMode::Replicate, PadMode::Circular][s.below(4)];
        let mut pads = Vec::new();
        for dim in (s.below(rank)..rank).rev() {
            let most = if mode == PadMode::Reflect { shape[dim] - 1 } else { shape[dim] };
            // An element may be cut off, and fewer are then left to go round.
            let cut = usize::from(shape[dim] > 2 && s.one_in(3));
            let before = if cut > 0 { -1 } else { s.below(most + 1) as isize };
            pads.extend([before, s.below(most - cut + 1) as isize]);
        }
        let (mut values, mut sizes) = (x.to_vec::<f64>()?, shape.to_vec());
        for (i, pair) in pads.chunks(2).enumerate() {
            let dim = rank - 1 - i;
            let (n, inner) = (sizes[dim] as isize, sizes[dim + 1..].iter().product::<usize>());
            let mut padded = Vec::new();
            for plane in values.chunks(n as usize * inner) {
                for (row, j) in (-pair[0]..n + pair[1]).flat_map(|row| (0..inner).map(move |j| (row, j))) {
                    let from = match mode {
                        PadMode::Constant(_) => Some(row).filter(|row| (0..n).contains(row)),
                        PadMode::Reflect => Some((n - 1) - ((n - 1) - row.abs()).abs()),
                        PadMode::Replicate => Some(row.clamp(0, n - 1)),
                        PadMode::Circular if pair[0] < 0 => Some((row - 1) % (n - 1) + 1),
                        PadMode::Circular => Some((row + n) % n),
                    };
                    padded.push(from.map_or(1.5, |row| plane[row as usize * inner + j]));
                }
            }
            values = padded;
            sizes[dim] = (n + pair[0] + pair[1]) as usize;
        }
        Ok(Sample::new(vec![x], move |x| x[0].pad(&pads, mode)).expect(values))
    },
    order: 2,
};
