//! An operation of a user's own, checked by property; and what the strategies give.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

use autograd::testing::Layout;
use autograd::{
    Context, Error, Forward, Grads, Keep, Op, Result, Shape, Tensor, Var, apply, gradcheck, strategies,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestError, TestRunner};
use std::collections::HashSet;

/// y = x / (1 + |x|), with dy/dx = 1 / (1 + |x|)².
struct Squash {
    /// What a wrong rule would multiply by.
    slip: f64,
}

impl Op for Squash {
    fn name(&self) -> &'static str {
        "squash"
    }
    fn keep(&self) -> Keep {
        Keep::Inputs
    }
    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].div(&inputs[0].abs()?.add_scalar(1)?)?.into())
    }
    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let slope = ctx.input(0).abs()?.add_scalar(1)?.pow_scalar(-2)?;
        Ok(Grads::from_iter([Some(ctx.grad().mul(&slope)?.mul_scalar(self.slip)?)]))
    }
}

fn squash(x: &Var) -> Result<Var> {
    apply(Squash { slip: 1.0 }, &[x])
}

proptest! {
    #[test]
    fn three_lines_check_an_operation(x in strategies::tensor(strategies::shape(3, 3), 0.1..2.0)) {
        gradcheck(|x| squash(&x[0]), &[x])?;
    }

    #[test]
    fn broadcast_pairs_broadcast((a, b) in strategies::broadcast_tensors(3, 3, -2.0..2.0)) {
        let sum = a.add(&b)?;
        prop_assert!(a.shape().broadcasts_to(sum.shape()) && b.shape().broadcasts_to(sum.shape()));
    }

    #[test]
    fn dims_are_those_of_the_rank(
        (rank, dim) in (0usize..4).prop_flat_map(|rank| (Just(rank), strategies::dim(rank)))
    ) {
        let x = Tensor::zeros(vec![1; rank], autograd::DType::F32)?;
        if rank > 0 {
            prop_assert_eq!(x.size(dim)?, 1);
        } else {
            prop_assert!(dim == 0 || dim == -1);
        }
    }

    #[test]
    fn values_and_shapes_are_those_asked_for(x in strategies::tensor(strategies::shape_of_rank(2, 4), 3.0..4.0)) {
        prop_assert!(x.rank() == 2 && x.shape().iter().all(|size| (1..=4).contains(size)));
        prop_assert!(x.to_vec::<f64>()?.iter().all(|value| (3.0..=4.0).contains(value)));
    }
}

#[test]
fn every_rank_size_and_layout_comes_up() {
    let mut runner = TestRunner::deterministic();
    let strategy = strategies::tensor(strategies::shape(3, 3), -1.0..1.0);
    let (mut ranks, mut sizes, mut strided) = (HashSet::new(), HashSet::new(), 0);
    for _ in 0..400 {
        let x = strategy.new_tree(&mut runner).unwrap().current();
        ranks.insert(x.rank());
        sizes.extend(x.shape().iter().copied());
        strided += usize::from(!x.is_contiguous());
    }
    assert_eq!((ranks.len(), sizes.len()), (4, 4), "{ranks:?} {sizes:?}");
    assert!(strided > 60, "{strided}");
    let layouts: HashSet<String> = (0..100)
        .map(|_| format!("{:?}", strategies::layout().new_tree(&mut runner).unwrap().current()))
        .collect();
    assert_eq!(layouts.len(), Layout::ALL.len());
}

#[test]
fn a_wrong_rule_is_found_and_shrinks_to_one_element() {
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&strategies::tensor(strategies::shape(3, 4), 0.5..2.0), |x| {
        gradcheck(|x| apply(Squash { slip: 1.5 }, &[&x[0]]), &[x])?;
        Ok(())
    });
    let Err(TestError::Fail(reason, x)) = outcome else { panic!("{outcome:?}") };
    assert!(reason.message().contains("Jacobian mismatch"), "{reason}");
    assert_eq!((x.shape().clone(), x.is_contiguous()), (Shape::from([]), true));
    let _: Error = gradcheck(|x| apply(Squash { slip: 1.5 }, &[&x[0]]), &[x]).unwrap_err();
}
