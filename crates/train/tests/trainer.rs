//! The trainer against the plain loop, its limits, and what it does about trouble.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::cell::RefCell;
use std::time::Duration;
use train::autograd::Reduction;
use train::checkpoint::Checkpoints;
use train::data::{DataLoader, TensorDataset};
use train::nn::Dropout;
use train::optim::schedule::{CosineAnnealingLR, Mode, Scheduler, StepLR};
use train::optim::{Average, GradScaler, GradScalerOptions, clip_grad_norm};
use train::prelude::{Adam, Layer, Linear, Module, Optimizer, ReLU, SGD, Sequential, Var, sequential};
use train::{
    Callback, DType, EarlyStopping, Ending, Error, Event, Every, Flow, LrFinder, NonFinite, Output, Result,
    Rng, Tensor, Trainer, averaged_model, overfit_one_batch,
};

fn model(rng: &Rng) -> Sequential {
    sequential![
        Linear::new(3, 8, rng).unwrap(),
        ReLU,
        Dropout::new(0.2, rng).unwrap(),
        Linear::new(8, 1, rng).unwrap()
    ]
}

/// 20 samples; `bad` of them has a NaN.
fn loader(rng: &Rng, bad: Option<usize>) -> DataLoader<TensorDataset> {
    let mut x = rng.randn([20, 3], DType::F32).unwrap().to_vec::<f32>().unwrap();
    if let Some(bad) = bad {
        x[3 * bad] = f32::NAN;
    }
    let x = Tensor::from_vec(x, [20, 3]).unwrap();
    let y = x.nan_to_zero().sum_dim(1, true).unwrap();
    DataLoader::new(TensorDataset::new(x, y).unwrap(), 4).unwrap()
}

trait NanToZero {
    fn nan_to_zero(&self) -> Tensor;
}

impl NanToZero for Tensor {
    fn nan_to_zero(&self) -> Tensor {
        let values = self.to_vec::<f32>().unwrap().into_iter().map(|x| if x.is_nan() { 0.0 } else { x });
        Tensor::from_vec(values.collect(), self.shape()).unwrap()
    }
}

fn loss(model: &Sequential, (x, y): (Tensor, Tensor)) -> Result<Output> {
    let n = y.shape()[0];
    Ok(Output::new(model.forward(&x.into())?.mse_loss(&y, Reduction::Mean)?, n))
}

fn weights(model: &impl Module) -> Vec<u8> {
    model.state_dict().values().flat_map(|value| value.to_le_bytes().unwrap()).collect()
}

#[test]
fn the_trainer_is_the_plain_loop_to_the_bit() {
    let by_hand = {
        let rng = Rng::seed(0);
        let model = model(&rng);
        let loader = loader(&rng, None).shuffle(&rng);
        let mut opt = Adam::new(model.parameters(), 1e-2).unwrap();
        let mut scheduler = Scheduler::new(&mut opt, CosineAnnealingLR::new(3)).unwrap();
        for epoch in 0..3 {
            for batch in loader.epoch(epoch) {
                let (x, y) = batch.unwrap();
                let loss = model.forward(&x.into()).unwrap().mse_loss(&y, Reduction::Mean).unwrap();
                opt.zero_grad();
                loss.backward().unwrap();
                clip_grad_norm(model.parameters(), 0.5).unwrap();
                opt.step().unwrap();
            }
            scheduler.step(&mut opt).unwrap();
        }
        weights(&model)
    };
    let rng = Rng::seed(0);
    let model = model(&rng);
    let loader = loader(&rng, None).shuffle(&rng);
    let mut opt = Adam::new(model.parameters(), 1e-2).unwrap();
    let scheduler = Scheduler::new(&mut opt, CosineAnnealingLR::new(3)).unwrap();
    let mut trainer =
        Trainer::new(&model, &mut opt).epochs(3).schedule(scheduler, Every::Epoch).clip_grad_norm(0.5);
    let summary = trainer.fit(&loader, |batch| loss(&model, batch)).unwrap();
    assert_eq!(weights(&model), by_hand);
    assert_eq!(
        (summary.epochs, summary.steps, summary.samples, summary.ending.clone()),
        (3, 15, 60, Ending::Epochs)
    );
    assert!(summary.to_string().starts_with("3 epochs, 15 steps in "), "{summary}");
}

