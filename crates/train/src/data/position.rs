//! Where a pass over a set is.

use optim::{Dict, OptionValue, Value};

/// How far a pass has come, and what its order was drawn from: enough to go on with the next batch, in another process
/// too. Part of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The epoch, as the loader was asked for it.
    pub epoch: usize,
    /// The batches that were given.
    pub batches: usize,
    /// The state that the order's generator had at the start of the pass; `None` for an order that needs none.
    pub rng: Option<Vec<u8>>,
}

impl OptionValue for Position {
    const EXPECTED: &'static str = "a loader's position";

    fn to_value(&self) -> Value {
        let Self { epoch, batches, rng } = self;
        let entries = [("epoch", epoch.to_value()), ("batches", batches.to_value()), ("rng", rng.to_value())];
        Value::Dict(entries.map(|(name, value)| (name.to_string(), value)).into())
    }

    fn from_value(value: &Value) -> Option<Self> {
        let dict: Dict = value.get()?;
        let get = |name: &str| dict.get(name);
        Some(Self { epoch: get("epoch")?.get()?, batches: get("batches")?.get()?, rng: get("rng")?.get()? })
    }
}
