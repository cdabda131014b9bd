//! Einstein summation: an equation read into labels, and its contraction by products of matrices.

use crate::{Error, ErrorKind, Result, Shape, Tensor};
use std::collections::BTreeMap;

const OP: &str = "einsum";

/// What einsum needs of a type, a tensor's or a variable's.
#[doc(hidden)]
pub trait Contract: Clone {
    /// The error of its methods.
    type Error: From<Error>;
    /// The sizes.
    fn shape(&self) -> &Shape;
    /// The diagonal of two dimensions, as the last one.
    fn diagonal(&self, dim1: isize, dim2: isize) -> Result<Self, Self::Error>;
    /// Sums over dimensions, at least one.
    fn sum_over(&self, dims: &[isize]) -> Result<Self, Self::Error>;
    /// Dimensions in another order.
    fn permute(&self, dims: &[isize]) -> Result<Self, Self::Error>;
    /// The same elements in another shape.
    fn reshape(&self, shape: &[isize]) -> Result<Self, Self::Error>;
    /// The product of two batches of matrices.
    fn matmul(&self, other: &Self) -> Result<Self, Self::Error>;
}

/// Implements [`Contract`] by the methods of the same names.
#[doc(hidden)]
#[macro_export]
macro_rules! contract {
    ($T:ident, $Error:ty) => {
        impl $crate::Contract for $T {
            type Error = $Error;
            fn shape(&self) -> &$crate::Shape {
                $T::shape(self)
            }
            fn diagonal(&self, dim1: isize, dim2: isize) -> std::result::Result<Self, $Error> {
                $T::diagonal(self, 0, dim1, dim2)
            }
            fn sum_over(&self, dims: &[isize]) -> std::result::Result<Self, $Error> {
                self.sum_dim(dims, false)
            }
            fn permute(&self, dims: &[isize]) -> std::result::Result<Self, $Error> {
                $T::permute(self, dims)
            }
            fn reshape(&self, shape: &[isize]) -> std::result::Result<Self, $Error> {
                $T::reshape(self, shape)
            }
            fn matmul(&self, other: &Self) -> std::result::Result<Self, $Error> {
                $T::matmul(self, other)
            }
        }
    };
}

contract!(Tensor, Error);

impl Tensor {
    /// Sums of products, as `equation` names the dimensions: `torch.einsum`.
    ///
    /// Each operand has a letter for each dimension, operands are parted by commas, and behind `->` stand the letters
    /// of the result; all others are summed. A letter that an operand has twice means its diagonal. `...` stands for
    /// any further dimensions, which broadcast. Without `->` the result has the dimensions of `...` and, in the order of
    /// the alphabet (upper case first), the letters that come once. Dimensions of size 1 broadcast.
    ///
    /// Operands are contracted from left to right, each step a product of matrices.
    ///
    /// ```
    /// use tensor_core::{DType, Tensor};
    /// let (a, b) = (Tensor::ones([5, 2, 3], DType::F32)?, Tensor::ones([5, 4, 3], DType::F32)?);
    /// assert_eq!(*Tensor::einsum("bik,bjk->bij", &[&a, &b])?.shape(), [5, 2, 4]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the equation cannot be read or does not fit the operands, sizes of one letter differ, or the dtypes are not
    /// one float dtype.
    #[track_caller]
    pub fn einsum(equation: &str, operands: &[&Tensor]) -> Result<Tensor> {
        einsum(equation, operands)
    }
}

/// A named dimension: a letter, or one that `...` stands for, counted from the right. Ordered as an implicit result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    /// `Ellipsis(i)` is further left for a larger i.
    Ellipsis(std::cmp::Reverse<usize>),
    Letter(char),
}

/// An operand and the names of its dimensions.
struct Named<T> {
    value: T,
    labels: Vec<Label>,
}

