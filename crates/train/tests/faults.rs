//! A disk that fails at the n-th operation, for every n, and a power cut after each: the last whole checkpoint is never
//! lost.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use train::checkpoint::{Checkpoint, Checkpoints};
use train::tensor_core::io::{Files, OutputFile, SystemFiles};
use train::{DType, Tensor};

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("train-faults-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

/// All weights say which step they are of. Larger than a write buffer, so that a file takes several writes.
fn checkpoint(step: usize) -> Checkpoint {
    let mut checkpoint = Checkpoint::new();
    checkpoint.put("step", &step);
    checkpoint.put("weights", &Tensor::full([5000], step as f64, DType::F32).unwrap());
    checkpoint
}

/// The newest step, all of one piece.
fn newest(checkpoints: &Checkpoints) -> usize {
    let (step, found) = checkpoints.latest().unwrap().unwrap();
    assert_eq!(found, checkpoint(step));
    step
}

/// The system's files, of whose operations some fail.
struct Failing {
    done: Mutex<usize>,
    /// Which fails, counted from 0, and how.
    at: usize,
    kind: ErrorKind,
    /// Whether all later ones fail too: a full disk, or one that is gone.
    for_good: bool,
}

impl Failing {
    fn check(&self) -> io::Result<()> {
        let mut done = self.done.lock().unwrap();
        *done += 1;
        let now = *done - 1;
        let fails = now == self.at || self.for_good && now > self.at;
        if fails { Err(self.kind.into()) } else { Ok(()) }
    }
}

struct FailingFile(Box<dyn OutputFile>, Arc<Failing>);
struct Disk(Arc<Failing>);

impl Files for Disk {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn OutputFile>> {
        self.0.check()?;
        Ok(Box::new(FailingFile(SystemFiles.create_new(path)?, Arc::clone(&self.0))))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.check()?;
        SystemFiles.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.check()?;
        SystemFiles.remove(path)
    }
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.check()?;
        SystemFiles.sync_folder(folder)
    }
}

impl Write for FailingFile {
    /// A write that fails has written half before.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.1.check() {
            self.0.write_all(&bytes[..bytes.len() / 2])?;
            // A caller may only go on after an interruption, for which nothing is written.
            return if error.kind() == ErrorKind::Interrupted { Ok(bytes.len() / 2) } else { Err(error) };
        }
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Seek for FailingFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

impl OutputFile for FailingFile {
    fn set_permissions(&mut self, permissions: Permissions) -> io::Result<()> {
        self.1.check()?;
        self.0.set_permissions(permissions)
    }
    fn sync_all(&mut self) -> io::Result<()> {
        self.1.check()?;
        self.0.sync_all()
    }
}

#[test]
fn the_nth_operation_fails_for_every_n_and_nothing_is_lost() {
    for kind in [ErrorKind::StorageFull, ErrorKind::Other, ErrorKind::Interrupted] {
        for for_good in [false, true] {
            let mut at = 0;
            loop {
                let folder = folder("nth");
                let checkpoints = Checkpoints::open(&folder).unwrap().keep_last(1);
                checkpoints.save(1, &checkpoint(1)).unwrap();
                let failing = Arc::new(Failing { done: Mutex::new(0), at, kind, for_good });
                let saved =
                    checkpoints.clone().on(Arc::new(Disk(Arc::clone(&failing)))).save(2, &checkpoint(2));
                let operations = *failing.done.lock().unwrap();
                let step = newest(&checkpoints);
                // Said to be saved is saved; said to have failed is the new one or the one before.
                assert!(saved.is_err() || step == 2, "{kind:?} at {at}: step {step}");
                // A healthy disk goes on, and sweeps.
                checkpoints.save(3, &checkpoint(3)).unwrap();
                assert_eq!(newest(&checkpoints), 3);
                assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "{kind:?} at {at}");
                std::fs::remove_dir_all(&folder).unwrap();
                if operations <= at {
                    assert!(saved.is_ok() && at >= 6, "{at} operations");
                    break;
                }
                assert!(saved.is_err() || kind == ErrorKind::Interrupted, "{kind:?} at {at}");
                at += 1;
            }
        }
    }
}

