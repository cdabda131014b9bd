//! A process that trains gets a real SIGINT: it saves and stops, and the next one goes on with the same bits.
#![cfg(all(feature = "ctrlc", unix))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use train::checkpoint::Checkpoints;
use train::nn::Dropout;
use train::prelude::*;
use train::{Callback, Ending, Event, FileLog, Flow, Tensor};

/// Set for the child, to the folder of its run.
const FOLDER: &str = "TRAIN_CTRL_C_TEST_FOLDER";
/// Set for a child that takes its time, so that a signal finds it at work.
const SLOWLY: &str = "TRAIN_CTRL_C_TEST_SLOWLY";

/// Says each step.
struct Say;

impl Callback for Say {
    fn name(&self) -> &str {
        "say"
    }

    fn on_step(&mut self, event: &Event<'_>) -> Result<Flow> {
        println!("\nstep {}", event.step);
        if std::env::var_os(SLOWLY).is_some() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(Flow::Continue)
    }
}

/// 40 steps of 10 an epoch; returns why it ended.
fn run(folder: &Path) -> (Ending, usize) {
    let rng = Rng::seed(0);
    let model = sequential![
        Linear::new(3, 8, &rng).unwrap(),
        Dropout::new(0.3, &rng).unwrap(),
        Linear::new(8, 2, &rng).unwrap()
    ];
    let (x, y) = (rng.randn([40, 3], DType::F32).unwrap(), rng.randint(0, 2, [40]).unwrap());
    let loader = DataLoader::new(TensorDataset::new(x, y).unwrap(), 4).unwrap().shuffle(&rng).workers(2);
    let mut opt = Adam::new(model.parameters(), 1e-2).unwrap();
    let mut trainer = Trainer::new(&model, &mut opt)
        .epochs(4)
        .rng(&rng)
        .checkpoints(Checkpoints::open(folder).unwrap(), None)
        .callback(FileLog::json_lines(folder.join("log.jsonl")).unwrap())
        .callback(Say)
        .quiet()
        .stop_on_ctrl_c()
        .unwrap();
    trainer.resume_latest().unwrap();
    let summary = trainer.fit(&loader, |(x, y): (Tensor, Tensor)| {
        Ok(Output::new(model.forward(&x.into())?.cross_entropy(&y)?, y.numel()))
    });
    let summary = summary.unwrap();
    train::save_model(&model, folder.join("model.safetensors")).unwrap();
    (summary.ending, summary.steps)
}

fn spawn(test: &str, folder: &Path, slowly: bool) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(FOLDER, folder);
    if slowly {
        command.env(SLOWLY, "1");
    }
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn left(folder: &Path) -> [Vec<u8>; 2] {
    ["model.safetensors", "log.jsonl"].map(|name| std::fs::read(folder.join(name)).unwrap())
}

#[test]
fn an_interrupted_run_saves_and_goes_on_with_the_same_bits() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let (ending, steps) = run(Path::new(&folder));
        println!("\n{ending:?} {steps}");
        return;
    }
    let folder = std::env::temp_dir().join(format!("train-ctrl-c-{}", std::process::id()));
    let (whole, broken) = (folder.join("whole"), folder.join("broken"));
    assert_eq!(run(&whole), (Ending::Epochs, 40));

    let mut child = spawn("an_interrupted_run_saves_and_goes_on_with_the_same_bits", &broken, true);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    // In the middle of the second epoch.
    assert!(lines.any(|line| line == "step 13"));
    interrupt(&child);
    let rest: Vec<String> = lines.collect();
    assert!(child.wait().unwrap().success(), "it ends by itself, and says so: {rest:?}");
    let said = rest.iter().find_map(|line| line.strip_prefix("Stopped ")).unwrap();
    let steps: usize = said.parse().unwrap();
    assert!((13..40).contains(&steps));
    assert_eq!(Checkpoints::open(&broken).unwrap().latest().unwrap().unwrap().0, steps);

    assert_eq!(run(&broken), (Ending::Epochs, 40));
    assert!(left(&broken) == left(&whole), "weights and log");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_second_interrupt_ends_the_process() {
    if std::env::var_os(FOLDER).is_some() {
        let stop = train::StopFlag::default();
        stop.set_on_ctrl_c().unwrap();
        println!("\nready");
        // What does not look at the flag.
        while !stop.is_set() {
            std::thread::sleep(Duration::from_millis(1));
        }
        println!("\nset");
        return std::thread::sleep(Duration::from_secs(60));
    }
    let mut child = spawn("the_second_interrupt_ends_the_process", Path::new("."), false);
    let start = Instant::now();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    for word in ["ready", "set"] {
        assert!(lines.any(|line| line == word));
        interrupt(&child);
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(30));
}
