//! A process that saves without pause, killed at random moments: what it said was saved is there.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use train::checkpoint::{Checkpoint, Checkpoints};
use train::{DType, Rng, Tensor};

const KILLS: usize = 200;
/// Set for the child, to the folder it writes to.
const FOLDER: &str = "TRAIN_KILL_TEST_FOLDER";

fn folder() -> PathBuf {
    // Memory, where there is such a folder: a kill loses nothing that was written, so the disk adds only time.
    let base = Path::new("/dev/shm");
    let base = if base.is_dir() { base.to_path_buf() } else { std::env::temp_dir() };
    base.join(format!("train-kill-{}", std::process::id()))
}

/// All weights say which step they are of.
fn checkpoint(step: usize) -> Checkpoint {
    let mut checkpoint = Checkpoint::new();
    for name in ["a", "b", "c"] {
        checkpoint.put(name, &Tensor::full([10_000], step as f64, DType::F32).unwrap());
    }
    checkpoint
}

/// What the child does, until it is killed.
fn save_without_pause(folder: &str) {
    let checkpoints = Checkpoints::open(folder).unwrap().keep_last(2);
    let first = checkpoints.latest().unwrap().map_or(0, |(step, _)| step + 1);
    println!("\nready");
    for step in first.. {
        checkpoints.save(step, &checkpoint(step)).unwrap();
        println!("saved {step}");
        checkpoints.save_best(&checkpoint(step)).unwrap();
    }
}

/// The step that a line of the child says is saved.
fn saved(line: &str) -> Option<usize> {
    line.strip_prefix("saved ")?.parse().ok()
}

#[test]
fn two_hundred_kills_lose_nothing() {
    if let Ok(folder) = std::env::var(FOLDER) {
        return save_without_pause(&folder);
    }
    let (folder, rng) = (folder(), Rng::seed(0));
    let checkpoints = Checkpoints::open(&folder).unwrap();
    let mut last = None;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "two_hundred_kills_lose_nothing", "--nocapture"])
            .env(FOLDER, &folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.by_ref().map(Result::unwrap).any(|line| line == "ready"), "the child does not start");
        // Three times of four at least one save comes before the kill, however slow the machine.
        if kill % 4 > 0 {
            let said = lines.by_ref().map(Result::unwrap).find_map(|line| saved(&line));
            last = said.max(last);
        }
        std::thread::sleep(Duration::from_micros(u64::from(rng.next_u32() % 8000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let said = lines.map_while(Result::ok).filter_map(|line| saved(&line));
        last = said.max().or(last);
        let found = checkpoints.latest().unwrap();
        if let Some((step, found)) = &found {
            assert_eq!(*found, checkpoint(*step), "kill {kill}");
        }
        // Saved is saved; one more may have been complete before it could be said.
        let step = found.map(|(step, _)| step);
        assert!(
            step >= last && step <= last.map_or(Some(0), |last| Some(last + 1)),
            "kill {kill}: {step:?} for {last:?}"
        );
        // The best is written behind the last: a kill between the two leaves an older one, but a whole one.
        if let Some(best) = checkpoints.best().unwrap() {
            assert!((0..=step.unwrap_or(0)).rev().any(|step| best == checkpoint(step)), "kill {kill}");
        }
        last = step;
    }
    println!("{KILLS} kills, {} checkpoints saved", last.map_or(0, |last| last + 1));
    assert!(last > Some(KILLS / 4), "too few were saved for the kills to mean anything");
    let files = |folder: &Path| std::fs::read_dir(folder).unwrap().count();
    let left = files(&folder);
    let swept = Checkpoints::open(&folder).unwrap();
    swept.save(last.unwrap() + 1, &checkpoint(last.unwrap() + 1)).unwrap();
    assert!(files(&folder) <= 4 && left <= 5, "{left} files are left");
    std::fs::remove_dir_all(folder).unwrap();
}
