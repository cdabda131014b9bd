//! A run that is killed at any step and resumed gives the same bits and the same log as one that is not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use proptest::prelude::*;
use std::path::{Path, PathBuf};
use train::checkpoint::{Checkpoint, Checkpoints};
use train::data::{DataLoader, TensorDataset};
use train::nn::{BatchNorm1d, Dropout};
use train::optim::schedule::{Mode, Scheduler, warmup_cosine};
use train::optim::{AdamW, Average, GradScaler, GradScalerOptions};
use train::prelude::{Layer, Linear, Module, ReLU, Sequential, sequential};
use train::{
    Callback, DType, EarlyStopping, Ending, Error, Event, Every, FileLog, Flow, Output, Result, Rng, Summary,
    Tensor, Trainer, averaged_model,
};

const EPOCHS: usize = 3;

fn folder(name: &str) -> PathBuf {
    // Memory, where there is such a folder: these runs save many times.
    let base = Path::new("/dev/shm");
    let base = if base.is_dir() { base.to_path_buf() } else { std::env::temp_dir() };
    let folder = base.join(format!("train-resume-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Ends the process, as far as the run can tell, at a step.
struct Kill(usize);

impl Callback for Kill {
    fn name(&self) -> &str {
        "kill"
    }

    fn on_step(&mut self, event: &Event<'_>) -> Result<Flow> {
        if event.step == self.0 { Err(Error::Panic { message: "killed".into() }) } else { Ok(Flow::Continue) }
    }
}

struct Setting {
    workers: usize,
    accumulate: usize,
    every: usize,
    scaled: bool,
}

/// What a run leaves: the weights, the averages, the generators, the log.
type Left = (Vec<u8>, String, String);

/// A run in `folder` that goes on from its newest checkpoint, and is killed after step `kill`.
fn run(folder: &Path, setting: &Setting, kill: usize) -> (Result<Summary>, Left) {
    let (rng, dropout_rng) = (Rng::seed(1), Rng::seed(2));
    let model: Sequential = sequential![
        Linear::new(3, 8, &rng).unwrap(),
        BatchNorm1d::new(8).unwrap(),
        ReLU,
        Dropout::new(0.3, &dropout_rng).unwrap(),
        Linear::new(8, 2, &rng).unwrap(),
    ];
    let x = rng.randn([38, 3], DType::F32).unwrap();
    let y = rng.randint(0, 2, [38]).unwrap();
    let set = TensorDataset::new(x.clone(), y.clone()).unwrap();
    let loader = DataLoader::new(set, 4).unwrap().shuffle(&rng).workers(setting.workers);
    let mut opt = AdamW::new(model.named_parameters(), 1e-2).unwrap();
    let scheduler = Scheduler::new(&mut opt, warmup_cosine(3, 30)).unwrap();
    let mut trainer = Trainer::new(&model, &mut opt)
        .epochs(EPOCHS)
        .accumulate(setting.accumulate)
        .unwrap()
        .clip_grad_norm(1.0)
        .schedule(scheduler, Every::Step)
        .ema(averaged_model(&model, Average::Ema { decay: 0.9 }, true).unwrap())
        .rng(&rng)
        .rng(&dropout_rng)
        .validation(|| -> Result<_> {
            let loss = model.forward(&x.clone().into())?.cross_entropy(&y)?;
            Ok(vec![("val_loss", f64::from(loss.item::<f32>()?))])
        })
        .checkpoints(Checkpoints::open(folder).unwrap().keep_last(2), Some(setting.every))
        .keep_best("val_loss", Mode::Min)
        .callback(FileLog::json_lines(folder.join("log.jsonl")).unwrap())
        .callback(FileLog::csv(folder.join("log.csv")).unwrap())
        .callback(EarlyStopping::new("val_loss", Mode::Min).patience(9))
        .callback(Kill(kill))
        .quiet();
    if setting.scaled {
        // The first steps overflow and are left out; the later ones grow the scale again.
        let options = GradScalerOptions { init_scale: 1e39, growth_interval: 4, ..Default::default() };
        trainer = trainer.scaler(GradScaler::new(options));
    }
    trainer.resume_latest().unwrap();
    let done = trainer.fit(&loader, |(x, y)| -> Result<Output> {
        let output = model.forward(&x.into())?;
        let mut accuracy = train::metric::Accuracy::default();
        accuracy.add(&output.detach(), &y)?;
        Ok(Output::new(output.cross_entropy(&y)?, y.numel()).value("accuracy", accuracy.value()))
    });
    let mut end = trainer.checkpoint().unwrap();
    end.put("seconds", &0.0);
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    (done, (end.to_bytes().unwrap(), read("log.jsonl"), read("log.csv")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_killed_run_that_is_resumed_is_the_uninterrupted_run(
        workers in 0usize..3,
        accumulate in 1usize..4,
        every in 1usize..7,
        scaled in any::<bool>(),
        kills in prop::collection::vec(1usize..31, 1..3),
    ) {
        let setting = Setting { workers, accumulate, every, scaled };
        let whole = folder("whole");
        let (summary, expected) = run(&whole, &setting, usize::MAX);
        let steps = summary.unwrap().steps;
        // A step that overflows is not counted.
        let all = EPOCHS * 10usize.div_ceil(accumulate);
        prop_assert!(if scaled { steps < all } else { steps == all }, "{} of {} steps", steps, all);
        let best = Checkpoints::open(&whole).unwrap().best().unwrap().unwrap();

        let broken = folder("broken");
        for (round, kill) in kills.into_iter().enumerate() {
            let (done, _) = run(&broken, &setting, kill);
            // A later kill may lie before where the run goes on.
            prop_assert!(round > 0 || done.is_err() == (kill <= steps), "{:?}", done);
        }
        let (done, left) = run(&broken, &setting, usize::MAX);
        prop_assert_eq!(done.unwrap().steps, steps);
        prop_assert_eq!(&left.1, &expected.1);
        prop_assert_eq!(&left.2, &expected.2);
        // The best checkpoint too, but for the clock and for what the logs' lengths say of it.
        let again = Checkpoints::open(&broken).unwrap().best().unwrap().unwrap();
        let model = |checkpoint: &Checkpoint| checkpoint.get::<std::collections::BTreeMap<String, Tensor>>("model").unwrap();
        let bits = |checkpoint: &Checkpoint| model(checkpoint).values().map(|t| t.to_le_bytes().unwrap()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&again), bits(&best));
        prop_assert!(left.0 == expected.0, "weights, averages, optimizer, generators and counters");
        std::fs::remove_dir_all(whole).unwrap();
        std::fs::remove_dir_all(broken).unwrap();
    }
}

#[test]
fn a_run_that_was_stopped_goes_on_where_it_was() {
    let (stopped, whole) = (folder("stopped"), folder("not-stopped"));
    let setting = Setting { workers: 2, accumulate: 2, every: 100, scaled: false };
    let (_, expected) = run(&whole, &setting, usize::MAX);

    // The first part, by a limit: the same parts, without the rest of `run`.
    let limited = |steps: usize| {
        let rng = Rng::seed(0);
        let model = Linear::new(2, 1, &rng).unwrap();
        let set = TensorDataset::new(
            rng.randn([10, 2], DType::F32).unwrap(),
            Tensor::zeros([10, 1], DType::F32).unwrap(),
        );
        let loader = DataLoader::new(set.unwrap(), 3).unwrap().shuffle(&rng);
        let mut opt = AdamW::new(model.named_parameters(), 1e-2).unwrap();
        let mut trainer = Trainer::new(&model, &mut opt)
            .epochs(4)
            .steps(steps)
            .rng(&rng)
            .checkpoints(Checkpoints::open(&stopped).unwrap(), None)
            .quiet();
        trainer.resume_latest().unwrap();
        let summary = trainer.fit(&loader, |(x, y)| -> Result<Output> {
            Ok(Output::new(
                model.forward(&x.into())?.mse_loss(&y, train::autograd::Reduction::Mean)?,
                y.shape()[0],
            ))
        });
        (summary.unwrap(), model.weight.value().to_vec::<f32>().unwrap())
    };
    let (summary, _) = limited(6);
    assert_eq!((summary.steps, summary.epochs, summary.ending), (6, 1, Ending::Steps));
    let (summary, _) = limited(8);
    assert_eq!((summary.steps, summary.epochs), (8, 2), "an epoch whose last step it is counts");
    let (summary, resumed) = limited(100);
    assert_eq!((summary.steps, summary.ending), (16, Ending::Epochs));
    std::fs::remove_dir_all(&stopped).unwrap();
    std::fs::create_dir(&stopped).unwrap();
    assert_eq!(limited(100).1, resumed);
    assert!(expected.1.lines().count() > EPOCHS);
    std::fs::remove_dir_all(stopped).unwrap();
    std::fs::remove_dir_all(whole).unwrap();
}
