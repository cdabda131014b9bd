//! Each lint on a program with the bug and on one without.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use train::autograd::{BceWithLogitsOptions, Reduction, Var};
use train::nn::{BatchNorm2d, Dropout};
use train::prelude::{Layer, Linear, Module, Optimizer, ReLU, SGD, Sequential, sequential};
use train::{DType, Finding, Output, Result, Rng, Tensor, Trainer, diagnose, evaluating};

fn parts() -> (Sequential, Tensor, Tensor) {
    let rng = Rng::seed(0);
    let model = sequential![
        Linear::new(4, 8, &rng).unwrap(),
        ReLU,
        Dropout::new(0.1, &rng).unwrap(),
        Linear::new(8, 3, &rng).unwrap()
    ];
    let x = rng.randn([16, 4], DType::F32).unwrap();
    (model, x, Tensor::zeros([16], DType::I64).unwrap())
}

/// Two steps of a loop with bugs by choice.
#[derive(Clone, Copy, Default)]
struct Bugs {
    softmax: bool,
    not_cleared: bool,
    eval: bool,
    validate_in_train: bool,
    rate_first: bool,
    half_held: bool,
    column: bool,
    dead: bool,
    huge: bool,
}

fn run(bugs: Bugs) -> Vec<String> {
    let (model, x, y) = parts();
    let named = model.named_parameters();
    if bugs.dead {
        let low = |bias: &mut Tensor| bias.sub_scalar(100.0).map(|low| *bias = low);
        named[1].1.update(low).unwrap();
    }
    let held = if bugs.half_held { &named[..3] } else { &named[..] };
    let mut opt = SGD::new(held.iter().map(|(_, p)| p.clone()), 0.1).unwrap();
    if bugs.eval {
        model.eval();
    }
    let found = diagnose(&model, &mut opt, |opt| {
        for _ in 0..2 {
            if bugs.rate_first {
                opt.set_lr(0.05);
            }
            let output = model.forward(&x.clone().into())?;
            let logits = if bugs.softmax { output.softmax(-1)? } else { output.clone() };
            let mut loss = logits.cross_entropy(&y)?;
            let target = Tensor::zeros(if bugs.column { vec![16] } else { vec![16, 1] }, DType::F32)?;
            loss = loss.add(&output.narrow(1, 0, 1)?.sub(&target.into())?.mean()?)?;
            loss = if bugs.huge { loss.mul_scalar(1e6)? } else { loss };
            if !bugs.not_cleared {
                opt.zero_grad();
            }
            loss.backward()?;
            opt.step()?;
        }
        let validate = || train::no_grad(|| model.forward(&x.clone().into()).map(drop));
        if bugs.validate_in_train {
            validate()?
        } else {
            evaluating(&model, validate)?
        }
        Ok(())
    });
    found.unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn a_clean_loop_has_no_finding() {
    assert_eq!(run(Bugs::default()), Vec::<String>::new());
}

#[test]
fn each_bug_is_found() {
    let none = Bugs::default();
    let cases = [
        (Bugs { softmax: true, ..none }, "softmax before cross_entropy"),
        (Bugs { not_cleared: true, ..none }, "0.weight: the last step's gradient was added to"),
        (Bugs { eval: true, ..none }, "2: trained in evaluation"),
        (Bugs { validate_in_train: true, ..none }, "2: in training under no_grad"),
        (Bugs { rate_first: true, ..none }, "the learning rate changed before the first step"),
        (Bugs { half_held: true, ..none }, "3.bias: not in the optimizer"),
        (Bugs { column: true, ..none }, "sub of [16, 1] and [16] pairs all with all"),
        (Bugs { dead: true, ..none }, "8 of 8 units of a ReLU are 0 for each sample"),
        (Bugs { huge: true, ..none }, "3.weight: gradient over weight is "),
    ];
    for (bugs, expected) in cases {
        let found = run(bugs);
        assert!(found.iter().any(|text| text.contains(expected)), "{expected}: {found:?}");
    }
}

/// What is said of a program that computes a loss from the 16 samples' features.
fn lints(model: &Sequential, loss: impl Fn(Var, &Tensor) -> train::autograd::Result<Var>) -> Vec<String> {
    let (_, x, _) = parts();
    let mut opt = SGD::new(model.parameters(), 0.1).unwrap();
    let found = diagnose(model, &mut opt, |_| {
        let output = model.forward(&x.clone().into())?;
        Ok(loss(output, &x)?.backward()?)
    });
    found.unwrap().iter().map(ToString::to_string).collect()
}

fn clean() -> Vec<String> {
    Vec::new()
}

#[test]
fn sigmoid_before_logits() {
    let model = sequential![Linear::new(4, 1, &Rng::seed(0)).unwrap()];
    let loss = |x: &Var| {
        let target = Tensor::ones([16, 1], DType::F32)?;
        x.binary_cross_entropy_with_logits(target, BceWithLogitsOptions::default())
    };
    assert_eq!(lints(&model, |x, _| loss(&x)), clean());
    let right = |x: Var, _: &Tensor| {
        x.sigmoid()?.binary_cross_entropy(Tensor::ones([16, 1], DType::F32)?, None, Reduction::Mean)
    };
    assert_eq!(lints(&model, right), clean());
    let found = lints(&model, |x, _| loss(&x.sigmoid()?));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("tests/diagnose.rs:"), "{found:?}");
    assert!(found[0].contains("sigmoid before binary_cross_entropy_with_logits"), "{found:?}");
}

