//! Learning-rate schedules against PyTorch's recorded runs, and their own behaviours.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use autograd::{Parameter, Tensor};
use optim::schedule::*;
use optim::*;
use serde_json::Value as Json;

fn recorded() -> Vec<Json> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/schedulers/lr.json");
    let runs: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    runs.as_array().unwrap().clone()
}

fn optimizer(lr: f64) -> SGD {
    let w = Parameter::new(Tensor::scalar(1.0f64).unwrap()).unwrap();
    SGD::new([w], SGDOptions { momentum: 0.9, ..lr.into() }).unwrap()
}

/// A schedule of any type.
struct Any(Box<dyn Schedule>);

impl Schedule for Any {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn check(&self, groups: &[Rates]) -> Result<(), Invalid> {
        self.0.check(groups)
    }
    fn set(&self, epoch: usize, rates: &mut Rates) -> Result<(), Invalid> {
        self.0.set(epoch, rates)
    }
    fn restart(&self, rates: &mut Rates) -> Result<(), Invalid> {
        self.0.restart(rates)
    }
}

/// The recorded schedule `name` with its keyword arguments.
fn build(name: &str, kw: &Json) -> Any {
    let number = |key: &str, default: f64| kw.get(key).map_or(default, |x| x.as_f64().unwrap());
    let count = |key: &str, default: usize| kw.get(key).map_or(default, |x| x.as_u64().unwrap() as usize);
    let text =
        |key: &str, default: &str| kw.get(key).map_or(default.to_string(), |x| x.as_str().unwrap().into());
    let anneal = if text("anneal_strategy", "cos") == "cos" { Anneal::Cos } else { Anneal::Linear };
    Any(match name {
        "StepLR" => Box::new(StepLR { step_size: count("step_size", 0), gamma: number("gamma", 0.1) }),
        "MultiStepLR" => {
            let milestones: Vec<usize> = serde_json::from_value(kw["milestones"].clone()).unwrap();
            Box::new(MultiStepLR { milestones, gamma: number("gamma", 0.1) })
        }
        "ConstantLR" => Box::new(ConstantLR {
            factor: number("factor", ConstantLR::default().factor),
            total_iters: count("total_iters", ConstantLR::default().total_iters),
        }),
        "LinearLR" => Box::new(LinearLR {
            start_factor: number("start_factor", LinearLR::default().start_factor),
            end_factor: number("end_factor", LinearLR::default().end_factor),
            total_iters: count("total_iters", LinearLR::default().total_iters),
        }),
        "ExponentialLR" => Box::new(ExponentialLR::new(number("gamma", 0.0))),
        "CosineAnnealingLR" => {
            Box::new(CosineAnnealingLR { t_max: count("T_max", 0), eta_min: number("eta_min", 0.0) })
        }
        "CosineAnnealingWarmRestarts" => Box::new(CosineAnnealingWarmRestarts {
            t_0: count("T_0", 0),
            t_mult: count("T_mult", 1),
            eta_min: number("eta_min", 0.0),
        }),
        "PolynomialLR" => Box::new(PolynomialLR {
            total_iters: count("total_iters", PolynomialLR::default().total_iters),
            power: number("power", PolynomialLR::default().power),
        }),
        "OneCycleLR" => {
            let default = OneCycleLR::new(number("max_lr", 0.0), count("total_steps", 0));
            Box::new(OneCycleLR {
                pct_start: number("pct_start", default.pct_start),
                anneal_strategy: anneal,
                div_factor: number("div_factor", default.div_factor),
                final_div_factor: number("final_div_factor", default.final_div_factor),
                three_phase: kw.get("three_phase").is_some_and(|x| x == true),
                ..default
            })
        }
        "CyclicLR" => Box::new(CyclicLR {
            step_size_up: count("step_size_up", 2000),
            step_size_down: Some(count("step_size_down", 2000)),
            mode: match text("mode", "").as_str() {
                "triangular" => CyclicMode::Triangular,
                "triangular2" => CyclicMode::Triangular2,
                _ => CyclicMode::ExpRange { gamma: number("gamma", 1.0) },
            },
            ..CyclicLR::new(number("base_lr", 0.0), number("max_lr", 0.0))
        }),
        "SequentialLR" => Box::new(
            Sequential::new(ConstantLR { factor: 0.1, total_iters: 5 })
                .then(5, CosineAnnealingLR::new(20))
                .then(25, ExponentialLR::new(0.9)),
        ),
        "ChainedScheduler" => {
            Box::new(Chained::new(ConstantLR { factor: 0.1, total_iters: 4 }).and(ExponentialLR::new(0.9)))
        }
        "LambdaLR" => Box::new(LambdaLR::new(|epoch| 0.95f64.powf(epoch as f64))),
        "MultiplicativeLR" => Box::new(MultiplicativeLR::new(|_| 0.97)),
        "SWALR" => Box::new(SWALR {
            swa_lr: number("swa_lr", 0.0).into(),
            anneal_epochs: count("anneal_epochs", 10),
            anneal_strategy: anneal,
        }),
        other => panic!("no schedule {other}"),
    })
}

