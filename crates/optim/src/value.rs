//! An optimizer's saved state.

use crate::StateFault;
use std::collections::BTreeMap;
use tensor_core::Tensor;
pub use tensor_core::io::{Dict, OptionValue, Value};

/// The state of an optimizer in PyTorch's layout: what is kept for each parameter, keyed by the parameter's place in
/// the order of the groups, and the options of each group with the places of its parameters (`params`, and their
/// names as `param_names` where they have names).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateDict {
    /// By the place of the parameter: names and values. A parameter that was never stepped is not there.
    pub state: BTreeMap<usize, Dict>,
    /// Options by name, one entry a group.
    pub param_groups: Vec<Dict>,
}

/// As `torch.save(optimizer.state_dict(), ..)` has it: what [`pt::write`](tensor_core::io::pt::write) takes.
impl From<&StateDict> for Value {
    fn from(saved: &StateDict) -> Self {
        let state = saved.state.iter().map(|(&place, kept)| (place as i64, kept.to_value())).collect();
        let groups = saved.param_groups.to_value();
        Self::Dict([(STATE.into(), Self::IntDict(state)), (GROUPS.into(), groups)].into())
    }
}

/// From what PyTorch saved.
impl TryFrom<&Value> for StateDict {
    type Error = StateFault;

    fn try_from(value: &Value) -> Result<Self, StateFault> {
        let fault = |key: &str, found: &Value, expected: &str| StateFault::Value {
            key: key.into(),
            found: found.kind(),
            expected: expected.into(),
        };
        let dict: Dict = value.get().ok_or_else(|| fault("the state", value, "a dictionary"))?;
        let kept: BTreeMap<i64, Dict> = entry(&dict, STATE)?;
        let place = |(place, kept)| usize::try_from(place).ok().map(|place| (place, kept));
        let state = kept.into_iter().map(place).collect::<Option<_>>();
        Ok(Self {
            state: state.ok_or_else(|| fault(STATE, value, "places of at least 0"))?,
            param_groups: entry(&dict, GROUPS)?,
        })
    }
}

impl OptionValue for StateDict {
    const EXPECTED: &'static str = "an optimizer's state";
    fn to_value(&self) -> Value {
        self.into()
    }
    fn from_value(value: &Value) -> Option<Self> {
        Self::try_from(value).ok()
    }
}

/// PyTorch's names of the two parts.
const STATE: &str = "state";
const GROUPS: &str = "param_groups";

/// A number as a 0-d tensor, as PyTorch keeps step counts: f32 where that holds it exactly, else f64.
pub(crate) fn scalar_tensor(x: f64) -> tensor_core::Result<Value> {
    let narrow = x as f32;
    let exact = f64::from(narrow) == x || x.is_nan();
    Ok(Value::Tensor(if exact { Tensor::scalar(narrow)? } else { Tensor::scalar(x)? }))
}

/// The entry `key` of `dict` as a `T`.
pub(crate) fn entry<T: OptionValue>(dict: &Dict, key: &str) -> Result<T, StateFault> {
    let value = dict.get(key).ok_or_else(|| StateFault::Missing { key: key.into() })?;
    value.get().ok_or_else(|| StateFault::Value {
        key: key.into(),
        found: value.kind(),
        expected: T::EXPECTED.into(),
    })
}
