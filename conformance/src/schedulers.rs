//! Replays recorded learning rates: `lr.json` (`fixtures/schedulers/README.md`).

use crate::record::{self, list};
use crate::{Result, Tally};
use ::optim::schedule::{
    Anneal, Chained, ConstantLR, CosineAnnealingLR, CosineAnnealingWarmRestarts, CyclicLR, CyclicMode,
    ExponentialLR, LambdaLR, LinearLR, Mode, MultiStepLR, MultiplicativeLR, OneCycleLR, PolynomialLR,
    ReduceLROnPlateau, SWALR, Schedule, Scheduler, Sequential, StepLR, ThresholdMode,
};
use ::optim::{Optimizer, SGD, SGDOptions};
use autograd::{Parameter, Tensor};
use serde_json::{Map, Value as Json};
use std::path::Path;

/// The relative difference of a learning rate that passes.
const BOUND: f64 = 1e-12;

/// A schedule of any type.
type AnySchedule = Box<dyn Schedule>;

/// Replays the schedules of `folder`, a line for each to `print`.
///
/// # Errors
/// If the record cannot be read or names a schedule that is not known.
pub fn replay(folder: &Path, print: &mut dyn FnMut(String)) -> Result<Tally> {
    let runs = record::read_json(&folder.join("lr.json"))?;
    let mut tally = Tally::default();
    for run in list(&runs, "lr.json")? {
        let (name, kw) = (run["name"].as_str().unwrap_or_default(), &run["kw"]);
        let worst = replay_run(name, run).map_err(|e| format!("{name} {kw}: {e}"))?;
        let passed = worst <= BOUND;
        let verdict = if passed { "passed" } else { "FAILED" };
        print(format!("{name} {verdict}, relative difference {worst:.1e} at worst; {kw}"));
        tally += Tally { passed: passed.into(), failed: (!passed).into(), not_offered: 0 };
    }
    Ok(tally)
}

/// The largest relative difference of a run to its record.
fn replay_run(name: &str, run: &Json) -> Result<f64> {
    let text = |e: ::optim::Error| e.to_string();
    let w = Parameter::new(Tensor::scalar(1.0f64).map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
    let lr = run["base_lr"].as_f64().ok_or("no base_lr")?;
    let mut opt = SGD::new([w], SGDOptions { momentum: 0.9, ..lr.into() }).map_err(text)?;
    let lrs = list(&run["lr"], "lr")?;
    let mut worst = 0.0f64;
    if name == "ReduceLROnPlateau" {
        let mut scheduler = plateau(&Keywords::new(&run["kw"]));
        for (metric, lr) in list(&run["metric"], "metric")?.iter().zip(&lrs[1..]) {
            scheduler.step(&mut opt, metric.as_f64().unwrap_or(f64::NAN)).map_err(text)?;
            worst = worst.max(difference(opt.lr(), lr));
        }
        return Ok(worst);
    }
    let mut scheduler = Scheduler::new(&mut opt, build(name, &run["kw"])?).map_err(text)?;
    for (step, lr) in lrs.iter().enumerate() {
        if step > 0 {
            scheduler.step(&mut opt).map_err(text)?;
        }
        worst = worst.max(difference(opt.lr(), lr));
        if let Some(momentum) = run.get("momentum") {
            worst = worst.max(difference(opt.groups()[0].options.momentum, &momentum[step]));
        }
    }
    Ok(worst)
}

/// The relative difference to a recorded number.
fn difference(got: f64, want: &Json) -> f64 {
    let want = want.as_f64().unwrap_or(f64::NAN);
    // A learning rate that reaches zero by subtraction is zero up to the rounding of the base.
    if (got - want).abs() <= 1e-17 {
        return 0.0;
    }
    let difference = (got - want).abs() / want.abs();
    if difference.is_nan() { f64::INFINITY } else { difference }
}

/// Keyword arguments with their defaults.
struct Keywords(Map<String, Json>);

impl Keywords {
    fn new(kw: &Json) -> Self {
        Self(kw.as_object().cloned().unwrap_or_default())
    }

    fn number(&self, key: &str, default: f64) -> f64 {
        self.0.get(key).and_then(Json::as_f64).unwrap_or(default)
    }

    fn count(&self, key: &str, default: usize) -> usize {
        self.number(key, default as f64) as usize
    }

    fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Json::as_str).unwrap_or_default()
    }

    fn flag(&self, key: &str, default: bool) -> bool {
        self.0.get(key).and_then(Json::as_bool).unwrap_or(default)
    }

    fn counts(&self, key: &str) -> Vec<usize> {
        let items = self.0.get(key).and_then(Json::as_array);
        items.into_iter().flatten().filter_map(Json::as_u64).map(|n| n as usize).collect()
    }

    fn anneal(&self) -> Anneal {
        if self.text("anneal_strategy") == "linear" { Anneal::Linear } else { Anneal::Cos }
    }
}