fn plateau(kw: &Json) -> ReduceLROnPlateau {
    let number = |key: &str, default: f64| kw.get(key).map_or(default, |x| x.as_f64().unwrap());
    let default = ReduceLROnPlateau::new();
    ReduceLROnPlateau {
        mode: if kw.get("mode").is_some_and(|x| x == "max") { Mode::Max } else { Mode::Min },
        factor: number("factor", default.factor),
        patience: number("patience", default.patience as f64) as usize,
        threshold: number("threshold", default.threshold),
        threshold_mode: if kw.get("threshold_mode").is_some_and(|x| x == "abs") {
            ThresholdMode::Abs
        } else {
            ThresholdMode::Rel
        },
        cooldown: number("cooldown", 0.0) as usize,
        min_lr: number("min_lr", 0.0).into(),
        ..default
    }
}

#[track_caller]
fn close(got: f64, want: &Json, what: &str) -> f64 {
    let want = want.as_f64().unwrap();
    let difference = (got - want).abs() / want.abs().max(1e-300);
    // A learning rate that reaches zero by subtraction is zero up to the rounding of the base.
    let difference = if (got - want).abs() <= 1e-17 { 0.0 } else { difference };
    assert!(difference <= 1e-12, "{what}: got {got}, want {want}");
    difference
}

#[test]
fn all_recorded_schedules_are_followed() {
    let runs = recorded();
    assert_eq!(runs.len(), 26);
    for run in &runs {
        let (name, kw) = (run["name"].as_str().unwrap(), &run["kw"]);
        let mut opt = optimizer(run["base_lr"].as_f64().unwrap());
        let lrs = run["lr"].as_array().unwrap();
        let mut worst = 0.0f64;
        if name == "ReduceLROnPlateau" {
            let mut scheduler = plateau(kw);
            for (step, metric) in run["metric"].as_array().unwrap().iter().enumerate() {
                scheduler.step(&mut opt, metric.as_f64().unwrap()).unwrap();
                worst = worst.max(close(opt.lr(), &lrs[step + 1], name));
            }
        } else {
            let mut scheduler = Scheduler::new(&mut opt, build(name, kw)).unwrap();
            for (step, lr) in lrs.iter().enumerate() {
                if step > 0 {
                    scheduler.step(&mut opt).unwrap();
                }
                worst = worst.max(close(opt.lr(), lr, &format!("{name} {kw} at {step}")));
                if let Some(momentum) = run.get("momentum") {
                    close(opt.groups()[0].options.momentum, &momentum[step], &format!("momentum of {name}"));
                }
            }
        }
        println!("{name:28} {worst:8.1e} {kw}");
    }
}

#[test]
fn all_recorded_compositions_are_followed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/schedulers/compositions.json");
    let runs: Json = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let schedule = |name: &str| match name {
        "warmup_cosine" => Any(Box::new(warmup_cosine(5, 30))),
        "multiplicative behind constant" => Any(Box::new(
            Sequential::new(ConstantLR { factor: 0.5, total_iters: 3 })
                .then(6, MultiplicativeLR::new(|epoch| 1.0 - 0.01 * (epoch + 1) as f64)),
        )),
        "restarts behind linear" => {
            let restarts = CosineAnnealingWarmRestarts { t_mult: 2, ..CosineAnnealingWarmRestarts::new(4) };
            Any(Box::new(Sequential::new(LinearLR::default()).then(5, restarts)))
        }
        "restarts first" => Any(Box::new(
            Sequential::new(CosineAnnealingWarmRestarts::new(4)).then(9, ExponentialLR::new(0.9)),
        )),
        "three" => Any(Box::new(
            Sequential::new(StepLR { step_size: 2, gamma: 0.5 })
                .then(5, PolynomialLR { total_iters: 6, power: 2.0 })
                .then(14, MultiStepLR::new([2, 5, 5])),
        )),
        "chain of three" => Any(Box::new(
            Chained::new(LinearLR { start_factor: 0.5, end_factor: 1.0, total_iters: 4 })
                .and(CosineAnnealingLR { t_max: 10, eta_min: 0.001 })
                .and(StepLR { step_size: 7, gamma: 0.3 }),
        )),
        "averaging behind exponential" => Any(Box::new(
            Sequential::new(ExponentialLR::new(0.95)).then(8, SWALR { anneal_epochs: 5, ..SWALR::new(0.02) }),
        )),
        "lambda behind lambda" => Any(Box::new(
            Sequential::new(LambdaLR::new(|epoch| 1.0 / (1.0 + epoch as f64)))
                .then(8, LambdaLR::new(|epoch| 0.5f64.powi(epoch as i32))),
        )),
        other => panic!("no composition {other}"),
    };
    for (name, lrs) in runs.as_object().unwrap() {
        let mut opt = optimizer(0.1);
        let mut scheduler = Scheduler::new(&mut opt, schedule(name)).unwrap();
        for (step, lr) in lrs.as_array().unwrap().iter().enumerate() {
            if step > 0 {
                scheduler.step(&mut opt).unwrap();
            }
            close(opt.lr(), lr, &format!("{name} at {step}"));
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