/// Contracts `operands` as `equation` says.
#[doc(hidden)]
#[track_caller]
pub fn einsum<T: Contract>(equation: &str, operands: &[&T]) -> Result<T, T::Error> {
    let shapes: Vec<&Shape> = operands.iter().map(|x| x.shape()).collect();
    let (inputs, output) = parse(equation, &shapes)?;
    let sizes = sizes(&inputs, &shapes)?;
    if let Some(label) = output.iter().find(|label| !sizes.contains_key(label)) {
        return Err(
            refuse(format!("{equation:?}, whose result names {label:?}"), "letters of the operands").into()
        );
    }
    let mut operands: Vec<Named<T>> = operands
        .iter()
        .zip(inputs)
        .map(|(value, labels)| prepare((*value).clone(), labels, &sizes))
        .collect::<Result<_, _>>()?;
    operands.reverse();
    // There is one at least: an equation of none does not parse.
    let Some(mut result) = operands.pop() else {
        return Err(refuse("no operands".to_string(), "one at least").into());
    };
    loop {
        let needed = |label: &Label| {
            output.contains(label) || operands.iter().any(|operand| operand.labels.contains(label))
        };
        result = sum_unless(result, needed)?;
        let Some(next) = operands.pop() else { break };
        let needed = |label: &Label| {
            output.contains(label) || operands.iter().any(|operand| operand.labels.contains(label))
        };
        let shared = result.labels.clone();
        let next = sum_unless(next, |label| shared.contains(label) || needed(label))?;
        result = multiply(result, next, needed)?;
    }
    let place = |label: &Label| result.labels.iter().position(|l| l == label);
    let order: Vec<isize> = output.iter().filter_map(|label| place(label).map(|d| d as isize)).collect();
    let permuted = result.value.permute(&order)?;
    // A letter whose size is 1 in all operands but was dropped from them comes back here.
    let shape: Vec<isize> = output.iter().map(|label| sizes[label] as isize).collect();
    permuted.reshape(&shape)
}

#[cold]
#[track_caller]
fn refuse(value: String, expected: &'static str) -> Error {
    Error::new(OP, ErrorKind::Argument { argument: "equation", value, expected })
}

/// The labels of each operand and of the result.
#[track_caller]
fn parse(equation: &str, shapes: &[&Shape]) -> Result<(Vec<Vec<Label>>, Vec<Label>)> {
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (equation, None),
    };
    let terms: Vec<&str> = left.split(',').collect();
    if terms.len() != shapes.len() {
        let found = format!("{equation:?}, of {} operands beside {}", terms.len(), shapes.len());
        return Err(refuse(found, "as many operands as are given"));
    }
    let inputs = terms
        .iter()
        .zip(shapes)
        .map(|(term, shape)| labels(term, Some(shape.len())))
        .collect::<Result<Vec<_>>>()?;
    // The longest of what `...` stands for.
    let further = |label: &Label| if let Label::Ellipsis(i) = label { i.0 + 1 } else { 0 };
    let ellipsis = inputs.iter().flatten().map(further).max().unwrap_or(0);
    let output = match right {
        Some(right) => labels_of_result(right, ellipsis)?,
        None => {
            let mut counts = BTreeMap::new();
            inputs.iter().flatten().for_each(|label| *counts.entry(*label).or_insert(0) += 1);
            let once = |(label, count): (Label, i32)| {
                (count == 1 || matches!(label, Label::Ellipsis(_))).then_some(label)
            };
            counts.into_iter().filter_map(once).collect()
        }
    };
    Ok((inputs, output))
}

/// The labels of a term, where `...` stands for what a tensor of `rank` has beside the letters.
#[track_caller]
fn labels(term: &str, rank: Option<usize>) -> Result<Vec<Label>> {
    let text: String = term.chars().filter(|c| !c.is_whitespace()).collect();
    let letters = |part: &str| -> Result<Vec<Label>> {
        match part.chars().find(|c| !c.is_ascii_alphabetic()) {
            None => Ok(part.chars().map(Label::Letter).collect()),
            Some(_) => Err(refuse(format!("{term:?}"), "letters, and \"...\" once")),
        }
    };
    let Some((before, after)) = text.split_once("...") else {
        let labels = letters(&text)?;
        return match rank {
            Some(rank) if rank != labels.len() => {
                Err(refuse(format!("{term:?} for {rank} dimensions"), "a letter for each dimension"))
            }
            _ => Ok(labels),
        };
    };
    let (before, after) = (letters(before)?, letters(after)?);
    let Some(further) = rank.unwrap_or(0).checked_sub(before.len() + after.len()) else {
        let found = format!("{term:?} for {} dimensions", rank.unwrap_or(0));
        return Err(refuse(found, "no more letters than dimensions"));
    };
    let ellipsis = (0..further).rev().map(|i| Label::Ellipsis(std::cmp::Reverse(i)));
    Ok(before.into_iter().chain(ellipsis).chain(after).collect())
}

/// The labels of the result, where `...` stands for `ellipsis` dimensions; none twice.
#[track_caller]
fn labels_of_result(term: &str, ellipsis: usize) -> Result<Vec<Label>> {
    let letters = term.chars().filter(char::is_ascii_alphabetic).count();
    let rank = if term.contains("...") { letters + ellipsis } else { letters };
    let labels = labels(term, Some(rank))?;
    let twice = (1..labels.len()).find(|&i| labels[..i].contains(&labels[i]));
    match twice {
        None => Ok(labels),
        Some(_) => Err(refuse(format!("{term:?} behind ->"), "each letter once")),
    }
}

