//! An optimizer from its name and options by name, as a configuration file or a checkpoint has them.

use crate::rule::{
    ASGDOptions, AdadeltaOptions, AdafactorOptions, AdagradOptions, AdamOptions, AdamWOptions, AdamaxOptions,
    LionOptions, MuonOptions, NAdamOptions, RAdamOptions, RMSpropOptions, RpropOptions, Rule, SGDOptions,
};
use crate::{
    Dict, Error, LBFGS, LBFGSOptions, NamedParameter, Optimizer, Options, ParamGroup, PerParameter, Result,
};
use std::panic::Location;

/// The rules that step each parameter by itself.
macro_rules! rules {
    ($name:expr, $groups:expr, $location:expr, $($options:ty),* $(,)?) => {
        match $name {
            $(<$options as Rule>::NAME => per_parameter::<$options>($groups, $location),)*
            other => Err(Error::UnknownOptimizer {
                name: other.to_string(),
                expected: &[$(<$options as Rule>::NAME,)* "LBFGS"],
                location: $location,
            }),
        }
    };
}

/// The optimizer that PyTorch calls `name`, over groups of parameters with their options by name; those not named have
/// their defaults.
///
/// ```
/// use autograd::{Parameter, Tensor};
/// use optim::{Optimizer, Value, by_name};
///
/// let w = Parameter::new(Tensor::scalar(1.0f32)?)?;
/// let options = [("lr".to_string(), Value::Float(0.1)), ("momentum".to_string(), Value::Float(0.9))];
/// let opt = by_name("SGD", [(vec![w.into()], options.into())])?;
/// assert_eq!(opt.lr(), 0.1);
/// # Ok::<(), optim::Error>(())
/// ```
///
/// # Errors
/// If there is no such optimizer or option, an option has another type, or the optimizer refuses what it is given.
#[track_caller]
pub fn by_name(
    name: &str,
    groups: impl IntoIterator<Item = (Vec<NamedParameter>, Dict)>,
) -> Result<Box<dyn Optimizer>> {
    let location = Location::caller();
    let groups: Vec<_> = groups.into_iter().collect();
    if name == "LBFGS" {
        // One group alone, as in PyTorch: the directions are those of all parameters together.
        let [(parameters, dict)] = groups.as_slice() else {
            return Err(Error::OneGroup { optimizer: "LBFGS", found: groups.len(), location });
        };
        let options = options::<LBFGSOptions>("LBFGS", dict, location)?;
        return Ok(Box::new(LBFGS::new(parameters, options)?));
    }
    rules!(
        name,
        groups,
        location,
        ASGDOptions,
        AdadeltaOptions,
        AdafactorOptions,
        AdagradOptions,
        AdamOptions,
        AdamWOptions,
        AdamaxOptions,
        LionOptions,
        MuonOptions,
        NAdamOptions,
        RAdamOptions,
        RMSpropOptions,
        RpropOptions,
        SGDOptions,
    )
}

#[track_caller]
fn per_parameter<R: Rule + Default>(
    groups: Vec<(Vec<NamedParameter>, Dict)>,
    location: &'static Location<'static>,
) -> Result<Box<dyn Optimizer>> {
    let groups = groups
        .into_iter()
        .map(|(parameters, dict)| {
            Ok(ParamGroup::<R>::new(parameters, options::<R>(R::NAME, &dict, location)?))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Box::new(PerParameter::with_groups(groups)?))
}

fn options<O: Options + Default>(
    optimizer: &'static str,
    dict: &Dict,
    location: &'static Location<'static>,
) -> Result<O> {
    let mut options = O::default();
    for (name, value) in dict {
        if !options.set(name, value) {
            let expected = options.entries().keys().cloned().collect::<Vec<_>>().join(", ");
            let (option, found) = (name.clone(), value.kind());
            return Err(Error::UnknownOption { optimizer, option, found, expected, location });
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

    use super::*;
    use crate::Value;
    use autograd::{Parameter, Tensor};

    fn build(name: &str, options: &[(&str, Value)]) -> Result<Box<dyn Optimizer>> {
        let w = Parameter::new(Tensor::scalar(1.0f32).unwrap()).unwrap();
        by_name(name, [(vec![w.into()], options.iter().map(|(k, v)| (k.to_string(), v.clone())).collect())])
    }

    #[test]
    fn every_rule_has_its_name() {
        let Err(Error::UnknownOptimizer { expected, .. }) = build("Adamw", &[]) else { unreachable!() };
        assert_eq!(expected.len(), 15);
        for name in expected.iter().filter(|name| **name != "Muon") {
            assert!(build(name, &[("lr", Value::Float(0.5))]).unwrap().lr() == 0.5, "{name}");
        }
    }

    #[test]
    fn what_is_not_known_is_named() {
        let message = |name, options: &[(&str, Value)]| build(name, options).err().unwrap().to_string();
        assert!(message("Adamw", &[]).starts_with("no optimizer \"Adamw\"; expected one of ASGD, "));
        let text = message("SGD", &[("momentun", Value::Float(0.9))]);
        assert!(text.contains("SGD: no option momentun = 0.9; expected one of dampening, lr, "), "{text}");
        assert!(
            message("SGD", &[("lr", Value::Str("fast".into()))]).contains("SGD: no option lr = \"fast\"")
        );
        let none = by_name("LBFGS", []).err().unwrap().to_string();
        assert!(none.contains("LBFGS: 0 parameter groups, expected 1"), "{none}");
    }
}