/// What a disk holds after a power cut: content only up to what was flushed, names only as they were when the folder
/// was. What was not flushed may be there or not.
#[derive(Clone, Default)]
struct Platter {
    /// By a number of its own: what was written, and how much of it was flushed.
    contents: Vec<(Vec<u8>, usize)>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
}

/// A disk in memory that remembers how it was after each operation.
#[derive(Clone, Default)]
struct Model(Arc<Mutex<(Platter, Vec<Platter>)>>);

impl Model {
    fn act<R>(&self, action: impl FnOnce(&mut Platter) -> R) -> R {
        let mut both = self.0.lock().unwrap();
        let result = action(&mut both.0);
        let now = both.0.clone();
        both.1.push(now);
        result
    }
}

struct ModelFile(Model, usize);

impl Files for Model {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn OutputFile>> {
        let number = self.act(|platter| {
            platter.contents.push((Vec::new(), 0));
            let number = platter.contents.len() - 1;
            platter.names.insert(path.to_path_buf(), number);
            number
        });
        Ok(Box::new(ModelFile(self.clone(), number)))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.act(|platter| {
            let number = platter.names.remove(from).ok_or(ErrorKind::NotFound)?;
            platter.names.insert(to.to_path_buf(), number);
            Ok(())
        })
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.act(|platter| platter.names.remove(path).map(drop).ok_or(ErrorKind::NotFound.into()))
    }
    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        self.act(|platter| platter.durable_names = platter.names.clone());
        Ok(())
    }
}

impl Write for ModelFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.act(|platter| platter.contents[self.1].0.extend_from_slice(bytes));
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for ModelFile {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(ErrorKind::Unsupported.into())
    }
}

impl OutputFile for ModelFile {
    fn set_permissions(&mut self, _: Permissions) -> io::Result<()> {
        Ok(())
    }
    fn sync_all(&mut self) -> io::Result<()> {
        self.0.act(|platter| platter.contents[self.1].1 = platter.contents[self.1].0.len());
        Ok(())
    }
}

#[test]
fn a_power_cut_after_any_operation_leaves_the_old_or_the_new() {
    let (folder, model) = (folder("power"), Model::default());
    let checkpoints = Checkpoints::open(&folder).unwrap().on(Arc::new(model.clone()));
    for step in [1, 2, 2] {
        checkpoints.save(step, &checkpoint(step)).unwrap();
    }
    let moments = model.0.lock().unwrap().1.clone();
    let (mut saved, mut looked) = (0, 0);
    for platter in &moments {
        for names in [&platter.durable_names, &platter.names] {
            for kept in [0.0, 0.5, 1.0] {
                // What the system finds when it comes back: flushed content, and some of the rest.
                std::fs::remove_dir_all(&folder).unwrap();
                std::fs::create_dir(&folder).unwrap();
                for (path, number) in names {
                    let (content, flushed) = &platter.contents[*number];
                    let length = flushed + ((content.len() - flushed) as f64 * kept) as usize;
                    std::fs::write(path, &content[..length]).unwrap();
                }
                match checkpoints.latest() {
                    Ok(Some((step, found))) => {
                        assert_eq!(found, checkpoint(step));
                        assert!(step >= saved, "step {saved} was saved, {step} is there");
                    }
                    Ok(None) => assert_eq!(saved, 0),
                    Err(error) => panic!("{error}"),
                }
                looked += 1;
            }
        }
        // Once a name is durable, no later moment may be without it.
        saved = platter
            .durable_names
            .keys()
            .filter_map(|path| path.to_str()?.rsplit_once("step-")?.1[..9].parse().ok())
            .max()
            .unwrap_or(saved);
    }
    assert!(looked > 6 * 15, "{looked} moments");
    std::fs::remove_dir_all(&folder).unwrap();
}