/// The size of each label; 1 meets any size.
#[track_caller]
fn sizes(inputs: &[Vec<Label>], shapes: &[&Shape]) -> Result<BTreeMap<Label, usize>> {
    let mut sizes = BTreeMap::new();
    for (labels, shape) in inputs.iter().zip(shapes) {
        for (label, &size) in labels.iter().zip(shape.iter()) {
            let known = sizes.entry(*label).or_insert(size);
            if *known == 1 {
                *known = size;
            }
            if size != 1 && size != *known {
                let found = format!("{label:?} of sizes {known} and {size}");
                return Err(refuse(found, "one size for a letter, or 1"));
            }
        }
    }
    Ok(sizes)
}

/// Takes diagonals, and drops dimensions of size 1 that meet others of a larger size.
fn prepare<T: Contract>(
    value: T,
    labels: Vec<Label>,
    sizes: &BTreeMap<Label, usize>,
) -> Result<Named<T>, T::Error> {
    let mut x = Named { value, labels };
    // A diagonal of sizes 1 and n is that of the first element: the dimension of size 1 goes.
    let keeps = |size: usize, label: &Label| size == sizes[label];
    let shape = x.value.shape().clone();
    if x.labels.iter().zip(shape.iter()).any(|(label, &size)| !keeps(size, label)) {
        let kept = || x.labels.iter().zip(shape.iter()).filter(|(label, size)| keeps(**size, label));
        let sizes: Vec<isize> = kept().map(|(_, &size)| size as isize).collect();
        let labels = kept().map(|(label, _)| *label).collect();
        x = Named { value: x.value.reshape(&sizes)?, labels };
    }
    let repeated = |labels: &[Label]| {
        (0..labels.len()).find_map(|i| Some((labels[..i].iter().position(|l| *l == labels[i])?, i)))
    };
    while let Some((first, second)) = repeated(&x.labels) {
        let label = x.labels.remove(second);
        x.labels.remove(first);
        x.labels.push(label);
        x.value = x.value.diagonal(first as isize, second as isize)?;
    }
    Ok(x)
}

/// Sums over the dimensions that are not needed.
fn sum_unless<T: Contract>(x: Named<T>, needed: impl Fn(&Label) -> bool) -> Result<Named<T>, T::Error> {
    let summed: Vec<isize> =
        (0..x.labels.len()).filter(|&d| !needed(&x.labels[d])).map(|d| d as isize).collect();
    if summed.is_empty() {
        return Ok(x);
    }
    Ok(Named { value: x.value.sum_over(&summed)?, labels: x.labels.into_iter().filter(needed).collect() })
}

/// The product of two operands, summed over what both have and nobody needs; what only one has is needed.
fn multiply<T: Contract>(
    a: Named<T>,
    b: Named<T>,
    needed: impl Fn(&Label) -> bool,
) -> Result<Named<T>, T::Error> {
    let part = |of: &[Label], in_other: Option<(&[Label], bool)>| -> Vec<Label> {
        let fits = |label: &&Label| match in_other {
            None => true,
            Some((other, shared)) => other.contains(label) == shared,
        };
        of.iter().filter(fits).copied().collect()
    };
    let both = part(&a.labels, Some((&b.labels, true)));
    let (batch, summed): (Vec<Label>, Vec<Label>) = both.into_iter().partition(needed);
    let (rows, columns) =
        (part(&a.labels, Some((&b.labels, false))), part(&b.labels, Some((&a.labels, false))));
    let left = matrices(&a, [&batch, &rows, &summed])?;
    let right = matrices(&b, [&batch, &summed, &columns])?;
    let size = |x: &Named<T>, labels: &[Label]| -> Vec<isize> {
        labels
            .iter()
            .filter_map(|l| Some(x.value.shape()[x.labels.iter().position(|k| k == l)?] as isize))
            .collect()
    };
    let shape = [size(&a, &batch), size(&a, &rows), size(&b, &columns)].concat();
    let value = left.matmul(&right)?.reshape(&shape)?;
    Ok(Named { value, labels: [batch, rows, columns].concat() })
}

/// `x` with its dimensions in three groups, each joined into one.
fn matrices<T: Contract>(x: &Named<T>, groups: [&[Label]; 3]) -> Result<T, T::Error> {
    let place = |label: &Label| x.labels.iter().position(|l| l == label);
    let order: Vec<usize> = groups.iter().copied().flatten().filter_map(place).collect();
    let sizes: Vec<usize> = order.iter().map(|&d| x.value.shape()[d]).collect();
    let mut rest = sizes.as_slice();
    let joined = groups.map(|group| {
        let (here, next) = rest.split_at(group.len());
        rest = next;
        crate::sizes_product(here)
    });
    x.value.permute(&order.iter().map(|&d| d as isize).collect::<Vec<_>>())?.reshape(&joined)
}
