//! What is refused, and in which words.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

#[allow(dead_code, reason = "shared with other tests")]
mod named;

use autograd::{DType, Parameter, Tensor};
use optim::schedule::*;
use optim::*;
use serde_json::json;

fn matrix() -> Parameter {
    Parameter::new(Tensor::ones([2, 3], DType::F32).unwrap()).unwrap()
}

/// The message of an error that must come, with this file as the caller.
#[track_caller]
fn message<T>(result: Result<T>) -> String {
    let message = result.err().unwrap().to_string();
    assert!(message.contains("errors.rs"), "{message}");
    message
}

#[test]
fn options_out_of_range_are_refused_at_construction() {
    let cases = [
        ("SGD", json!({"lr": -1.0}), "Invalid learning rate: -1"),
        ("SGD", json!({"momentum": -1.0}), "Invalid momentum value: -1"),
        ("SGD", json!({"weight_decay": -1.0}), "Invalid weight_decay value: -1"),
        ("SGD", json!({"nesterov": true}), "Nesterov momentum requires a momentum and zero dampening"),
        ("SGD", json!({"nesterov": true, "momentum": 0.9, "dampening": 0.5}), "Nesterov momentum requires"),
        ("Adam", json!({"lr": f64::MIN}), "Invalid learning rate"),
        (
            "Adam",
            json!({"betas": [1.0, 0.0]}),
            "Invalid beta parameter at index 0: 1.0; expected 0 <= beta < 1",
        ),
        ("AdamW", json!({"betas": [0.0, 1.0]}), "AdamW: Invalid beta parameter at index 1: 1.0"),
        ("Adam", json!({"eps": -1e-8}), "Invalid epsilon value: -1e-8"),
        ("Adam", json!({"weight_decay": -1.0}), "Invalid weight_decay value: -1"),
        ("RMSprop", json!({"momentum": -1.0}), "Invalid momentum value: -1"),
        ("RMSprop", json!({"alpha": -1.0}), "Invalid alpha value: -1"),
        ("Adagrad", json!({"lr_decay": -0.5}), "Invalid lr_decay value: -0.5"),
        (
            "Adagrad",
            json!({"initial_accumulator_value": -1.0}),
            "Invalid initial_accumulator_value value: -1",
        ),
        ("Adadelta", json!({"rho": 1.1}), "Invalid rho value: 1.1"),
        ("Adamax", json!({"betas": [0.0, 1.0]}), "Invalid beta parameter at index 1: 1.0"),
        ("NAdam", json!({"momentum_decay": -0.2}), "Invalid momentum_decay value: -0.2"),
        ("RAdam", json!({"weight_decay": -1.0}), "Invalid weight_decay value: -1"),
        ("ASGD", json!({"weight_decay": -0.5}), "Invalid weight_decay value: -0.5"),
        ("Rprop", json!({"etas": [1.0, 0.5]}), "Invalid eta values: (1.0, 0.5)"),
        ("Adafactor", json!({"beta2_decay": 0.8}), "Invalid beta2_decay: 0.8; expected beta2_decay <= 0"),
        ("Adafactor", json!({"d": 0.0}), "Invalid clipping threshold d: 0.0"),
        ("Muon", json!({"ns_steps": 100}), "Invalid number of steps: 100"),
        ("Lion", json!({"betas": [1.0, 0.5]}), "Invalid beta parameter at index 0: 1.0"),
        ("LBFGS", json!({"lr": -1.0}), "LBFGS: Invalid learning rate: -1"),
    ];
    for (name, kw, gist) in cases {
        let message = message(named::build(name, &[matrix()], &kw));
        assert!(message.contains(gist), "{name} {kw}: {message}");
    }
    let message = message(SGD::new([matrix()], f64::NAN));
    assert!(message.contains("Invalid learning rate: NaN"), "{message}");
}

#[test]
fn lists_of_parameters_that_cannot_be_optimized_are_refused() {
    let none: [Parameter; 0] = [];
    assert!(message(Adam::new(none.clone(), 0.1)).contains("optimizer got an empty parameter list"));
    assert!(message(Adam::with_groups([])).contains("optimizer got an empty parameter list"));
    assert!(message(LBFGS::new(none, 0.1)).contains("optimizer got an empty parameter list"));
    let (p, q) = (matrix(), matrix());
    let groups = [ParamGroup::new([&p, &q], 0.1), ParamGroup::new([&q], 0.2)];
    let text = message(SGD::with_groups(groups));
    assert!(
        text.contains("some parameters appear in more than one parameter group: parameter 0 of shape [2, 3]"),
        "{text}"
    );
    let mut opt = SGD::new([&p], 0.1).unwrap();
    assert!(
        message(opt.add_param_group(ParamGroup::new([&p], 0.1))).contains("more than one parameter group")
    );
    let mixed = ParamGroup::new([("weight", q.clone())], 0.1);
    assert!(message(opt.add_param_group(mixed)).contains("should be with/without names"));
    assert!(message(opt.add_param_group(ParamGroup::new([&q], -0.1))).contains("Invalid learning rate"));
    assert_eq!(opt.groups().len(), 1);
    let vector = Parameter::new(Tensor::ones([3], DType::F32).unwrap()).unwrap();
    let text = message(Muon::new([vector], 0.1));
    assert!(
        text.contains("a parameter has shape [3], expected [A, B]: Muon only supports 2D parameters"),
        "{text}"
    );
    let wide = Parameter::new(Tensor::ones([3], DType::F64).unwrap()).unwrap();
    assert!(message(LBFGS::new([p, wide], 0.1)).contains("Invalid parameters: f32 and f64"));
}