/// The schedule of PyTorch's class `name` with its keyword arguments.
fn build(name: &str, kw: &Json) -> Result<AnySchedule> {
    let kw = &Keywords::new(kw);
    Ok(match name {
        "StepLR" => Box::new(StepLR { step_size: kw.count("step_size", 0), gamma: kw.number("gamma", 0.1) }),
        "MultiStepLR" => {
            Box::new(MultiStepLR { milestones: kw.counts("milestones"), gamma: kw.number("gamma", 0.1) })
        }
        "ConstantLR" => {
            let default = ConstantLR::default();
            Box::new(ConstantLR {
                factor: kw.number("factor", default.factor),
                total_iters: kw.count("total_iters", default.total_iters),
            })
        }
        "LinearLR" => {
            let default = LinearLR::default();
            Box::new(LinearLR {
                start_factor: kw.number("start_factor", default.start_factor),
                end_factor: kw.number("end_factor", default.end_factor),
                total_iters: kw.count("total_iters", default.total_iters),
            })
        }
        "ExponentialLR" => Box::new(ExponentialLR::new(kw.number("gamma", 0.0))),
        "CosineAnnealingLR" => {
            Box::new(CosineAnnealingLR { t_max: kw.count("T_max", 0), eta_min: kw.number("eta_min", 0.0) })
        }
        "CosineAnnealingWarmRestarts" => Box::new(CosineAnnealingWarmRestarts {
            t_0: kw.count("T_0", 0),
            t_mult: kw.count("T_mult", 1),
            eta_min: kw.number("eta_min", 0.0),
        }),
        "PolynomialLR" => {
            let default = PolynomialLR::default();
            Box::new(PolynomialLR {
                total_iters: kw.count("total_iters", default.total_iters),
                power: kw.number("power", default.power),
            })
        }
        "SWALR" => Box::new(SWALR {
            swa_lr: kw.number("swa_lr", 0.0).into(),
            anneal_epochs: kw.count("anneal_epochs", 10),
            anneal_strategy: kw.anneal(),
        }),
        "OneCycleLR" => one_cycle(kw),
        "CyclicLR" => cyclic(kw),
        "SequentialLR" => sequential(kw)?,
        "ChainedScheduler" => chained(kw)?,
        "LambdaLR" => {
            let factor = lambda(kw.text("lr_lambda"))?;
            Box::new(LambdaLR::new(factor))
        }
        "MultiplicativeLR" => {
            let factor = lambda(kw.text("lr_lambda"))?;
            Box::new(MultiplicativeLR::new(factor))
        }
        other => return Err(format!("no schedule {other}")),
    })
}

fn one_cycle(kw: &Keywords) -> AnySchedule {
    let total = match kw.count("total_steps", 0) {
        0 => kw.count("epochs", 0) * kw.count("steps_per_epoch", 0),
        total => total,
    };
    let default = OneCycleLR::new(kw.number("max_lr", 0.0), total);
    Box::new(OneCycleLR {
        pct_start: kw.number("pct_start", default.pct_start),
        anneal_strategy: kw.anneal(),
        cycle_momentum: kw.flag("cycle_momentum", default.cycle_momentum),
        base_momentum: kw.number("base_momentum", 0.85).into(),
        max_momentum: kw.number("max_momentum", 0.95).into(),
        div_factor: kw.number("div_factor", default.div_factor),
        final_div_factor: kw.number("final_div_factor", default.final_div_factor),
        three_phase: kw.flag("three_phase", default.three_phase),
        ..default
    })
}

