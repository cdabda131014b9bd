//! A run that is saved and goes on in fresh objects is the uninterrupted run, bit for bit.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

#[allow(dead_code, reason = "shared with other tests")]
mod named;

use autograd::{DType, Parameter, Tensor, Var};
use optim::schedule::*;
use optim::*;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tensor_core::Rng;

const STEPS: usize = 20;

fn optimizers() -> Vec<(&'static str, Json)> {
    vec![
        ("SGD", json!({"lr": 0.1})),
        ("SGD", json!({"lr": 0.05, "momentum": 0.9, "nesterov": true})),
        ("Adam", json!({"lr": 0.05, "weight_decay": 0.01, "amsgrad": true})),
        ("AdamW", json!({"lr": 0.05})),
        ("RMSprop", json!({"momentum": 0.5, "centered": true})),
        ("Adagrad", json!({"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.5})),
        ("Adadelta", json!({})),
        ("Adamax", json!({"lr": 0.05})),
        ("NAdam", json!({"lr": 0.05})),
        ("RAdam", json!({"lr": 0.05})),
        ("ASGD", json!({"lr": 0.1, "lambd": 0.01, "t0": 7.0})),
        ("Rprop", json!({})),
        ("Adafactor", json!({"lr": 0.05})),
        ("Muon", json!({"lr": 0.05})),
        ("Lion", json!({"lr": 0.01})),
        ("LBFGS", json!({"lr": 0.3, "max_iter": 3, "history_size": 4})),
        ("LBFGS", json!({"max_iter": 4, "line_search_fn": "strong_wolfe"})),
    ]
}

/// A schedule at work, of either kind.
enum Running {
    Epochs(Scheduler),
    Plateau(ReduceLROnPlateau),
}

const SCHEDULES: usize = 16;

fn schedule(index: usize, opt: &mut dyn Optimizer) -> Option<Running> {
    let cycles = opt.options().iter().all(|options| options.momentum().is_some());
    let started = match index {
        0 => Scheduler::new(opt, StepLR::new(3)),
        1 => Scheduler::new(opt, MultiStepLR::new([4, 9, 9])),
        2 => Scheduler::new(opt, ConstantLR::default()),
        3 => Scheduler::new(opt, LinearLR::default()),
        4 => Scheduler::new(opt, ExponentialLR::new(0.9)),
        5 => Scheduler::new(opt, PolynomialLR { total_iters: 15, power: 2.0 }),
        6 => Scheduler::new(opt, CosineAnnealingLR::new(8)),
        7 => Scheduler::new(
            opt,
            CosineAnnealingWarmRestarts { t_mult: 2, ..CosineAnnealingWarmRestarts::new(3) },
        ),
        8 => Scheduler::new(opt, LambdaLR::new(|epoch| 1.0 / (1.0 + epoch as f64))),
        9 => Scheduler::new(opt, MultiplicativeLR::new(|epoch| 1.0 - 0.01 * epoch as f64)),
        10 => Scheduler::new(opt, OneCycleLR { cycle_momentum: cycles, ..OneCycleLR::new(0.1, 21) }),
        11 => Scheduler::new(
            opt,
            CyclicLR { step_size_up: 3, cycle_momentum: cycles, ..CyclicLR::new(0.01, 0.1) },
        ),
        12 => Scheduler::new(opt, warmup_cosine(5, 20)),
        13 => Scheduler::new(opt, Chained::new(ConstantLR::default()).and(ExponentialLR::new(0.9))),
        14 => Scheduler::new(opt, SWALR::new(0.02)),
        15 => return Some(Running::Plateau(ReduceLROnPlateau { patience: 2, ..ReduceLROnPlateau::new() })),
        _ => return None,
    };
    Some(Running::Epochs(started.unwrap()))
}

struct Training {
    parameters: Vec<Parameter>,
    target: Tensor,
    opt: Box<dyn Optimizer>,
    schedule: Option<Running>,
}

/// What a checkpoint holds: all as plain bytes and numbers.
struct Checkpoint {
    weights: Vec<Vec<u8>>,
    optimizer: StateDict,
    schedule: Dict,
}

impl Training {
    fn new(case: &Case) -> Self {
        let rng = Rng::seed(case.seed);
        let (name, kw) = &optimizers()[case.optimizer];
        let start = |shape: &[usize]| Parameter::new(rng.randn(shape, case.dtype).unwrap()).unwrap();
        let parameters = vec![start(&[3, 4]), start(&[3, 4])];
        let target = rng.randn([3, 4], case.dtype).unwrap();
        let mut opt = named::build(name, &parameters, kw).unwrap();
        let schedule = schedule(case.schedule, &mut *opt);
        Self { parameters, target, opt, schedule }
    }

    fn step(&mut self) {
        let loss = || -> autograd::Result<Var> {
            let [a, b] = [0, 1].map(|i| self.parameters[i].var());
            a.mul(&b)?.tanh()?.sub(&Var::from(&self.target))?.pow_scalar(2.0)?.mean()
        };
        let value = self.opt.step_closure(&mut || {
            self.parameters.iter().for_each(Parameter::zero_grad);
            let loss = loss()?;
            loss.backward()?;
            Ok(loss.detach().to_dtype(DType::F64)?.item()?)
        });
        match &mut self.schedule {
            Some(Running::Epochs(scheduler)) => scheduler.step(&mut *self.opt).unwrap(),
            Some(Running::Plateau(scheduler)) => scheduler.step(&mut *self.opt, value.unwrap()).unwrap(),
            None => {}
        }
    }

    fn save(&self) -> Checkpoint {
        Checkpoint {
            weights: self.parameters.iter().map(|p| p.value().to_le_bytes().unwrap()).collect(),
            optimizer: self.opt.state_dict().unwrap(),
            schedule: match &self.schedule {
                Some(Running::Epochs(scheduler)) => scheduler.state_dict(),
                Some(Running::Plateau(scheduler)) => scheduler.state_dict(),
                None => Dict::new(),
            },
        }
    }

    fn load(&mut self, saved: &Checkpoint) {
        for (p, bytes) in self.parameters.iter().zip(&saved.weights) {
            p.set_value(Tensor::from_le_bytes(bytes, p.dtype(), p.shape()).unwrap()).unwrap();
        }
        self.opt.load_state_dict(&saved.optimizer).unwrap();
        match &mut self.schedule {
            Some(Running::Epochs(scheduler)) => scheduler.load_state_dict(&saved.schedule).unwrap(),
            Some(Running::Plateau(scheduler)) => scheduler.load_state_dict(&saved.schedule).unwrap(),
            None => {}
        }
    }
}

#[derive(Debug, Clone)]
struct Case {
    optimizer: usize,
    schedule: usize,
    dtype: DType,
    seed: u64,
}

/// Runs to the end, saving before each step; then goes on from each save. Saves, weights and rates must be the same.
fn check(case: &Case) {
    let mut whole = Training::new(case);
    let mut saves = Vec::new();
    for _ in 0..STEPS {
        saves.push(whole.save());
        whole.step();
    }
    let end = whole.save();
    for (step, saved) in saves.iter().enumerate() {
        let mut resumed = Training::new(&Case { seed: case.seed, ..case.clone() });
        // The fresh optimizer has stepped already: all of it must be replaced.
        resumed.step();
        resumed.load(saved);
        for _ in step..STEPS {
            resumed.step();
        }
        let got = resumed.save();
        assert!(got.weights == end.weights, "weights after a resume at {step}: {case:?}");
        assert_eq!(got.optimizer, end.optimizer, "optimizer after a resume at {step}: {case:?}");
        assert_eq!(got.schedule, end.schedule, "schedule after a resume at {step}: {case:?}");
    }
}

#[test]
fn every_optimizer_with_every_schedule_resumes_at_every_step() {
    for optimizer in 0..optimizers().len() {
        for schedule in 0..=SCHEDULES {
            check(&Case { optimizer, schedule, dtype: DType::F32, seed: 1 });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_run_resumes_at_every_step(
        optimizer in 0..optimizers().len(),
        schedule in 0..=SCHEDULES,
        wide in any::<bool>(),
        seed in 0..1000u64,
    ) {
        check(&Case { optimizer, schedule, dtype: if wide { DType::F64 } else { DType::F32 }, seed });
    }
}