#[test]
fn schedules_out_of_range_are_refused() {
    let mut plain = Rprop::new([matrix()], 0.1).unwrap();
    let mut opt = SGD::new([matrix()], 0.1).unwrap();
    let cases: Vec<(Result<Scheduler>, &str)> = vec![
        (Scheduler::new(&mut opt, StepLR::new(0)), "StepLR: Invalid step_size: 0"),
        (
            Scheduler::new(&mut opt, ConstantLR { factor: 1.5, total_iters: 1 }),
            "expected to be between 0 and 1",
        ),
        (Scheduler::new(&mut opt, LinearLR { start_factor: 0.0, ..LinearLR::default() }), "greater than 0"),
        (Scheduler::new(&mut opt, LinearLR { end_factor: 2.0, ..LinearLR::default() }), "between 0 and 1"),
        (Scheduler::new(&mut opt, CosineAnnealingLR::new(0)), "Invalid T_max: 0"),
        (Scheduler::new(&mut opt, CosineAnnealingWarmRestarts::new(0)), "Invalid T_0: 0"),
        (Scheduler::new(&mut opt, OneCycleLR::new(0.1, 0)), "Invalid total_steps: 0"),
        (
            Scheduler::new(&mut opt, OneCycleLR { pct_start: 1.5, ..OneCycleLR::new(0.1, 9) }),
            "Invalid pct_start: 1.5",
        ),
        (Scheduler::new(&mut opt, OneCycleLR::new(vec![0.1, 0.2], 9)), "Invalid max_lr: Each([0.1, 0.2])"),
        (Scheduler::new(&mut plain, OneCycleLR::new(0.1, 9)), "must support momentum or beta1"),
        (Scheduler::new(&mut plain, CyclicLR::new(0.1, 0.2)), "must support momentum or beta1"),
        (
            Scheduler::new(
                &mut opt,
                Sequential::new(StepLR::new(1)).then(5, StepLR::new(1)).then(5, StepLR::new(1)),
            ),
            "SequentialLR: Invalid milestones: [0, 5, 5]",
        ),
        (Scheduler::new(&mut opt, Chained::new(StepLR::new(1)).and(StepLR::new(0))), "Invalid step_size: 0"),
    ];
    for (result, gist) in cases {
        let message = message(result);
        assert!(message.contains(gist), "{message}");
    }
    let mut short = Scheduler::new(&mut opt, OneCycleLR::new(0.1, 2)).unwrap();
    short.step(&mut opt).unwrap();
    short.step(&mut opt).unwrap();
    assert!(
        message(short.step(&mut opt)).contains("Invalid number of steps: 3; expected at most total_steps")
    );
    let mut plateau = ReduceLROnPlateau { factor: 1.0, ..ReduceLROnPlateau::new() };
    assert!(message(plateau.step(&mut opt, 1.0)).contains("Factor should be < 1.0"));
    let mut scheduler = Scheduler::new(&mut opt, StepLR::new(1)).unwrap();
    opt.add_param_group(ParamGroup::new([matrix()], 0.1)).unwrap();
    assert!(message(scheduler.step(&mut opt)).contains("Invalid number of groups: 2"));
}

