//! Replays what PyTorch did, as recorded in a folder, and compares.
//!
//! Three kinds of folder are known by what they hold: `NAME.json` beside `NAME.safetensors`, the sample calls of one
//! operation each; `traj.json`, runs of optimizers; `lr.json`, runs of schedules. `fixtures/README.md` describes them.

pub mod call;
pub mod folder;
pub mod gradcheck;
pub mod ops;
pub mod optim;
pub mod record;
pub mod schedulers;
pub mod value;

/// What one kind of record came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls or runs that came out as recorded.
    pub passed: usize,
    /// Calls or runs that did not.
    pub failed: usize,
    /// Calls of operations, or forms of calls, that this project does not have.
    pub not_offered: usize,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.not_offered += other.not_offered;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed, {} not offered", self.passed, self.failed, self.not_offered)
    }
}

/// The record itself cannot be read: a missing file, or one of another form.
pub type Result<T> = std::result::Result<T, String>;
