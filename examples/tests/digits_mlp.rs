//! A hundred steps on the digits, against the run that PyTorch recorded: the same first weights, the same batches, the
//! same losses.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use examples::data;
use serde_json::Value;
use train::data::TensorDataset;
use train::prelude::*;
use train::tensor_core::io::safetensors;

fn fixture(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/digits_mlp").join(name)
}

fn flat_digits() -> TensorDataset {
    let digits = data::digits().unwrap();
    TensorDataset::new(digits.data().flatten(1, -1).unwrap(), digits.target().clone()).unwrap()
}

fn draw(rng: &Rng, n: usize) -> Vec<usize> {
    rng.randperm(n).unwrap().to_vec::<i64>().unwrap().into_iter().map(|index| index as usize).collect()
}

/// h = 31·h + bits over the bit patterns.
fn checksum(tensor: &Tensor) -> u64 {
    let values = tensor.to_vec::<f32>().unwrap();
    values.iter().fold(0u64, |h, x| h.wrapping_mul(31).wrapping_add(x.to_bits().into()))
}

#[test]
fn a_hundred_steps_follow_pytorchs() {
    let run: Value = serde_json::from_str(&std::fs::read_to_string(fixture("run.json")).unwrap()).unwrap();
    let size = |key: &str| run[key].as_u64().unwrap() as usize;
    let rng = Rng::seed(run["seed"].as_u64().unwrap());
    let model = sequential![Linear::new(64, 128, &rng).unwrap(), ReLU, Linear::new(128, 10, &rng).unwrap()];
    for (name, value) in model.state_dict() {
        assert_eq!(run["initial_checksum"][&name], checksum(&value), "{name}");
    }

    let order = draw(&rng, 1797);
    assert_eq!(run["split"], Value::from(order.clone()));
    let (training, held_out) = order.split_at(size("train_rows"));
    let digits = flat_digits();
    let mut opt = Adam::new(model.parameters(), run["lr"].as_f64().unwrap()).unwrap();
    let mut losses: Vec<f32> = Vec::new();
    for expected in run["epochs"].as_array().unwrap() {
        let order = draw(&rng, training.len());
        assert_eq!(*expected, Value::from(order.clone()));
        for batch in order.chunks(size("batch")).take(size("steps") - losses.len()) {
            let rows: Vec<usize> = batch.iter().map(|&place| training[place]).collect();
            let (images, classes) = digits.batch(&rows).unwrap();
            let loss = model.forward(&images.into()).unwrap().cross_entropy(&classes).unwrap();
            opt.zero_grad();
            loss.backward().unwrap();
            opt.step().unwrap();
            losses.push(loss.detach().item().unwrap());
        }
    }

    let recorded: Vec<f64> = serde_json::from_value(run["losses_f32"].clone()).unwrap();
    assert_eq!(losses.len(), recorded.len());
    for (step, (&loss, recorded)) in losses.iter().zip(recorded).enumerate() {
        let off = (f64::from(loss) - recorded).abs() / recorded;
        assert!(off < 1e-4, "step {step}: loss {loss}, recorded {recorded}");
    }
    let weights = safetensors::read(fixture("weights.safetensors")).unwrap().tensors;
    for (name, value) in model.state_dict() {
        let recorded = weights[&format!("final.{name}")].to_vec::<f32>().unwrap();
        let off = value
            .to_vec::<f32>()
            .unwrap()
            .iter()
            .zip(&recorded)
            .map(|(x, y)| (x - y).abs())
            .fold(0.0, f32::max);
        assert!(off < 1e-4, "{name} ends {off} away");
    }
    let share =
        examples::evaluate::accuracy(&model, &Subset::new(digits, held_out.to_vec()).unwrap()).unwrap();
    assert_eq!(share.value(), run["held_out_accuracy_f32"].as_f64().unwrap());
}
