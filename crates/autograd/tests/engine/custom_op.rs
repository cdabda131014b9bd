//! Operations of the user's own.

use crate::support::*;

/// y = (2x, 3x): two outputs.
struct TwoAndThree;

impl Op for TwoAndThree {
    fn name(&self) -> &'static str {
        "two_and_three"
    }
    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(Forward::many([inputs[0].mul_scalar(2.0)?, inputs[0].mul_scalar(3.0)?]))
    }
    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let two = ctx.output_grad(0).map(|g| g.mul_scalar(2.0)).transpose()?;
        let three = ctx.output_grad(1).map(|g| g.mul_scalar(3.0)).transpose()?;
        Ok(Grads::from_iter([match (two, three) {
            (Some(a), Some(b)) => Some(a.add(&b)?),
            (a, b) => a.or(b),
        }]))
    }
}

#[test]
fn an_operation_of_several_outputs_sees_which_were_used() {
    let x = scalar(1.0);
    let y = apply_multi(TwoAndThree, &[&x]).unwrap();
    y[1].backward().unwrap();
    assert_eq!(gradient(&x), [3.0]);
    x.zero_grad();
    let y = apply_multi(TwoAndThree, &[&x]).unwrap();
    y[0].mul(&y[1]).unwrap().backward().unwrap(); // 6x²
    assert_eq!(gradient(&x), [12.0]);
    x.zero_grad();
    let y = apply_multi(TwoAndThree, &[&x]).unwrap();
    backward(&[&y[0], &y[1]], &[None, None], false).unwrap();
    assert_eq!(gradient(&x), [5.0]);
}

/// An operation whose rule is wrong on purpose.
struct Wrong {
    count: usize,
    shape: [usize; 1],
}

impl Op for Wrong {
    fn name(&self) -> &'static str {
        "wrong"
    }
    fn keep(&self) -> Keep {
        Keep::Nothing
    }
    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].sum()?.into())
    }
    fn backward(&self, _: &Context) -> Result<Grads> {
        (0..self.count).map(|_| Ok(Some(Tensor::ones(self.shape, DType::F64)?.into()))).collect()
    }
}

#[test]
fn a_rule_with_wrong_gradients_is_an_error_that_names_it() {
    let x = leaf(&[1.0, 2.0, 3.0]);
    let message = apply(Wrong { count: 2, shape: [3] }, &[&x]).unwrap().backward().unwrap_err().to_string();
    assert!(
        message.contains("wrong returned an incorrect number of gradients (expected 1, got 2)"),
        "{message}"
    );
    let message = apply(Wrong { count: 1, shape: [7] }, &[&x]).unwrap().backward().unwrap_err().to_string();
    assert!(message.contains("got [7]") && message.contains("[3]") && message.contains(file!()), "{message}");
}
