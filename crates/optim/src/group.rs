//! Groups of parameters that share options.

use crate::rule::Kept;
use crate::{Dict, Error, Result, Rule};
use autograd::Parameter;
use std::panic::Location;

/// A parameter, with the name that `named_parameters()` gives it or without one.
#[derive(Clone, Debug)]
pub struct NamedParameter {
    /// The name.
    pub name: Option<String>,
    /// The parameter.
    pub parameter: Parameter,
}

impl NamedParameter {
    /// How messages call the parameter, the `place`th of its list.
    pub(crate) fn describe(&self, place: usize) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => format!("parameter {place} of shape {}", self.parameter.shape()),
        }
    }

    /// The list without the repetitions of a parameter: tied weights come once.
    pub(crate) fn list(params: impl IntoIterator<Item = impl Into<NamedParameter>>) -> Vec<NamedParameter> {
        let mut list: Vec<NamedParameter> = Vec::new();
        for named in params.into_iter().map(Into::into) {
            if !list.iter().any(|known| known.parameter.is(&named.parameter)) {
                list.push(named);
            }
        }
        list
    }
}

impl From<Parameter> for NamedParameter {
    fn from(parameter: Parameter) -> Self {
        Self { name: None, parameter }
    }
}

impl From<&Parameter> for NamedParameter {
    fn from(parameter: &Parameter) -> Self {
        Self { name: None, parameter: parameter.clone() }
    }
}

impl From<&NamedParameter> for NamedParameter {
    fn from(named: &NamedParameter) -> Self {
        named.clone()
    }
}

impl<S: Into<String>> From<(S, Parameter)> for NamedParameter {
    fn from((name, parameter): (S, Parameter)) -> Self {
        Self { name: Some(name.into()), parameter }
    }
}

/// Parameters with options of their own.
///
/// ```
/// use autograd::{DType, Parameter, Tensor};
/// use optim::{AdamW, AdamWOptions, ParamGroup};
///
/// let weight = Parameter::new(Tensor::ones([2, 2], DType::F32)?)?;
/// let bias = Parameter::new(Tensor::ones([2], DType::F32)?)?;
/// let opt = AdamW::with_groups([
///     ParamGroup::new([weight], 1e-3),
///     ParamGroup::new([bias], AdamWOptions { weight_decay: 0.0, ..1e-3.into() }),
/// ])?;
/// assert_eq!(opt.groups()[1].options.weight_decay, 0.0);
/// # Ok::<(), optim::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ParamGroup<R> {
    /// The options, which may be changed between steps.
    pub options: R,
    /// What a loaded group held beside options and parameters; it is saved again.
    pub extra: Dict,
    pub(crate) members: Vec<Member>,
}

/// A parameter of a group and what its rule keeps for it.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) named: NamedParameter,
    pub(crate) kept: Kept,
}

impl<R: Rule> ParamGroup<R> {
    /// A group of these parameters, or `(name, parameter)` pairs, under these options, or this learning rate. A
    /// parameter that comes twice (tied weights) is kept once.
    pub fn new(params: impl IntoIterator<Item = impl Into<NamedParameter>>, options: impl Into<R>) -> Self {
        let members = NamedParameter::list(params).into_iter();
        let members = members.map(|named| Member { named, kept: Kept::default() }).collect();
        Self { options: options.into(), extra: Dict::new(), members }
    }

    /// The parameters, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &NamedParameter> {
        self.members.iter().map(|member| &member.named)
    }

    /// Whether this group may stand behind `others`.
    pub(crate) fn check(&self, others: &[Self], location: &'static Location<'static>) -> Result<()> {
        let optimizer = R::NAME;
        self.options.check().map_err(|invalid| invalid.of(optimizer, location))?;
        let others = || others.iter().flat_map(|group| &group.members);
        let Some(first) = others().chain(&self.members).next().filter(|_| !self.members.is_empty()) else {
            return Err(Error::Empty { optimizer, location });
        };
        for (place, Member { named, .. }) in self.members.iter().enumerate() {
            if named.name.is_some() != first.named.name.is_some() {
                return Err(Error::Names { optimizer, location });
            }
            if others().any(|other| other.named.parameter.is(&named.parameter)) {
                return Err(Error::Duplicate { optimizer, parameter: named.describe(place), location });
            }
            let shape = named.parameter.shape();
            self.options.check_shape(shape).map_err(|expected| Error::ParameterShape {
                optimizer,
                found: shape.clone(),
                expected,
                location,
            })?;
        }
        Ok(())
    }
}