fn cyclic(kw: &Keywords) -> AnySchedule {
    let default = CyclicLR::new(kw.number("base_lr", 0.0), kw.number("max_lr", 0.0));
    let up = kw.count("step_size_up", 2000);
    Box::new(CyclicLR {
        step_size_up: up,
        step_size_down: Some(kw.count("step_size_down", up)),
        mode: match kw.text("mode") {
            "triangular2" => CyclicMode::Triangular2,
            "exp_range" => CyclicMode::ExpRange { gamma: kw.number("gamma", 1.0) },
            _ => CyclicMode::Triangular,
        },
        cycle_momentum: kw.flag("cycle_momentum", default.cycle_momentum),
        base_momentum: kw.number("base_momentum", 0.8).into(),
        max_momentum: kw.number("max_momentum", 0.9).into(),
        ..default
    })
}

fn sequential(kw: &Keywords) -> Result<AnySchedule> {
    let mut parts = parts(kw)?.into_iter();
    let first = parts.next().ok_or("no schedulers")?;
    let all = kw.counts("milestones").into_iter().zip(parts);
    Ok(Box::new(all.fold(Sequential::new(first), |all, (milestone, next)| all.then(milestone, next))))
}

fn chained(kw: &Keywords) -> Result<AnySchedule> {
    let mut parts = parts(kw)?.into_iter();
    let first = parts.next().ok_or("no schedulers")?;
    Ok(Box::new(parts.fold(Chained::new(first), Chained::and)))
}

/// The schedules of a composition, each written as its constructor: `ConstantLR(factor=.1,total_iters=5)`.
fn parts(kw: &Keywords) -> Result<Vec<AnySchedule>> {
    let texts = kw.0.get("schedulers").and_then(Json::as_array).ok_or("no schedulers")?;
    texts
        .iter()
        .map(|text| {
            let text = text.as_str().ok_or("a scheduler that is not text")?;
            let (name, rest) = text.split_once('(').ok_or_else(|| format!("no scheduler {text}"))?;
            let mut kw = Map::new();
            for pair in rest.trim_end_matches(')').split(',').filter(|pair| !pair.is_empty()) {
                let (key, value) = pair.split_once('=').ok_or_else(|| format!("no keyword {pair}"))?;
                let number: f64 = value.trim().parse().map_err(|e| format!("{pair}: {e}"))?;
                kw.insert(key.trim().to_string(), number.into());
            }
            build(name.trim(), &Json::Object(kw))
        })
        .collect()
}

/// `BASE**epoch`, or a number for every epoch.
fn lambda(text: &str) -> Result<impl Fn(usize) -> f64 + Send + use<>> {
    let (base, power) = match text.split_once("**") {
        Some((base, "epoch")) => (base, true),
        _ => (text, false),
    };
    let base: f64 = base.parse().map_err(|e| format!("{text}: {e}"))?;
    Ok(move |epoch| if power { base.powf(epoch as f64) } else { base })
}

fn plateau(kw: &Keywords) -> ReduceLROnPlateau {
    let default = ReduceLROnPlateau::new();
    ReduceLROnPlateau {
        mode: if kw.text("mode") == "max" { Mode::Max } else { Mode::Min },
        factor: kw.number("factor", default.factor),
        patience: kw.count("patience", default.patience),
        threshold: kw.number("threshold", default.threshold),
        threshold_mode: if kw.text("threshold_mode") == "abs" {
            ThresholdMode::Abs
        } else {
            ThresholdMode::Rel
        },
        cooldown: kw.count("cooldown", default.cooldown),
        min_lr: kw.number("min_lr", 0.0).into(),
        eps: kw.number("eps", default.eps),
        ..default
    }
}
