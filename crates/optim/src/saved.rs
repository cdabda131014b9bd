//! Saving and loading the state of groups in PyTorch's layout.

use crate::rule::Kept;
use crate::value::scalar_tensor;
use crate::{
    Dict, NamedParameter, OptionValue, Options, ParamGroup, Result, Rule, Slot, StateDict, StateFault, Value,
    half,
};
use autograd::Parameter;
use tensor_core::{DType, Shape, Tensor};

/// The keys of a group that are no options.
const PARAMS: &str = "params";
const NAMES: &str = "param_names";

/// The state of `groups`.
pub(crate) fn save<R: Rule>(groups: &[ParamGroup<R>]) -> Result<StateDict> {
    let mut saved = StateDict::default();
    let mut place = 0;
    for group in groups {
        let members: Vec<&NamedParameter> = group.parameters().collect();
        saved.param_groups.push(save_group(&group.options, &group.extra, &members, place));
        for member in &group.members {
            if !member.kept.is_empty() {
                saved.state.insert(place, save_kept(&member.kept)?);
            }
            place += 1;
        }
    }
    Ok(saved)
}

/// Options and members of a group whose first parameter has the place `first`.
pub(crate) fn save_group(
    options: &dyn Options,
    extra: &Dict,
    members: &[&NamedParameter],
    first: usize,
) -> Dict {
    let mut group = extra.clone();
    group.extend(options.entries());
    let places: Vec<usize> = (first..first + members.len()).collect();
    group.insert(PARAMS.into(), places.to_value());
    let names: Option<Vec<String>> = members.iter().map(|member| member.name.clone()).collect();
    if let Some(names) = names {
        group.insert(NAMES.into(), names.to_value());
    }
    group
}

fn save_kept(kept: &Kept) -> Result<Dict> {
    let mut saved = Dict::new();
    for (name, number) in &kept.numbers {
        saved.insert((*name).into(), scalar_tensor(*number)?);
    }
    for (name, buffer) in &kept.buffers {
        saved.insert((*name).into(), Value::Tensor(buffer.clone()));
    }
    Ok(saved)
}

/// Takes `state` over, all of it or, with an error, nothing.
pub(crate) fn load<R: Rule>(groups: &mut [ParamGroup<R>], state: &StateDict) -> Result<(), StateFault> {
    let sizes: Vec<usize> = groups.iter().map(|group| group.members.len()).collect();
    let places = check_groups(state, &sizes)?;
    let mut places = places.iter();
    let mut loaded = Vec::with_capacity(groups.len());
    for (index, (group, saved)) in groups.iter().zip(&state.param_groups).enumerate() {
        let (options, extra) = load_options(&group.options, saved, index)?;
        options.check().map_err(|invalid| StateFault::Value {
            key: format!("param_groups[{index}]: {}", invalid.what),
            found: invalid.value,
            expected: invalid.expected.into(),
        })?;
        let mut kept = Vec::with_capacity(group.members.len());
        for (member, place) in group.members.iter().zip(places.by_ref()) {
            kept.push(match state.state.get(place) {
                Some(saved) if !saved.is_empty() => {
                    load_kept(&options, &member.named.parameter, saved, *place)?
                }
                _ => Kept::default(),
            });
        }
        loaded.push((options, extra, kept));
    }
    for (group, (options, extra, kept)) in groups.iter_mut().zip(loaded) {
        (group.options, group.extra) = (options, extra);
        group.members.iter_mut().zip(kept).for_each(|(member, kept)| member.kept = kept);
    }
    Ok(())
}

