//! A run record, and what a replay says of runs that differ from it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::path::{Path, PathBuf};
use train::checkpoint::Checkpoints;
use train::nn::Dropout;
use train::optim::schedule::{Scheduler, StepLR};
use train::prelude::*;
use train::{Callback, Error, Event, Every, Flow, RunRecord, Tensor};

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("train-record-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A program: 3 epochs of 10 steps.
#[derive(Clone, Copy)]
struct Program {
    seed: u64,
    lr: f64,
    /// The learning rate falls to this share after each epoch.
    gamma: f64,
    /// Whether the seventh batch of an epoch, unshuffled, has another number in it.
    other_row: bool,
    shuffle: bool,
    workers: usize,
    epochs: usize,
    watch: bool,
    weights_every: Option<usize>,
    /// Changes a weight that no loss sees, after this step.
    spoil: Option<usize>,
    /// Ends with an error after this step.
    kill: Option<usize>,
    batch_size: usize,
}

const PROGRAM: Program = Program {
    seed: 0,
    lr: 0.01,
    gamma: 0.5,
    other_row: false,
    shuffle: false,
    workers: 0,
    epochs: 3,
    watch: true,
    weights_every: None,
    spoil: None,
    kill: None,
    batch_size: 4,
};

struct Meddle<'a>(&'a Program, Parameter);

impl Callback for Meddle<'_> {
    fn name(&self) -> &str {
        "meddle"
    }

    fn on_step(&mut self, event: &Event<'_>) -> Result<Flow> {
        if self.0.spoil == Some(event.step) {
            self.1.update(|weight| weight.add_scalar(1e-7).map(|other| *weight = other))?;
        }
        if self.0.kill == Some(event.step) {
            return Err(Error::Panic { message: "killed".into() });
        }
        Ok(Flow::Continue)
    }
}

fn run(folder: &Path, program: &Program, verify: bool) -> Result<usize> {
    let Program { seed, lr, gamma, other_row, shuffle, workers, epochs, watch, batch_size, .. } = *program;
    let (rng, data_rng) = (Rng::seed(seed), Rng::seed(7));
    let mut x = data_rng.randn([40, 3], DType::F32)?.to_vec::<f32>()?;
    if other_row {
        x[25 * 3] += 1e-3;
    }
    let set = TensorDataset::new(Tensor::from_vec(x, [40, 3])?, data_rng.randint(0, 2, [40])?)?;
    let loader = DataLoader::new(set, batch_size)?.workers(workers);
    let loader = if shuffle { loader.shuffle(&rng) } else { loader };
    let model = sequential![Linear::new(3, 8, &rng)?, Dropout::new(0.3, &rng)?, Linear::new(8, 2, &rng)?];
    // Its gradient is 0 for ever.
    let unseen = Linear::new(1, 1, &rng)?;
    let unseen_weight = unseen.weight.clone();
    let both = (model, unseen);
    let mut opt = Adam::new(both.0.parameters(), lr)?;
    let path = folder.join("run.jsonl");
    let record = if verify { RunRecord::verify(path, &both)? } else { RunRecord::create(path, &both)? };
    let record = record.config("model", "mlp").config("batch size", batch_size).seed(seed);
    let record = match program.weights_every {
        Some(every) => record.weights_every(every),
        None => record,
    };
    let watched = record.watch(&loader);
    let scheduler = Scheduler::new(&mut opt, StepLR { step_size: 10, gamma })?;
    let mut trainer = Trainer::new(&both, &mut opt)
        .epochs(epochs)
        .schedule(scheduler, Every::Step)
        .rng(&rng)
        .quiet()
        .callback(Meddle(program, unseen_weight))
        .callback(record);
    if !verify {
        trainer = trainer.checkpoints(Checkpoints::open(folder)?, Some(3));
        trainer.resume_latest()?;
    }
    let step =
        |(x, y): (Tensor, Tensor)| Ok(Output::new(both.0.forward(&x.into())?.cross_entropy(&y)?, y.numel()));
    let summary = if watch { trainer.fit(&watched, step)? } else { trainer.fit(&loader, step)? };
    Ok(summary.steps)
}

/// Records one program, replays another, and says where it differs.
fn replay(name: &str, recorded: Program, replayed: Program) -> Option<(usize, String)> {
    let folder = folder(name);
    assert!(run(&folder, &recorded, false).is_ok());
    let done = run(&folder, &replayed, true);
    std::fs::remove_dir_all(folder).unwrap();
    match done {
        Ok(steps) => {
            assert_eq!(steps, 10 * replayed.epochs);
            None
        }
        Err(Error::Replay { step, what, .. }) => Some((step, what)),
        Err(error) => panic!("{error}"),
    }
}

