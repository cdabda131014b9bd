//! A model in safetensors, from PyTorch and back. Skipped where there is no Python with torch and safetensors.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use autograd::tensor_core::{Rng, io::safetensors};
use autograd::{Tensor, Var};
use nn::prelude::*;
use nn::{AttentionMasks, StateDict};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The model of `scripts/safetensors_model.py`.
#[derive(Module)]
struct Model {
    conv: Sequential,
    embedding: Embedding,
    lstm: LSTM,
    encoder: TransformerEncoder,
    head: Linear,
}

impl Model {
    fn new(rng: &Rng) -> nn::Result<Self> {
        let layer = TransformerEncoderLayer::options(16, 2).dim_feedforward(32).batch_first(true);
        Ok(Self {
            conv: sequential![
                Conv2d::options(1, 4, 3).stride(2).build(rng)?,
                BatchNorm2d::new(4)?,
                ReLU,
                Flatten::new(),
            ],
            embedding: Embedding::new(10, 16, rng)?,
            lstm: LSTM::options(16, 8).num_layers(2).bidirectional(true).batch_first(true).build(rng)?,
            encoder: TransformerEncoder::new(layer, 2, None, rng)?,
            head: Linear::new(4 * 3 * 3 + 16, 5, rng)?,
        })
    }

    fn forward(&self, inputs: &BTreeMap<String, Tensor>) -> nn::Result<Tensor> {
        let [images, tokens] = ["images", "tokens"].map(|name| Var::from(&inputs[name]));
        let (sequence, _) = self.lstm.forward(&self.embedding.forward(&tokens)?, None)?;
        let sequence = self.encoder.forward(&sequence, AttentionMasks::default())?.mean_dim(1, false)?;
        let features = Var::cat(&[&self.conv.forward(&images)?, &sequence], 1)?;
        Ok(self.head.forward(&features)?.detach())
    }
}

fn assert_close(found: &Tensor, expected: &Tensor) {
    assert_eq!(found.shape(), expected.shape());
    for (a, b) in found.to_vec::<f32>().unwrap().into_iter().zip(expected.to_vec::<f32>().unwrap()) {
        assert!((a - b).abs() <= 1e-6 * (1.0 + b.abs()), "{a}, {b}");
    }
}

#[test]
fn a_model_goes_from_pytorch_to_us_and_back() {
    let python = std::env::var("TORCH_PYTHON").unwrap_or_else(|_| "python3".to_string());
    let run = |arguments: &[&str]| Command::new(&python).args(arguments).output();
    if !run(&["-c", "import torch, safetensors"]).is_ok_and(|done| done.status.success()) {
        println!("SKIP: {python} with torch and safetensors not found; TORCH_PYTHON names another");
        return;
    }
    let folder = std::env::temp_dir().join(format!("nn_pytorch_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/safetensors_model.py");
    let python = |what: &str| {
        let done = run(&[script.to_str().unwrap(), what, folder.to_str().unwrap()]).unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let read = |name: &str| safetensors::read(folder.join(name)).unwrap().tensors;

    python("save");
    // Another seed than PyTorch's: all values must come from the file.
    let model = Model::new(&Rng::seed(1)).unwrap();
    let theirs: StateDict = read("theirs.safetensors");
    model.load_state_dict(&theirs, true).unwrap();
    model.eval();
    let inputs = read("input.safetensors");
    assert_close(&model.forward(&inputs).unwrap(), &read("output.safetensors")["output"]);

    // Back with other values, and statistics of another batch.
    for parameter in model.parameters() {
        parameter.set_value(parameter.value().mul_scalar(0.9).unwrap()).unwrap();
    }
    model.train();
    model.forward(&inputs).unwrap();
    model.eval();
    safetensors::write(folder.join("ours.safetensors"), &model.state_dict(), &BTreeMap::new()).unwrap();
    python("load");
    assert_close(&model.forward(&inputs).unwrap(), &read("again.safetensors")["output"]);
    std::fs::remove_dir_all(folder).unwrap();
}
