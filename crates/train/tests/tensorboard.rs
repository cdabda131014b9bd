//! The Python package `tensorboard` reads what is written here. Where it is not installed, the test says SKIP; the bytes
//! are compared with recorded ones in any case (in the module itself).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::process::Command;
use train::TensorBoard;

const READ: &str = "
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1]); events.Reload()
print([(e.step, e.value) for e in events.Scalars('loss')])
print([t.tensor_proto.string_val for t in events.Tensors('note')])
";

#[test]
fn tensorboard_reads_the_file() {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let folder = std::env::temp_dir().join(format!("train-tensorboard-{}", std::process::id()));
    let mut board = TensorBoard::create(&folder).unwrap();
    for (step, loss) in [(1, 0.5), (2, 0.25), (300, -1e-3)] {
        board.scalar("loss", step, loss).unwrap();
    }
    board.text("note", 0, "# A *note*").unwrap();
    assert!(std::fs::metadata(board.path()).unwrap().len() > 200);
    let other = TensorBoard::create(&folder).unwrap();
    assert_ne!(other.path(), board.path());
    let has = Command::new(&python).args(["-c", "import tensorboard"]).output();
    if has.is_ok_and(|output| output.status.success()) {
        let output = Command::new(&python).args(["-c", READ]).arg(&folder).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("[(1, 0.5), (2, 0.25), (300, -0.0010000000474974513)]"), "{text}{output:?}");
        assert!(text.contains("# A *note*"), "{text}");
    } else {
        println!("SKIP: {python} has no package tensorboard");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