/// The places under which `state` keeps the parameters, in the order of groups of these sizes.
pub(crate) fn check_groups(state: &StateDict, sizes: &[usize]) -> Result<Vec<usize>, StateFault> {
    if state.param_groups.len() != sizes.len() {
        return Err(StateFault::Groups { found: state.param_groups.len(), expected: sizes.len() });
    }
    let mut places = Vec::new();
    for (group, (saved, &expected)) in state.param_groups.iter().zip(sizes).enumerate() {
        let key = format!("param_groups[{group}].{PARAMS}");
        let value = saved.get(PARAMS).ok_or_else(|| StateFault::Missing { key: key.clone() })?;
        let params: Vec<usize> = value.get().ok_or_else(|| StateFault::Value {
            key,
            found: value.kind(),
            expected: "a list of the parameters' places".into(),
        })?;
        if params.len() != expected {
            return Err(StateFault::GroupSize { group, found: params.len(), expected });
        }
        places.extend(params);
    }
    if let Some(place) = state.state.keys().find(|place| !places.contains(place)) {
        let expected = "only places that param_groups name".into();
        return Err(StateFault::Unexpected { key: format!("state[{place}]"), expected });
    }
    Ok(places)
}

/// `options` with what `saved` says, and the entries of `saved` that are no options.
pub(crate) fn load_options<R: Options + Clone>(
    options: &R,
    saved: &Dict,
    group: usize,
) -> Result<(R, Dict), StateFault> {
    let mut options = options.clone();
    let mut extra = Dict::new();
    for (name, value) in saved.iter().filter(|(name, _)| *name != PARAMS && *name != NAMES) {
        match options.get(name) {
            None => drop(extra.insert(name.clone(), value.clone())),
            Some(_) if options.set(name, value) => {}
            Some(known) => {
                let key = format!("param_groups[{group}].{name}");
                let expected = format!("a value like {}", known.kind());
                return Err(StateFault::Value { key, found: value.kind(), expected });
            }
        }
    }
    Ok((options, extra))
}

fn load_kept<R: Rule>(
    options: &R,
    parameter: &Parameter,
    saved: &Dict,
    place: usize,
) -> Result<Kept, StateFault> {
    let slots = options.state(parameter.shape());
    let known = |name: &str| slots.iter().any(|slot| slot.name() == name);
    if let Some((name, _)) = saved.iter().find(|(name, value)| !known(name) && **value != Value::None) {
        let names: Vec<&str> = slots.iter().map(|slot| slot.name()).collect();
        let expected = if names.is_empty() { "nothing".into() } else { names.join(", ") };
        return Err(StateFault::Unexpected { key: format!("state[{place}].{name}"), expected });
    }
    let mut kept = Kept::default();
    for slot in slots {
        let name = slot.name();
        let key = || format!("state[{place}].{name}");
        let value = saved.get(name).ok_or_else(|| StateFault::Missing { key: key() })?;
        let wrong =
            |expected: &str| StateFault::Value { key: key(), found: value.kind(), expected: expected.into() };
        match slot {
            Slot::Number(_) => kept.numbers.push((name, value.get().ok_or_else(|| wrong("a number"))?)),
            Slot::Buffer(_) => {
                let Value::Tensor(tensor) = value else { return Err(wrong("a tensor")) };
                let shape = options.state_shape(name, parameter.shape());
                kept.buffers.push((name, fitting(key(), tensor, &shape, parameter.dtype())?));
            }
        }
    }
    Ok(kept)
}

/// `tensor` as state of a parameter of `dtype`, if it has this shape, and that dtype or the one that it is computed in:
/// PyTorch keeps the state of half precision in it.
pub(crate) fn fitting(
    key: String,
    tensor: &Tensor,
    shape: &Shape,
    dtype: DType,
) -> Result<Tensor, StateFault> {
    if tensor.dtype() != dtype || !dtype.is_half() {
        return check_tensor(key, tensor, shape, dtype.computed()).map(|()| tensor.clone());
    }
    check_tensor(key.clone(), tensor, shape, dtype)?;
    half::widened(tensor).map_err(|error| StateFault::Value {
        key,
        found: error.to_string(),
        expected: "memory for it as f32".into(),
    })
}

/// Whether `tensor` has this shape and dtype.
pub(crate) fn check_tensor(
    key: String,
    tensor: &Tensor,
    shape: &Shape,
    dtype: DType,
) -> Result<(), StateFault> {
    if tensor.shape() == shape && tensor.dtype() == dtype {
        return Ok(());
    }
    let found = format!("a tensor {} {}", tensor.dtype(), tensor.shape());
    Err(StateFault::Value { key, found, expected: format!("a tensor {dtype} {shape}") })
}
