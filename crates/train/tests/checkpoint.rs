//! Checkpoints: everything of a run comes back, and no damage is read in silence.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::path::PathBuf;
use train::checkpoint::{Checkpoint, Checkpoints};
use train::data::Position;
use train::optim::schedule::{CosineAnnealingLR, ReduceLROnPlateau, Scheduler};
use train::optim::{Average, Dict, GradScaler, GradScalerOptions, Optimizer, Value};
use train::prelude::*;

/// A folder that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("train-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Self(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Two tensors and a few values: every bit of it can be tried.
fn small() -> Checkpoint {
    let mut checkpoint = Checkpoint::new();
    let weights = Tensor::from_vec(vec![1.5f32, -2.0, 0.25], [3]).unwrap();
    checkpoint.put("model", &Dict::from([("w".to_string(), Value::Tensor(weights))]));
    checkpoint.put("mask", &Tensor::from_vec(vec![true, false], [2]).unwrap());
    checkpoint.put("step", &7usize);
    checkpoint.put("loss", &f64::NAN);
    checkpoint
}

#[test]
fn a_file_cut_at_any_byte_is_an_error() {
    let bytes = small().to_bytes().unwrap();
    for length in 0..bytes.len() {
        assert!(Checkpoint::from_bytes(&bytes[..length]).is_err(), "{length} bytes");
    }
    assert!(Checkpoint::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    assert_eq!(Checkpoint::from_bytes(&bytes).unwrap(), small());
}

#[test]
fn a_flipped_bit_is_an_error_or_the_right_data() {
    let bytes = small().to_bytes().unwrap();
    let mut harmless = 0;
    for bit in 0..8 * bytes.len() {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(read) = Checkpoint::from_bytes(&bytes) {
            assert_eq!(read, small(), "bit {bit}");
            harmless += 1;
        }
    }
    // The two strings "format" and "pt", which mean nothing here, and the padding behind the header.
    assert!(harmless < 8 * 16, "{harmless} bits of {} do not matter", 8 * bytes.len());
}

#[test]
fn the_state_of_a_run_comes_back() {
    let scratch = Scratch::new("whole-run");
    let (rng, data_rng) = (Rng::seed(0), Rng::seed(1));
    let make = || sequential![Linear::new(3, 4, &rng).unwrap(), BatchNorm1d::new(4).unwrap()];
    let model = make();
    let mut opt = Adam::new(model.named_parameters(), 0.1).unwrap();
    let mut scheduler = Scheduler::new(&mut opt, CosineAnnealingLR::new(10)).unwrap();
    let mut plateau = ReduceLROnPlateau::new();
    let mut ema = train::averaged_model(&model, Average::Ema { decay: 0.9 }, true).unwrap();
    let mut scaler = GradScaler::new(GradScalerOptions::default());
    let set =
        TensorDataset::new(rng.randn([10, 3], DType::F32).unwrap(), Tensor::zeros([10], DType::I64).unwrap());
    let loader = DataLoader::new(set.unwrap(), 4).unwrap().shuffle(&data_rng);
    let mut pass = loader.epoch(5);
    for batch in pass.by_ref().take(2) {
        let loss = model.forward(&batch.unwrap().0.into()).unwrap().sum().unwrap();
        opt.zero_grad();
        loss.backward().unwrap();
        opt.step().unwrap();
        scheduler.step(&mut opt).unwrap();
        plateau.step(&mut opt, 0.5).unwrap();
        ema.update_parameters().unwrap();
        scaler.update();
    }
    let mut checkpoint = Checkpoint::new();
    checkpoint.put("model", &model.state_dict());
    checkpoint.put("optimizer", &opt.state_dict().unwrap());
    checkpoint.put("scheduler", &scheduler.state_dict());
    checkpoint.put("plateau", &plateau.state_dict());
    checkpoint.put("ema", &ema.state_dict());
    checkpoint.put("scaler", &scaler.state_dict());
    checkpoint.put("rng", &data_rng);
    checkpoint.put("position", pass.position());
    checkpoint.put("tags", &vec!["a".to_string(), "ü".to_string()]);
    std::fs::create_dir_all(&scratch.0).unwrap();
    let path = scratch.0.join("run.safetensors");
    checkpoint.save(&path).unwrap();

    let read = Checkpoint::load(&path).unwrap();
    assert_eq!(read, checkpoint);
    let other = make();
    let mut other_opt = Adam::new(other.named_parameters(), 0.5).unwrap();
    let mut other_scheduler = Scheduler::new(&mut other_opt, CosineAnnealingLR::new(10)).unwrap();
    let mut other_ema = train::averaged_model(&other, Average::Ema { decay: 0.9 }, true).unwrap();
    other.load_state_dict(&read.get("model").unwrap(), true).unwrap();
    other_opt.load_state_dict(&read.get("optimizer").unwrap()).unwrap();
    other_scheduler.load_state_dict(&read.get("scheduler").unwrap()).unwrap();
    other_ema.load_state_dict(&read.get("ema").unwrap()).unwrap();
    assert_eq!(other_opt.state_dict().unwrap(), opt.state_dict().unwrap());
    assert_eq!(other_scheduler.state_dict(), scheduler.state_dict());
    assert_eq!(other_ema.state_dict(), ema.state_dict());
    assert_eq!(read.get::<Rng>("rng").unwrap().state(), data_rng.state());
    assert_eq!(read.get::<Position>("position").unwrap(), *pass.position());
    // Any reader of safetensors finds the weights by name.
    let tensors = train::tensor_core::io::safetensors::read(&path).unwrap().tensors;
    let weight = tensors["model.0.weight"].to_vec::<f32>().unwrap();
    assert_eq!(weight, model.state_dict()["0.weight"].to_vec::<f32>().unwrap());
}

#[test]
fn wrong_entries_and_other_files_say_what_they_are() {
    let checkpoint = small();
    let message = |error: Error| error.to_string();
    assert_eq!(
        message(checkpoint.get::<usize>("epoch").unwrap_err()),
        "the checkpoint's \"epoch\" is missing, expected an integer of at least 0"
    );
    assert_eq!(
        message(checkpoint.get::<String>("step").unwrap_err()),
        "the checkpoint's \"step\" is 7, expected text"
    );
    assert_eq!(checkpoint.names().collect::<Vec<_>>(), ["loss", "mask", "model", "step"]);
    assert!(checkpoint.has("step") && !checkpoint.has("epoch"));
    let scratch = Scratch::new("other-files");
    std::fs::create_dir_all(&scratch.0).unwrap();
    let path = scratch.0.join("model.safetensors");
    train::save_model(&Linear::new(2, 2, &Rng::seed(0)).unwrap(), &path).unwrap();
    let error = message(Checkpoint::load(&path).unwrap_err());
    assert!(error.ends_with("model.safetensors: a safetensors file, but no checkpoint"), "{error}");
}

#[test]
fn long_lists_take_their_room_in_the_file() {
    let mut checkpoint = Checkpoint::new();
    checkpoint.put("losses", &vec![1usize; 50_000]);
    let bytes = checkpoint.to_bytes().unwrap();
    assert_eq!(Checkpoint::from_bytes(&bytes).unwrap(), checkpoint);
    // Beyond what a header may have: said when it is written, not when it is read.
    checkpoint.put("losses", &vec![1usize; 400_000]);
    let error = checkpoint.to_bytes().unwrap_err().to_string();
    assert!(error.contains("a header of at most 16777216 bytes"), "{error}");
}

#[test]
fn equal_paths_of_different_tensors_do_not_meet() {
    let mut checkpoint = Checkpoint::new();
    let number = |x: f32| Value::Tensor(Tensor::scalar(x).unwrap());
    let inner = Dict::from([("b".to_string(), number(1.0))]);
    checkpoint.put("a", &Dict::from([("b".into(), Value::Dict(inner)), ("b.b".into(), number(2.0))]));
    assert_eq!(Checkpoint::from_bytes(&checkpoint.to_bytes().unwrap()).unwrap(), checkpoint);
}

#[test]
fn the_last_few_and_the_best_are_kept_and_damage_falls_back() {
    let scratch = Scratch::new("folder");
    let checkpoints = Checkpoints::open(&scratch.0).unwrap().keep_last(2);
    assert!(checkpoints.latest().unwrap().is_none() && checkpoints.best().unwrap().is_none());
    let numbered = |step: usize| {
        let mut checkpoint = Checkpoint::new();
        checkpoint.put("step", &step);
        checkpoint
    };
    for step in [1, 2, 10, 9] {
        checkpoints.save(step, &numbered(step)).unwrap();
    }
    checkpoints.save_best(&numbered(2)).unwrap();
    std::fs::write(scratch.0.join("step-11.safetensors"), b"not one of these").unwrap();
    assert_eq!(checkpoints.steps().unwrap(), [9, 10]);
    assert_eq!(checkpoints.best().unwrap().unwrap(), numbered(2));
    assert_eq!(checkpoints.latest().unwrap().unwrap(), (10, numbered(10)));
    let newest = scratch.0.join("step-000000010.safetensors");
    let bytes = std::fs::read(&newest).unwrap();
    std::fs::write(&newest, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(checkpoints.latest().unwrap().unwrap(), (9, numbered(9)));
    std::fs::write(scratch.0.join("step-000000009.safetensors"), b"").unwrap();
    let error = checkpoints.latest().unwrap_err().to_string();
    assert!(error.contains("step-000000010"), "{error}");
}

#[test]
fn what_killed_writers_left_is_swept_and_nothing_else() {
    let scratch = Scratch::new("sweep");
    let checkpoints = Checkpoints::open(&scratch.0).unwrap();
    let (me, gone) = (std::process::id(), u32::MAX);
    let stale =
        [format!(".step-000000001.safetensors.{gone}-3.tmp"), format!(".best.safetensors.{me}-99999999.tmp")];
    let others = [".best.safetensors.1-2.tmp", ".notes.tmp", "notes.txt", ".a.b-c.tmp"];
    for name in stale.iter().map(String::as_str).chain(others) {
        std::fs::write(scratch.0.join(name), b"").unwrap();
    }
    checkpoints.save(1, &small()).unwrap();
    for name in stale {
        assert!(!scratch.0.join(&name).exists(), "{name}");
    }
    for name in others {
        // Process 1 always runs, where processes can be seen.
        assert!(scratch.0.join(name).exists() || name.contains(".1-2."), "{name}");
    }
}
