//! Training that goes on from PyTorch's checkpoints, and PyTorch's that goes on from ours.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

use optim::schedule::{OneCycleLR, Scheduler};
use optim::{OptionValue, StateDict, Value};
use std::path::{Path, PathBuf};
use std::process::Command;
use tensor_core::io::{Dict, pt};
use train::prelude::*;

fn entries(path: &Path) -> Dict {
    pt::read(path).unwrap().get().expect("a dictionary")
}

/// The model, optimizer and scheduler of `scripts/record_pt.py`.
struct Run {
    model: Sequential,
    optimizer: AdamW,
    scheduler: Scheduler,
    data: (Tensor, Tensor),
}

impl Run {
    /// As a checkpoint has it.
    fn from_checkpoint(path: &Path, total_steps: usize) -> Self {
        let saved = entries(path);
        let rng = Rng::seed(7);
        let norm = BatchNorm1d::new(8).unwrap();
        let model =
            sequential![Linear::new(3, 8, &rng).unwrap(), Tanh, norm, Linear::new(8, 2, &rng).unwrap()];
        model.load_state_dict(&saved["model"].get().unwrap(), true).unwrap();
        let mut optimizer = AdamW::new(model.parameters(), 1e-3).unwrap();
        let mut scheduler = Scheduler::new(&mut optimizer, OneCycleLR::new(0.05, total_steps)).unwrap();
        optimizer.load_state_dict(&StateDict::try_from(&saved["optimizer"]).unwrap()).unwrap();
        scheduler.load_state_dict(&saved["scheduler"].get().unwrap()).unwrap();
        Self { model, optimizer, scheduler, data: saved["data"].get().unwrap() }
    }

    fn train(&mut self, steps: usize) {
        for _ in 0..steps {
            let output = self.model.forward(&(&self.data.0).into()).unwrap();
            let loss = MSELoss::new().forward(&output, &self.data.1).unwrap();
            self.optimizer.zero_grad();
            loss.backward().unwrap();
            self.optimizer.step().unwrap();
            self.scheduler.step(&mut self.optimizer).unwrap();
        }
    }

    fn checkpoint(&self) -> Value {
        let optimizer = Value::from(&self.optimizer.state_dict().unwrap());
        let entries = [
            ("model", self.model.state_dict().to_value()),
            ("optimizer", optimizer),
            ("scheduler", self.scheduler.state_dict().to_value()),
            ("data", self.data.to_value()),
        ];
        Value::Dict(entries.map(|(name, value)| (name.to_string(), value)).into())
    }
}

/// Numbers within 1e-5, tensors of one shape and dtype, dictionaries with at least the keys of `expected`.
fn assert_close(found: &Value, expected: &Value, place: &str) {
    match (found, expected) {
        (Value::Tensor(a), Value::Tensor(b)) => {
            assert_eq!((a.shape(), a.dtype()), (b.shape(), b.dtype()), "{place}");
            let numbers = |x: &Tensor| x.to_dtype(DType::F64).unwrap().to_vec::<f64>().unwrap();
            for (a, b) in numbers(a).into_iter().zip(numbers(b)) {
                assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "{place}: {a}, {b}");
            }
        }
        (Value::Float(a), Value::Float(b)) => {
            assert!((a - b).abs() <= 1e-12 * (1.0 + b.abs()), "{place}: {a}, {b}");
        }
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            assert_eq!(a.len(), b.len(), "{place}");
            a.iter().zip(b).enumerate().for_each(|(i, (a, b))| assert_close(a, b, &format!("{place}[{i}]")));
        }
        (Value::Dict(a), Value::Dict(b)) => {
            for (key, b) in b {
                let a = a.get(key).unwrap_or_else(|| panic!("{place} has no {key}"));
                assert_close(a, b, &format!("{place}.{key}"));
            }
        }
        (Value::IntDict(a), Value::IntDict(b)) => {
            assert!(a.keys().eq(b.keys()), "{place}");
            b.iter().for_each(|(key, b)| assert_close(&a[key], b, &format!("{place}[{key}]")));
        }
        (a, b) => assert_eq!(a, b, "{place}"),
    }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../fixtures/pt/{name}.pt"))
}

#[test]
fn training_goes_on_from_pytorchs_checkpoint_as_pytorch_does() {
    let mut run = Run::from_checkpoint(&fixture("steps_50"), 100);
    run.train(50);
    let (Value::Dict(found), expected) = (run.checkpoint(), entries(&fixture("steps_100"))) else {
        panic!("no dictionary");
    };
    assert_close(&found["model"], &expected["model"], "model");
    // Step counts, moments, and every option with what the scheduler keeps there.
    assert_close(&found["optimizer"], &expected["optimizer"], "optimizer");
    for key in found["scheduler"].get::<Dict>().unwrap().keys() {
        let part = |state: &Value| state.get::<Dict>().unwrap()[key].clone();
        assert_close(&part(&found["scheduler"]), &part(&expected["scheduler"]), key);
    }
}

#[test]
fn a_model_is_saved_and_loaded_by_the_name_of_the_file() {
    let path = std::env::temp_dir().join(format!("train_model_{}.pth", std::process::id()));
    let (trained, other) =
        (Linear::new(3, 2, &Rng::seed(0)).unwrap(), Linear::new(3, 2, &Rng::seed(1)).unwrap());
    train::save_model(&trained, &path).unwrap();
    assert_eq!(entries(&path).len(), 2);
    train::load_model(&other, &path).unwrap();
    assert_eq!(
        other.weight.value().to_vec::<f32>().unwrap(),
        trained.weight.value().to_vec::<f32>().unwrap()
    );
    std::fs::remove_file(path).unwrap();
    let text = train::load_model(&other, fixture("steps_50")).unwrap_err().to_string();
    assert_eq!(
        text,
        "load_model: the file's value is a dictionary, expected tensors by name, with nothing else"
    );
}

#[test]
fn pytorch_and_we_take_turns() {
    let python = std::env::var("TORCH_PYTHON").unwrap_or_else(|_| "python3".to_string());
    let run = |arguments: &[&str]| Command::new(&python).args(arguments).output();
    if !run(&["-c", "import torch"]).is_ok_and(|done| done.status.success()) {
        println!("SKIP: {python} with torch not found; TORCH_PYTHON names another");
        return;
    }
    let folder = std::env::temp_dir().join(format!("train_pt_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/take_turns.py");
    let turn = |which: &str| {
        let done = run(&[script.to_str().unwrap(), which, folder.to_str().unwrap()]).unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    turn("first");
    let mut ours = Run::from_checkpoint(&folder.join("first.pt"), 150);
    ours.train(50);
    pt::write(folder.join("second.pt"), &ours.checkpoint()).unwrap();
    turn("third");
    std::fs::remove_dir_all(folder).unwrap();
}
