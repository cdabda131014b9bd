//! The crate's error.

/// The result of this crate's functions. A program that returns it can use `?` on the calls of all layers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a part of the training loop refused or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tensor operation was refused.
    #[error(transparent)]
    Tensor(#[from] tensor_core::Error),
    /// An operation on variables was refused.
    #[error(transparent)]
    Autograd(Box<autograd::Error>),
    /// A module refused.
    #[error(transparent)]
    Module(Box<nn::Error>),
    /// An optimizer or a schedule refused.
    #[error(transparent)]
    Optim(Box<optim::Error>),
    /// Features and targets that are not about equally many samples.
    #[error(
        "{op}: data of shape {data:?} and targets of shape {target:?} do not hold equally many samples; the sizes of \
         dimension 0 must match"
    )]
    SampleCount {
        /// The call's name.
        op: &'static str,
        /// Shape of the features.
        data: Vec<usize>,
        /// Shape of the targets.
        target: Vec<usize>,
    },
    /// Samples of one batch that differ in shape.
    #[error(
        "sample {place} of the batch has shape {found:?}, sample 0 has {first:?}; cut or pad them to one shape in the \
         data set's get, or collate them in its batch"
    )]
    Ragged {
        /// The place within the batch.
        place: usize,
        /// The shape there.
        found: Vec<usize>,
        /// The first sample's shape.
        first: Vec<usize>,
    },
    /// An argument with a value outside its range.
    #[error("{op}: {argument} is {value}, expected {expected}")]
    Argument {
        /// The call's name.
        op: &'static str,
        /// The argument's name.
        argument: &'static str,
        /// Its value.
        value: String,
        /// What fits.
        expected: String,
    },
    /// A sample that the data set could not give.
    #[error("sample {index}: {source}")]
    Sample {
        /// The index within the data set.
        index: usize,
        /// What was wrong.
        source: Box<Error>,
    },
    /// A batch that could not be put together.
    #[error("epoch {epoch}, batch {batch}: {source}")]
    Batch {
        /// The epoch, as the loader was asked for it.
        epoch: usize,
        /// The batch, counted from 0.
        batch: usize,
        /// What was wrong.
        source: Box<Error>,
    },
    /// A data set panicked on a worker.
    #[error("the data set panicked: {message}")]
    Panic {
        /// What it said.
        message: String,
    },
    /// A worker that did not give its batch in time.
    #[error("no batch after {seconds} s; the worker is left to itself")]
    Timeout {
        /// The time that was waited.
        seconds: f64,
    },
    /// The system gave no thread.
    #[error("no thread for a worker: {source}")]
    Thread {
        /// What the system says.
        source: std::io::Error,
    },
    /// A loss or a gradient that is infinite or NaN.
    #[error(
        "step {step} (epoch {epoch}): {what} is not finite; {}",
        checkpoint.as_ref().map_or_else(|| "there is no checkpoint".to_string(), |step| format!("the last checkpoint is that of step {step}"))
    )]
    NonFinite {
        /// The step that was not made, counted from 0.
        step: usize,
        /// The epoch, counted from 0.
        epoch: usize,
        /// The loss, or the first parameter whose gradient is bad.
        what: String,
        /// The step of the last checkpoint.
        checkpoint: Option<usize>,
    },
    /// A checkpoint whose content is not what was saved.
    #[error("{path}: {reason}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// An entry of a checkpoint that is missing or of another kind.
    #[error("the checkpoint's {name:?} is {found}, expected {expected}")]
    Entry {
        /// The entry's name.
        name: String,
        /// What is there.
        found: String,
        /// What fits.
        expected: &'static str,
    },
    /// A replay that is not the run that was recorded.
    #[error(
        "{path}: the replay differs {}: {what} is {found}, recorded is {recorded}",
        if *step == 0 { "before the first step".to_string() } else { format!("at step {step}") }
    )]
    Replay {
        /// The record.
        path: String,
        /// The first step that differs, counted from 1; 0 for what was before it.
        step: usize,
        /// What differs first: `data` before what it leads to.
        what: String,
        /// In the replay.
        found: String,
        /// In the record.
        recorded: String,
    },
    /// The file system refused.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file that is not what it should be.
    #[error("{path}: at byte {offset}: {reason}")]
    Format {
        /// The file; "(unpacked)" follows where the offset counts in what a compressed file holds.
        path: String,
        /// Where in the file.
        offset: u64,
        /// What is wrong there and what was expected.
        reason: String,
    },
}

// The three are boxed, so that a result stays small.
impl From<autograd::Error> for Error {
    fn from(error: autograd::Error) -> Self {
        Self::Autograd(Box::new(error))
    }
}

impl From<nn::Error> for Error {
    fn from(error: nn::Error) -> Self {
        Self::Module(Box::new(error))
    }
}

impl From<optim::Error> for Error {
    fn from(error: optim::Error) -> Self {
        Self::Optim(Box::new(error))
    }
}

impl Error {
    pub(crate) fn argument(
        op: &'static str,
        argument: &'static str,
        value: impl ToString,
        expected: impl Into<String>,
    ) -> Self {
        Self::Argument { op, argument, value: value.to_string(), expected: expected.into() }
    }
}