fn differs(name: &str, change: impl FnOnce(&mut Program)) -> Option<(usize, String)> {
    let mut changed = PROGRAM;
    change(&mut changed);
    replay(name, PROGRAM, changed)
}

#[test]
fn the_same_program_is_the_same_run() {
    assert_eq!(differs("same", |_| {}), None);
    // The number of workers is no part of a run.
    let shuffled = Program { shuffle: true, weights_every: Some(4), ..PROGRAM };
    assert_eq!(replay("workers", shuffled, Program { workers: 2, ..shuffled }), None);
}

#[test]
fn a_change_is_found_at_its_step() {
    assert_eq!(differs("lr", |p| p.lr = 0.02), Some((1, "lr".into())));
    // The first ten steps are equal.
    assert_eq!(differs("gamma", |p| p.gamma = 0.4), Some((11, "lr".into())));
    assert_eq!(differs("row", |p| p.other_row = true), Some((7, "data".into())));
    assert_eq!(differs("shuffle", |p| p.shuffle = true), Some((1, "data".into())));
    assert_eq!(differs("seed", |p| p.seed = 1), Some((0, "seed".into())));
    assert_eq!(differs("config", |p| p.batch_size = 5), Some((0, "batch size".into())));
    assert_eq!(differs("short", |p| p.epochs = 2), Some((21, "the run".into())));
    assert_eq!(differs("long", |p| p.epochs = 4), Some((31, "the run".into())));
}

#[test]
fn data_that_are_not_watched_show_in_the_loss() {
    let unwatched = Program { watch: false, ..PROGRAM };
    let found = replay("unwatched", unwatched, Program { other_row: true, ..unwatched });
    assert_eq!(found, Some((7, "loss".into())));
}

#[test]
fn weights_that_no_loss_shows_are_found_by_their_hash() {
    let spoiled = Program { spoil: Some(14), ..PROGRAM };
    assert_eq!(replay("epoch", PROGRAM, spoiled), Some((20, "weights".into())));
    let often = |program| Program { weights_every: Some(1), ..program };
    assert_eq!(replay("often", often(PROGRAM), often(spoiled)), Some((14, "weights".into())));
}

#[test]
fn a_resumed_run_leaves_the_same_record() {
    let (whole, broken) = (folder("whole"), folder("broken"));
    let program = Program { shuffle: true, workers: 2, ..PROGRAM };
    run(&whole, &program, false).unwrap();
    for kill in [2, 17, 23] {
        assert!(run(&broken, &Program { kill: Some(kill), ..program }, false).is_err());
    }
    run(&broken, &program, false).unwrap();
    let read = |folder: &Path| std::fs::read_to_string(folder.join("run.jsonl")).unwrap();
    assert_eq!(read(&broken), read(&whole));
    assert_eq!(read(&whole).lines().count(), 1 + 30 + 3);
    for line in read(&whole).lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["kind"].is_string());
    }
    run(&broken, &program, true).unwrap();
    std::fs::remove_dir_all(whole).unwrap();
    std::fs::remove_dir_all(broken).unwrap();
}

#[test]
fn the_message_names_file_step_and_values() {
    let folder = folder("message");
    run(&folder, &PROGRAM, false).unwrap();
    let path = folder.join("run.jsonl");
    let error = run(&folder, &Program { lr: 0.02, ..PROGRAM }, true).unwrap_err().to_string();
    let expected = "the replay differs at step 1: lr is 0.02, recorded is 0.01";
    assert_eq!(error, format!("{}: {expected}", path.display()));

    let text = std::fs::read_to_string(&path).unwrap();
    let with = |text: &str| {
        std::fs::write(&path, text).unwrap();
        run(&folder, &PROGRAM, true)
    };
    // Another version is what a replay is there to try.
    assert!(with(&text.replace("\"os\":\"", "\"os\":\"other ")).is_ok());
    // A process that was killed leaves half of a line.
    let error = with(&text[..text.len() - 5]).unwrap_err().to_string();
    assert!(error.contains("at step 30: the run is still going on, recorded is at its end"), "{error}");
    assert!(matches!(with("no JSON\n").unwrap_err(), Error::Format { offset: 0, .. }));
    assert!(matches!(with("[]\n").unwrap_err(), Error::Format { offset: 0, .. }));
    assert!(matches!(with("").unwrap_err(), Error::Replay { step: 0, .. }));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(run(&folder, &PROGRAM, true).unwrap_err(), Error::File { .. }));
    std::fs::remove_dir_all(folder).unwrap();
}