#[test]
fn a_nan_behind_where() {
    let model = sequential![Linear::new(4, 1, &Rng::seed(0)).unwrap()];
    let zero = || Tensor::zeros([16, 1], DType::F32).map(Var::from);
    // The logarithm of what is not positive is hidden; its gradient is 0 · ∞.
    let hidden = lints(&model, |x, _| x.log()?.where_cond(&x.detach().gt_scalar(0.0)?, &zero()?)?.sum());
    assert_eq!(hidden.len(), 1, "{hidden:?}");
    assert!(hidden[0].contains("values of log are hidden"), "{hidden:?}");
    let filled = lints(&model, |x, _| x.log()?.masked_fill(&x.detach().le_scalar(0.0)?, 0.0)?.sum());
    assert!(filled[0].contains("values of log are hidden"), "{filled:?}");
    let root = lints(&model, |x, _| {
        let positive = x.relu()?.sqrt()?;
        positive.where_cond(&x.detach().gt_scalar(0.0)?, &zero()?)?.sum()
    });
    assert!(root.iter().any(|found| found.contains("values of sqrt are hidden")), "{root:?}");
    // The choice before the logarithm.
    let right = lints(&model, |x, _| {
        let one = Tensor::ones([16, 1], DType::F32)?;
        x.where_cond(&x.detach().gt_scalar(0.0)?, &one.into())?.log()?.sum()
    });
    assert_eq!(right, clean());
    // A mask for softmax is no bug: what it makes infinite was finite.
    let mask = lints(&model, |x, _| {
        let masked = x.masked_fill(&x.detach().gt_scalar(0.0)?, f64::NEG_INFINITY)?;
        masked.softmax(0)?.amax([0], false)?.sum()
    });
    assert_eq!(mask, clean());
}

#[test]
fn batch_norm_over_one_sample() {
    let rng = Rng::seed(0);
    let model = sequential![train::nn::Conv2d::new(1, 2, 3, &rng).unwrap(), BatchNorm2d::new(2).unwrap()];
    let run = |samples: usize| {
        let x = rng.randn([samples, 1, 6, 6], DType::F32).unwrap();
        let mut opt = SGD::new(model.parameters(), 0.1).unwrap();
        // The sum of what is normalized moves nothing: the fourth power does.
        let step = |_: &mut SGD| Ok(model.forward(&x.into())?.pow_scalar(4.0)?.mean()?.backward()?);
        diagnose(&model, &mut opt, step).unwrap().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(run(2), clean());
    let found = run(1);
    assert!(found.len() == 1 && found[0].contains("batch norm over one sample"), "{found:?}");
}

#[test]
fn frozen_parameters_are_no_bug() {
    let (model, ..) = parts();
    let named = model.named_parameters();
    named[..2].iter().for_each(|(_, parameter)| parameter.set_requires_grad(false));
    let mut opt = SGD::new(named[2..].iter().map(|(_, p)| p.clone()), 0.1).unwrap();
    let (_, x, y) = parts();
    let found = diagnose(&model, &mut opt, |opt| {
        for _ in 0..2 {
            opt.zero_grad();
            model.forward(&x.clone().into())?.cross_entropy(&y)?.backward()?;
            opt.step()?;
        }
        Ok(())
    });
    assert_eq!(found.unwrap(), []);
}

#[test]
fn a_parameter_is_never_in_the_optimizer_twice() {
    let (model, ..) = parts();
    let params = model.parameters();
    // Within one list it counts once.
    let twice = params.iter().chain(&params[..1]).cloned();
    assert_eq!(SGD::new(twice, 0.1).unwrap().parameters().len(), params.len());
    let mut opt = SGD::new(params.clone(), 0.1).unwrap();
    assert!(opt.add_param_group(train::optim::ParamGroup::new(params, 0.1)).is_err());
}

#[test]
fn the_trainer_looks_at_a_batch_and_puts_all_back() {
    let (model, x, y) = parts();
    let mut opt = SGD::new(model.parameters(), 0.1).unwrap();
    let before: Vec<_> = model.parameters().iter().map(|p| p.value().to_vec::<f32>().unwrap()).collect();
    let mut trainer = Trainer::new(&model, &mut opt).quiet();
    let loss = |softmax: bool| {
        let model = &model;
        move |(x, y): (Tensor, Tensor)| -> Result<Output> {
            let output = model.forward(&x.into())?;
            let output = if softmax { output.softmax(-1)? } else { output };
            Ok(Output::new(output.cross_entropy(&y)?, 16))
        }
    };
    assert_eq!(trainer.diagnose((x.clone(), y.clone()), loss(false)).unwrap(), []);
    let found = trainer.diagnose((x, y), loss(true)).unwrap();
    assert!(matches!(found[..], [Finding::SoftmaxBeforeLoss { .. }]), "{found:?}");
    let after: Vec<_> = model.parameters().iter().map(|p| p.value().to_vec::<f32>().unwrap()).collect();
    assert_eq!(before, after);
    assert!(model.parameters().iter().all(|p| p.grad().is_none()));
}