/// A state that does not fit is refused with what is wrong, and nothing is changed.
#[test]
fn states_that_do_not_fit_are_refused_and_change_nothing() {
    type Spoil = fn(&mut StateDict);
    let tensor = |shape: &[usize], dtype| Value::Tensor(Tensor::zeros(shape, dtype).unwrap());
    let spoils: Vec<(Spoil, &str)> = vec![
        (
            |s| s.param_groups.clear(),
            "loaded state dict has a different number of parameter groups: 0, expected 1",
        ),
        (
            |s| drop(s.param_groups[0].insert("params".into(), Value::List(vec![Value::Int(0)]))),
            "parameter group that doesn't match the size of optimizer's group: group 0 has 1 parameters, expected 2",
        ),
        (|s| drop(s.param_groups[0].remove("params")), "param_groups[0].params is missing"),
        (|s| drop(s.param_groups[0].insert("params".into(), Value::None)), "param_groups[0].params is None"),
        (
            |s| drop(s.param_groups[0].insert("lr".into(), Value::Str("fast".into()))),
            "param_groups[0].lr is \"fast\"",
        ),
        (
            |s| drop(s.param_groups[0].insert("lr".into(), Value::Float(-1.0))),
            "learning rate is -1.0, expected lr >= 0",
        ),
        (
            |s| drop(s.param_groups[0].insert("betas".into(), Value::List(vec![]))),
            "param_groups[0].betas is a list of 0",
        ),
        (|s| drop(s.state.insert(7, Dict::new())), "state[7] is unexpected"),
        (|s| drop(s.state.get_mut(&1).unwrap().remove("exp_avg")), "state[1].exp_avg is missing"),
        (|s| drop(s.state.get_mut(&1).unwrap().remove("step")), "state[1].step is missing"),
        (
            |s| drop(s.state.get_mut(&0).unwrap().insert("sum".into(), Value::Float(1.0))),
            "state[0].sum is unexpected; expected step, exp_avg, exp_avg_sq",
        ),
        (
            |s| drop(s.state.get_mut(&0).unwrap().insert("step".into(), Value::Bool(true))),
            "state[0].step is true, expected a number",
        ),
        (
            |s| drop(s.state.get_mut(&0).unwrap().insert("exp_avg".into(), Value::Float(1.0))),
            "state[0].exp_avg is 1.0, expected a tensor",
        ),
    ];
    let params = [matrix(), matrix()];
    let mut opt = Adam::new(&params, 0.1).unwrap();
    for p in &params {
        p.set_grad(Some(p.value())).unwrap();
    }
    opt.step().unwrap();
    let good = opt.state_dict().unwrap();
    let mut check = |bad: StateDict, gist: &str| {
        let text = message(opt.load_state_dict(&bad));
        assert!(text.contains(gist), "{text}");
        assert_eq!(opt.state_dict().unwrap(), good);
    };
    for (spoil, gist) in spoils {
        let mut bad = good.clone();
        spoil(&mut bad);
        check(bad, gist);
    }
    for (value, gist) in [
        (
            tensor(&[3, 2], DType::F32),
            "state[1].exp_avg is a tensor f32 [3, 2], expected a tensor f32 [2, 3]",
        ),
        (
            tensor(&[2, 3], DType::F64),
            "state[1].exp_avg is a tensor f64 [2, 3], expected a tensor f32 [2, 3]",
        ),
    ] {
        let mut bad = good.clone();
        bad.state.get_mut(&1).unwrap().insert("exp_avg".into(), value);
        check(bad, gist);
    }
    // Another kind of optimizer.
    let mut other = SGD::new(&params, SGDOptions { momentum: 0.9, ..0.1.into() }).unwrap();
    assert!(message(other.load_state_dict(&good)).contains("is unexpected; expected momentum_buffer"));
    // Schedules, scalers, averages.
    let mut scheduler = Scheduler::new(&mut opt, StepLR::new(1)).unwrap();
    let mut state = scheduler.state_dict();
    state.insert("base_lrs".into(), Value::List(vec![]));
    assert!(
        message(scheduler.load_state_dict(&state))
            .contains("base_lrs is a list of 0, expected one number for each of 1 groups")
    );
    assert!(message(scheduler.load_state_dict(&Dict::new())).contains("last_epoch is missing"));
    let mut plateau = ReduceLROnPlateau::new();
    assert!(message(plateau.load_state_dict(&Dict::new())).contains("last_epoch is missing"));
    let mut scaler = GradScaler::new(GradScalerOptions::default());
    assert!(message(scaler.load_state_dict(&Dict::new())).contains("scale is missing"));
    let mut averages = AveragedModel::new(&params, Average::Swa).unwrap();
    assert!(message(averages.load_state_dict(&Dict::new())).contains("n_averaged is missing"));
    let mut lbfgs = LBFGS::new(&params, 0.1).unwrap();
    let mut state = lbfgs.state_dict().unwrap();
    state.state.insert(0, [("func_evals".to_string(), Value::Int(-1))].into());
    assert!(
        message(lbfgs.load_state_dict(&state))
            .contains("func_evals is -1, expected an integer of at least 0")
    );
}

#[test]
fn helpers_refuse_what_makes_no_sense() {
    assert!(message(Accumulation::new(0)).contains("Accumulation: Invalid number of batches: 0"));
    let message = message(AveragedModel::new([matrix()], Average::Ema { decay: 1.5 }));
    assert!(message.contains("AveragedModel: Invalid decay value: 1.5"), "{message}");
}