/// A run with one change, and what it came to: the summary, and the weights before and after.
fn run(
    bad: Option<usize>,
    change: impl FnOnce(Trainer<'_>) -> Trainer<'_>,
) -> (Result<train::Summary>, Vec<u8>, Vec<u8>) {
    let rng = Rng::seed(0);
    let model = model(&rng);
    let loader = loader(&rng, bad);
    let mut opt = SGD::new(model.parameters(), 1e-2).unwrap();
    let before = weights(&model);
    let mut trainer = change(Trainer::new(&model, &mut opt).quiet());
    let done = trainer.fit(&loader, |batch| loss(&model, batch));
    (done, before, weights(&model))
}

#[test]
fn limits() {
    let counts = |change: fn(Trainer<'_>) -> Trainer<'_>| {
        let summary = run(None, change).0.unwrap();
        (summary.epochs, summary.steps, summary.ending)
    };
    assert_eq!(counts(|trainer| trainer), (1, 5, Ending::Epochs));
    assert_eq!(counts(|trainer| trainer.steps(7)), (1, 7, Ending::Steps));
    assert_eq!(counts(|trainer| trainer.steps(7).epochs(1)), (1, 5, Ending::Epochs));
    assert_eq!(counts(|trainer| trainer.epochs(0)), (0, 0, Ending::Epochs));
    assert_eq!(counts(|trainer| trainer.time(Duration::ZERO)), (0, 0, Ending::Time));
    assert_eq!(counts(|trainer| trainer.accumulate(2).unwrap()), (1, 3, Ending::Epochs));
    assert_eq!(counts(|trainer| trainer.fast_dev_run()), (1, 1, Ending::Steps));
    let stopped = run(None, |trainer| {
        trainer.stop_flag().stop();
        trainer.epochs(9)
    });
    assert_eq!(stopped.0.unwrap().ending, Ending::Stopped);
    assert!(run(None, |trainer| trainer.epochs(1)).0.is_ok());
}

/// Ends the run at a step.
struct StopAt(usize);

impl Callback for StopAt {
    fn name(&self) -> &str {
        "stop at"
    }

    fn on_step(&mut self, event: &Event<'_>) -> Result<Flow> {
        assert!(event.values["loss"].is_finite() && event.values["lr"] == 1e-2);
        Ok(if event.step == self.0 { Flow::Stop } else { Flow::Continue })
    }
}

#[test]
fn a_callback_ends_the_run() {
    let summary = run(None, |trainer| trainer.epochs(9).callback(StopAt(7))).0.unwrap();
    assert_eq!((summary.steps, summary.epochs), (7, 1));
    assert_eq!(summary.ending, Ending::Callback("stop at".into()));
}

#[test]
fn early_stopping_waits_for_its_patience_and_not_for_nan() {
    let epochs = |values: &'static [f64], patience: usize| {
        let mut values = values.iter();
        let stopping = EarlyStopping::new("val", Mode::Max).patience(patience).min_delta(0.01);
        let done = run(None, |trainer| {
            trainer
                .epochs(20)
                .validation(move || -> Result<_> { Ok(vec![("val", *values.next().unwrap_or(&0.0))]) })
                .callback(stopping)
        });
        done.0.unwrap().epochs
    };
    assert_eq!(epochs(&[0.1, 0.5, 0.505, 0.2, 0.6, 0.1, 0.1, 0.1], 2), 8);
    assert_eq!(epochs(&[0.1], 0), 2);
    assert_eq!(epochs(&[0.1, 0.2, f64::NAN], 9), 3);
    let error = run(None, |trainer| trainer.callback(EarlyStopping::new("val", Mode::Max))).0.unwrap_err();
    assert_eq!(error.to_string(), "EarlyStopping: value is val, expected one of loss");
}

#[test]
fn a_loss_that_is_not_finite_stops_skips_or_goes_back() {
    let (done, _, _) = run(Some(9), |trainer| trainer);
    match done.unwrap_err() {
        Error::NonFinite { step: 2, epoch: 0, what, checkpoint: None } => {
            assert!(what.starts_with("the loss"), "{what}")
        }
        error => panic!("{error}"),
    }
    let (done, before, after) = run(Some(1), |trainer| trainer.steps(1));
    assert!(done.is_err());
    assert_eq!(before, after, "nothing was changed by the bad batch");
    let summary = run(Some(9), |trainer| trainer.epochs(2).non_finite(NonFinite::Skip)).0.unwrap();
    assert_eq!((summary.steps, summary.skipped), (8, 2));
    assert!(summary.values["loss"].is_finite());
    let (done, before, after) = run(Some(9), |trainer| trainer.non_finite(NonFinite::RollBack(1)));
    assert_eq!(done.unwrap().steps, 4);
    assert!(before != after);
    // The third batch is bad: back to the first state, twice at most.
    assert!(run(Some(9), |trainer| trainer.epochs(3).non_finite(NonFinite::RollBack(2))).0.is_err());
}

#[test]
fn a_gradient_that_is_not_finite_names_its_parameter() {
    let rng = Rng::seed(0);
    let model = model(&rng);
    let mut opt = SGD::new(model.parameters(), 1e-2).unwrap();
    let before = weights(&model);
    let mut trainer = Trainer::new(&model, &mut opt).quiet();
    let done = trainer.fit(&loader(&rng, None), |(x, _)| -> Result<Output> {
        // The square root of 0 has an infinite slope; the loss itself is 0.
        let y = model.forward(&x.into())?;
        let bias = model.parameters().pop().unwrap().var();
        let zero = bias.sub(&Var::from(bias.detach()))?.sum()?.sqrt()?;
        Ok(Output::new(y.mul_scalar(0.0)?.sum()?.add(&zero)?, 4))
    });
    let error = done.unwrap_err().to_string();
    assert_eq!(error, "step 0 (epoch 0): the gradient of 3.bias is not finite; there is no checkpoint");
    assert_eq!(weights(&model), before);
}

#[test]
fn validation_sees_evaluation_and_training_goes_on_as_it_was() {
    let rng = Rng::seed(0);
    let model = model(&rng);
    let frozen = Dropout::new(0.5, &rng).unwrap();
    frozen.eval();
    let both = (model, frozen);
    let mut opt = SGD::new(both.parameters(), 1e-2).unwrap();
    let seen = RefCell::new(Vec::new());
    let mut trainer = Trainer::new(&both, &mut opt).quiet().epochs(2).validation(|| -> Result<_> {
        seen.borrow_mut().push((
            both.is_training(),
            both.0.forward(&Tensor::zeros([1, 3], DType::F32)?.into())?.requires_grad(),
        ));
        Ok(vec![("val_loss", 1.0)])
    });
    let summary = trainer.fit(&loader(&rng, None), |batch| loss(&both.0, batch)).unwrap();
    assert_eq!(summary.values.keys().collect::<Vec<_>>(), ["loss", "val_loss"]);
    drop(trainer);
    assert_eq!(*seen.borrow(), [(false, false); 2]);
    assert!(both.0.is_training() && !both.1.is_training());
}

#[test]
fn a_scaler_leaves_out_steps_that_overflow() {
    let scaler = GradScaler::new(GradScalerOptions { init_scale: 1e38, ..Default::default() });
    let summary = run(None, |trainer| trainer.epochs(4).scaler(scaler)).0.unwrap();
    assert!(summary.skipped > 0 && summary.steps + summary.skipped == 20, "{summary}");
    // A scale that is a power of two changes no bit of a step.
    let scaler = GradScaler::new(GradScalerOptions { init_scale: 1024.0, ..Default::default() });
    assert_eq!(run(None, |trainer| trainer.scaler(scaler)).2, run(None, |trainer| trainer).2);
}

#[test]
fn the_learning_rate_finder_leaves_everything_as_it_was() {
    let rng = Rng::seed(0);
    let model = sequential![Linear::new(3, 1, &rng).unwrap()];
    // One batch of all samples: differences between batches would drown the slope.
    let loader = DataLoader::new(loader(&rng, None).dataset().clone(), 20).unwrap();
    let mut opt = SGD::new(model.parameters(), 0.123).unwrap();
    let before = (weights(&model), opt.state_dict().unwrap());
    let finder = LrFinder { min_lr: 1e-4, max_lr: 100.0, ..LrFinder::default() };
    let found = finder.run(&model, &mut opt, &loader, |batch| loss(&model, batch)).unwrap();
    assert_eq!((weights(&model), opt.state_dict().unwrap()), before);
    assert!(found.lr.len() < 100, "the loss explodes before the last learning rate");
    let best = found.suggestion().unwrap();
    assert!((1e-3..1.0).contains(&best), "{best}");
}

#[test]
fn validation_sees_the_averages_and_training_the_weights() {
    let rng = Rng::seed(0);
    let model = sequential![Linear::new(3, 1, &rng).unwrap()];
    let mut opt = SGD::new(model.parameters(), 0.1).unwrap();
    let averaged = averaged_model(&model, Average::Ema { decay: 0.9 }, true).unwrap();
    let seen = RefCell::new(Vec::new());
    let mut trainer = Trainer::new(&model, &mut opt).quiet().epochs(2).ema(averaged).validation(|| {
        seen.borrow_mut().push(weights(&model));
        Ok(vec![])
    });
    trainer.fit(&loader(&rng, None), |batch| loss(&model, batch)).unwrap();
    let averages = trainer.averages().unwrap().with_averages(|| weights(&model)).unwrap();
    drop(trainer);
    assert_eq!(seen.borrow()[1], averages);
    assert_ne!(weights(&model), averages);
}

#[test]
fn best_and_last_checkpoints_are_kept() {
    let folder = std::env::temp_dir().join(format!("train-trainer-best-{}", std::process::id()));
    let mut values = [0.1, 0.7, f64::NAN, 0.6, 0.7].into_iter();
    let checkpoints = Checkpoints::open(&folder).unwrap().keep_last(2);
    let (done, ..) = run(None, |trainer| {
        let trainer = trainer.epochs(5).checkpoints(checkpoints.clone(), Some(2)).keep_best("val", Mode::Max);
        trainer.validation(move || -> Result<_> { Ok(vec![("val", values.next().unwrap())]) })
    });
    assert_eq!(done.unwrap().best, Some(0.7));
    assert_eq!(checkpoints.steps().unwrap(), [24, 25]);
    assert_eq!(checkpoints.latest().unwrap().unwrap().0, 25);
    assert_eq!(checkpoints.best().unwrap().unwrap().get::<usize>("step").unwrap(), 10);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_schedule_steps_with_the_optimizer_or_with_the_epoch() {
    let rates = |every: Every| {
        let rng = Rng::seed(0);
        let model = model(&rng);
        let mut opt = SGD::new(model.parameters(), 1.0e-4).unwrap();
        let scheduler = Scheduler::new(&mut opt, StepLR { step_size: 2, gamma: 0.5 }).unwrap();
        let mut trainer = Trainer::new(&model, &mut opt).quiet().epochs(4).schedule(scheduler, every);
        trainer.fit(&loader(&rng, None), |batch| loss(&model, batch)).unwrap();
        drop(trainer);
        opt.lr()
    };
    // 20 steps, 4 epochs.
    assert_eq!(rates(Every::Step), 1.0e-4 * 0.5f64.powi(10));
    assert_eq!(rates(Every::Epoch), 1.0e-4 * 0.5f64.powi(2));
}

#[test]
fn one_batch_is_learned_by_heart_unless_the_wiring_is_wrong() {
    let falls = |wired: bool| {
        let rng = Rng::seed(0);
        let model = sequential![Linear::new(3, 16, &rng).unwrap(), ReLU, Linear::new(16, 2, &rng).unwrap()];
        let (x, y) = (rng.randn([8, 3], DType::F32).unwrap(), rng.randint(0, 2, [8]).unwrap());
        let mut opt = Adam::new(model.parameters(), 0.05).unwrap();
        let losses = overfit_one_batch(&mut opt, 150, || {
            let output = model.forward(&x.clone().into())?;
            // The value is the same; its gradient is 0.
            let output =
                if wired { output } else { output.mul_scalar(0.0)?.add(&Var::from(output.detach()))? };
            Ok(output.cross_entropy(&y)?)
        });
        let losses = losses.unwrap();
        losses[149] / losses[0]
    };
    assert!(falls(true) < 0.01);
    assert_eq!(falls(false), 1.0);
}
