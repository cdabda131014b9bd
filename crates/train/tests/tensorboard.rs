//! The Python package `tensorboard` reads what is written here. Where it is not installed, the test says SKIP; the bytes
//! are compared with recorded ones in any case (in the module itself).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::process::Command;
use train::prelude::{DataLoader, Linear, Module, Output, SGD, TensorDataset, Trainer};
use train::{DType, Rng, Tensor, TensorBoard};

const READ: &str = "
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={'histograms': 0}); events.Reload()
print([(e.step, e.value) for e in events.Scalars('loss')])
print([(e.step, h.min, h.max, h.num, h.sum, h.sum_squares, sum(h.bucket), len(h.bucket) == len(h.bucket_limit))
       for e in events.Histograms('spread') for h in [e.histogram_value]])
spread = events.Histograms('spread')[0].histogram_value
for value in [-2.0, 0.0, 0.5]:
    at = next(i for i, limit in enumerate(spread.bucket_limit) if value < limit)
    print(spread.bucket[at], spread.bucket_limit[at - 1] <= value)
print(events.Tags()['histograms'], [e.step for e in events.Histograms('weights/bias')])
print([t.tensor_proto.string_val for t in events.Tensors('note')])
";

/// What the package says of a folder; `None` if it is not there.
fn read(folder: &std::path::Path) -> Option<String> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let has = Command::new(&python).args(["-c", "import tensorboard"]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        println!("SKIP: {python} has no package tensorboard");
        return None;
    }
    let output = Command::new(&python).args(["-c", READ]).arg(folder).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn tensorboard_reads_the_file() {
    let folder = std::env::temp_dir().join(format!("train-tensorboard-{}", std::process::id()));
    let mut board = TensorBoard::create(&folder).unwrap();
    for (step, loss) in [(1, 0.5), (2, 0.25), (300, -1e-3)] {
        board.scalar("loss", step, loss).unwrap();
    }
    let values = [0.5f32, f32::NAN, -2.0, 0.0, 0.5, f32::INFINITY];
    board.histogram("spread", 7, &Tensor::from_vec(values.to_vec(), [2, 3]).unwrap()).unwrap();
    board.histogram("spread", 8, &Tensor::from_vec(vec![f32::NAN], [1]).unwrap()).unwrap();
    board.text("note", 0, "# A *note*").unwrap();
    assert!(std::fs::metadata(board.path()).unwrap().len() > 200);
    let other = TensorBoard::create(&folder).unwrap();
    assert_ne!(other.path(), board.path());
    train(other);
    if let Some(text) = read(&folder) {
        for expected in [
            "[(1, 0.5), (2, 0.25), (300, -0.0010000000474974513)]",
            "[(7, -2.0, 0.5, 4.0, -1.0, 4.5, 4.0, True), (8, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, True)]",
            "1.0 True\n1.0 True\n2.0 True\n",
            "['spread', 'weights/weight', 'weights/bias'] [2, 4, 6]",
            "# A *note*",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// A run of 3 epochs of 2 steps.
fn train(board: TensorBoard) {
    let rng = Rng::seed(0);
    let (x, y) = (rng.randn([8, 2], DType::F32).unwrap(), rng.randint(0, 2, [8]).unwrap());
    let loader = DataLoader::new(TensorDataset::new(x, y).unwrap(), 4).unwrap();
    let model = Linear::new(2, 2, &rng).unwrap();
    let mut opt = SGD::new(model.parameters(), 0.1).unwrap();
    let board = board.histograms(&model);
    let mut trainer = Trainer::new(&model, &mut opt).epochs(3).callback(board).quiet();
    let step = |(x, y): (Tensor, Tensor)| {
        use train::nn::prelude::*;
        Ok(Output::new(model.forward(&x.into())?.cross_entropy(&y)?, 4))
    };
    trainer.fit(&loader, step).unwrap();
}
