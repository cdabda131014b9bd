//! The state of L-BFGS in PyTorch's layout.

use super::flat::Flat;
use super::{Change, Kept, LBFGS, Last};
use crate::saved::{check_groups, fitting, load_options, save_group};
use crate::value::{entry, scalar_tensor};
use crate::{Dict, OptionValue, Result, StateDict, StateFault, Value};
use tensor_core::{Shape, Tensor};

impl LBFGS {
    pub(super) fn save(&self) -> Result<StateDict> {
        let members: Vec<_> = self.members.iter().collect();
        let param_groups = vec![save_group(&self.options, &self.extra, &members, 0)];
        let Kept { func_evals, n_iter, last, history, scale } = &self.kept;
        let mut state = StateDict { param_groups, ..StateDict::default() };
        if *func_evals == 0 {
            return Ok(state);
        }
        let mut saved: Dict =
            [("func_evals".into(), func_evals.to_value()), ("n_iter".into(), n_iter.to_value())].into();
        if let Some(Last { direction, length, grad, loss }) = last {
            let list = |flat: fn(&Change) -> &Flat| -> Value {
                history.iter().map(|change| flat(change).0.clone()).collect::<Vec<_>>().to_value()
            };
            saved.insert("d".into(), direction.0.to_value());
            saved.insert("t".into(), length.to_value());
            saved.insert("old_dirs".into(), list(|change| &change.y));
            saved.insert("old_stps".into(), list(|change| &change.s));
            let ro = history.iter().map(|change| scalar_tensor(change.ro));
            saved.insert("ro".into(), Value::List(ro.collect::<Result<_, _>>()?));
            saved.insert("H_diag".into(), scalar_tensor(*scale)?);
            saved.insert("prev_flat_grad".into(), grad.0.to_value());
            saved.insert("prev_loss".into(), loss.to_value());
        }
        state.state.insert(0, saved);
        Ok(state)
    }

    pub(super) fn load(&mut self, state: &StateDict) -> Result<(), StateFault> {
        let places = check_groups(state, &[self.members.len()])?;
        let Some(group) = state.param_groups.first() else { return Ok(()) };
        let (options, extra) = load_options(&self.options, group, 0)?;
        super::check(&options).map_err(|invalid| StateFault::Value {
            key: format!("param_groups[0]: {}", invalid.what),
            found: invalid.value,
            expected: invalid.expected.into(),
        })?;
        let saved = places.first().and_then(|place| state.state.get(place));
        let kept = match saved {
            Some(saved) if !saved.is_empty() => self.load_kept(saved)?,
            _ => Kept::default(),
        };
        (self.options, self.extra, self.kept) = (options, extra, kept);
        Ok(())
    }

    fn load_kept(&self, saved: &Dict) -> Result<Kept, StateFault> {
        let shape = Shape::new(&[self.members.iter().map(|member| member.parameter.numel()).sum()]);
        let dtype = self.members.first().map_or(tensor_core::DType::F32, |member| member.parameter.dtype());
        let check =
            |key: &str, tensor: Tensor| fitting(format!("state[0].{key}"), &tensor, &shape, dtype).map(Flat);
        let mut kept = Kept {
            func_evals: entry(saved, "func_evals")?,
            n_iter: entry(saved, "n_iter")?,
            ..Kept::default()
        };
        if !saved.contains_key("d") {
            return Ok(kept);
        }
        let changes: Vec<Tensor> = entry(saved, "old_dirs")?;
        let steps: Vec<Tensor> = entry(saved, "old_stps")?;
        let ro: Vec<f64> = entry(saved, "ro")?;
        if changes.len() != steps.len() || changes.len() != ro.len() {
            return Err(StateFault::Value {
                key: "state[0].old_stps".into(),
                found: format!("a list of {}", steps.len()),
                expected: format!("as many as old_dirs and ro have, {} and {}", changes.len(), ro.len()),
            });
        }
        for ((y, s), ro) in changes.into_iter().zip(steps).zip(ro) {
            kept.history.push(Change { y: check("old_dirs", y)?, s: check("old_stps", s)?, ro });
        }
        kept.scale = entry(saved, "H_diag")?;
        kept.last = Some(Last {
            direction: check("d", entry(saved, "d")?)?,
            length: entry(saved, "t")?,
            grad: check("prev_flat_grad", entry(saved, "prev_flat_grad")?)?,
            loss: entry(saved, "prev_loss")?,
        });
        Ok(kept)
    }
}
