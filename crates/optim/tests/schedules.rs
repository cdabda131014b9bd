//! Learning-rate schedules against PyTorch's recorded runs, and their own behaviours.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use autograd::{Parameter, Tensor};
use optim::schedule::*;
use optim::*;
use serde_json::Value as Json;

fn optimizer(lr: f64) -> SGD {
    let w = Parameter::new(Tensor::scalar(1.0f64).unwrap()).unwrap();
    SGD::new([w], SGDOptions { momentum: 0.9, ..lr.into() }).unwrap()
}

#[test]
fn all_recorded_compositions_are_followed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/schedulers/compositions.json");
    let runs: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let schedule = |name: &str| -> Box<dyn Schedule> {
        match name {
            "warmup_cosine" => Box::new(warmup_cosine(5, 30)),
            "multiplicative behind constant" => Box::new(
                Sequential::new(ConstantLR { factor: 0.5, total_iters: 3 })
                    .then(6, MultiplicativeLR::new(|epoch| 1.0 - 0.01 * (epoch + 1) as f64)),
            ),
            "restarts behind linear" => {
                let restarts =
                    CosineAnnealingWarmRestarts { t_mult: 2, ..CosineAnnealingWarmRestarts::new(4) };
                Box::new(Sequential::new(LinearLR::default()).then(5, restarts))
            }
            "restarts first" => Box::new(
                Sequential::new(CosineAnnealingWarmRestarts::new(4)).then(9, ExponentialLR::new(0.9)),
            ),
            "three" => Box::new(
                Sequential::new(StepLR { step_size: 2, gamma: 0.5 })
                    .then(5, PolynomialLR { total_iters: 6, power: 2.0 })
                    .then(14, MultiStepLR::new([2, 5, 5])),
            ),
            "chain of three" => Box::new(
                Chained::new(LinearLR { start_factor: 0.5, end_factor: 1.0, total_iters: 4 })
                    .and(CosineAnnealingLR { t_max: 10, eta_min: 0.001 })
                    .and(StepLR { step_size: 7, gamma: 0.3 }),
            ),
            "averaging behind exponential" => Box::new(
                Sequential::new(ExponentialLR::new(0.95))
                    .then(8, SWALR { anneal_epochs: 5, ..SWALR::new(0.02) }),
            ),
            "lambda behind lambda" => Box::new(
                Sequential::new(LambdaLR::new(|epoch| 1.0 / (1.0 + epoch as f64)))
                    .then(8, LambdaLR::new(|epoch| 0.5f64.powi(epoch as i32))),
            ),
            other => panic!("no composition {other}"),
        }
    };
    for (name, lrs) in runs.as_object().unwrap() {
        let mut opt = optimizer(0.1);
        let mut scheduler = Scheduler::new(&mut opt, schedule(name)).unwrap();
        for (step, lr) in lrs.as_array().unwrap().iter().enumerate() {
            if step > 0 {
                scheduler.step(&mut opt).unwrap();
            }
            let want = lr.as_f64().unwrap();
            assert!(
                (opt.lr() - want).abs() <= 1e-12 * want + 1e-17,
                "{name} at {step}: {}, recorded {want}",
                opt.lr()
            );
            assert_eq!((scheduler.lr(), scheduler.epoch()), ([opt.lr()].as_slice(), step));
        }
    }
}

/// Each group has its own base; lists give each group its own ends; the first beta is cycled where there is one.
#[test]
fn groups_and_betas_are_moved_each_by_its_own() {
    let w = || Parameter::new(Tensor::scalar(1.0f64).unwrap()).unwrap();
    let groups = [ParamGroup::new([w()], 0.1), ParamGroup::new([w()], 0.4)];
    let mut opt = AdamW::with_groups(groups).unwrap();
    let mut scheduler = Scheduler::new(&mut opt, StepLR { step_size: 1, gamma: 0.5 }).unwrap();
    scheduler.step(&mut opt).unwrap();
    assert_eq!(scheduler.lr(), [0.05, 0.2]);
    let cycle = OneCycleLR { pct_start: 0.5, ..OneCycleLR::new(vec![1.0, 2.0], 10) };
    let mut scheduler = Scheduler::new(&mut opt, cycle).unwrap();
    assert!((scheduler.lr()[0] - 0.04).abs() < 1e-15 && (scheduler.lr()[1] - 0.08).abs() < 1e-15);
    assert_eq!(opt.groups()[1].options.betas, (0.95, 0.999));
    for _ in 0..4 {
        scheduler.step(&mut opt).unwrap();
    }
    assert_eq!(scheduler.lr(), [1.0, 2.0]);
    assert_eq!(opt.groups()[0].options.betas, (0.85, 0.999));
}

/// A learning rate set by hand is where a recurrence goes on, as in PyTorch.
#[test]
fn a_learning_rate_set_by_hand_is_where_the_schedule_goes_on() {
    let mut opt = optimizer(0.1);
    let mut scheduler = Scheduler::new(&mut opt, ExponentialLR::new(0.5)).unwrap();
    opt.set_lr(8.0);
    scheduler.step(&mut opt).unwrap();
    assert_eq!(opt.lr(), 4.0);
}

#[test]
fn a_function_of_the_cycle_or_the_step_scales_a_cycle() {
    let lrs = |mode| {
        let cycle = CyclicLR { step_size_up: 1, mode, cycle_momentum: false, ..CyclicLR::new(0.0, 1.0) };
        let mut opt = optimizer(0.1);
        let mut scheduler = Scheduler::new(&mut opt, cycle).unwrap();
        let mut lrs = vec![opt.lr()];
        for _ in 0..3 {
            scheduler.step(&mut opt).unwrap();
            lrs.push(opt.lr());
        }
        lrs
    };
    assert_eq!(lrs(CyclicMode::Cycle(|cycle| 1.0 / cycle)), [0.0, 1.0, 0.0, 0.5]);
    assert_eq!(lrs(CyclicMode::Iterations(|step| step)), [0.0, 1.0, 0.0, 3.0]);
}
