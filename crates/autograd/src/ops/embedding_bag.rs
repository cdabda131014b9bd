//! Sums, means or maxima of bags of rows.


use crate::testing::{Row, Sample};
use crate::{DType, Error, Result, Shape, Var};
use std::panic::Location;
use tensor_core::{ScatterReduce, Tensor};

/// What becomes of the rows of a bag: `mode` of `torch.nn.functional.embedding_bag`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BagMode {
    /// Their sum.
    Sum,
    /// Their mean.
    #[default]
    Mean,
    /// The largest of each feature.
    Max,
}

/// Keywords of `torch.nn.functional.embedding_bag`, with its defaults.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmbeddingBagOptions<'a> {
    /// Where each bag starts in a list of indices (i64, the first 0); None where each row of a matrix of indices is a
    /// bag. Default none.
    pub offsets: Option<&'a Tensor>,
    /// Default `Mean`.
    pub mode: BagMode,
    /// A factor for each row, in the shape of the indices; for `Sum` alone. Default none.
    pub per_sample_weights: Option<&'a Var>,
    /// Whether `offsets` has one more number, the end of the last bag. Default false.
    pub include_last_offset: bool,
    /// An index that does not count, counted from the end if negative. Default none.
    pub padding_idx: Option<isize>,
}

impl Var {
    /// The rows of this weight `[num_embeddings, embedding_dim]` that each bag of `index` (i64) names, made one:
    /// `[bags, embedding_dim]`; an empty bag gives zeros: `torch.nn.functional.embedding_bag`.
    ///
    /// # Errors
    /// If the weight is no matrix, an index is not a row of it, the index is a list without offsets or offsets do not
    /// rise from 0, or there are weights for another mode than `Sum` or in another shape.
    #[track_caller]
    pub fn embedding_bag(&self, index: &Tensor, options: EmbeddingBagOptions) -> Result<Var> {
        let location = Location::caller();
        let (bag, bags) = bags(index, options, location)?;
        let flat = index.flatten(0, -1)?;
        let mut rows = self.embedding(&flat, options.padding_idx)?;
        if let Some(weights) = options.per_sample_weights {
            if options.mode != BagMode::Sum || weights.shape() != index.shape() {
                let value = format!("of shape {} for {:?}", weights.shape(), options.mode);
                let expected = "the index's shape, and Sum";
                return Err(refuse("per_sample_weights", value, expected, location));
            }
            rows = rows.mul(&weights.flatten(0, -1)?.unsqueeze(1)?)?;
        }
        let counted = match options.padding_idx {
            Some(padding) => {
                let padding = if padding < 0 { padding + self.size(0)? as isize } else { padding };
                flat.eq_scalar(padding as i64)?.logical_not()?
            }
            None => Tensor::ones(flat.shape(), DType::Bool)?,
        };
        rows = rows.masked_fill(&counted.logical_not()?.unsqueeze(1)?, 0.0)?;
        let shape = Shape::from([bags, self.size(1)?]);
        let zeros: Var = Tensor::zeros(&shape, self.dtype())?.into();
        match options.mode {
            BagMode::Sum => zeros.index_add(0, &bag, &rows),
            BagMode::Mean => {
                let ones = counted.to_dtype(self.dtype())?;
                let counts = Tensor::zeros([bags], self.dtype())?.index_add(0, &bag, &ones)?;
                let counts = counts.clamp(Some(1.0), None)?.unsqueeze(1)?;
                zeros.index_add(0, &bag, &rows)?.div(&counts.into())
            }
            BagMode::Max => {
                // The rows that count, each feature to its bag.
                let kept = counted.nonzero()?.squeeze(1)?;
                let (rows, bag) = (rows.index_select(0, &kept)?, bag.index_select(0, &kept)?);
                let wide = bag.unsqueeze(1)?.broadcast_to(rows.shape())?;
                zeros.scatter_reduce(0, &wide, &rows, ScatterReduce::Amax, false)
            }
        }
    }
}

fn refuse(
    argument: &'static str,
    value: String,
    expected: &'static str,
    location: &'static Location<'static>,
) -> Error {
    Error::Argument { op: "embedding_bag", argument, value, expected, location }
}

/// The bag of each index, flat, and how many bags there are.
fn bags(
    index: &Tensor,
    options: EmbeddingBagOptions,
    location: &'static Location<'static>,
) -> Result<(Tensor, usize)> {
    let refuse = |argument, value: String, expected| Err(refuse(argument, value, expected, location));
    let (bag, bags): (Vec<i64>, usize) = match (index.rank(), options.offsets) {
        (2, None) => {
            let (bags, size) = (index.size(0)?, index.size(1)?);
            // Bags without indices are not gone through: a shape may say that there are endless many.
            let last = if size == 0 { 0 } else { bags as i64 };
            ((0..last).flat_map(|bag| std::iter::repeat_n(bag, size)).collect(), bags)
        }
        (1, Some(offsets)) => {
            let mut starts = offsets.to_vec::<i64>()?;
            let rises = starts.first().is_none_or(|first| *first == 0) && starts.is_sorted();
            let length = index.numel() as i64;
            if offsets.rank() != 1 || !rises || starts.last().is_some_and(|last| *last > length) {
                return refuse("offsets", format!("{starts:?} of {length}"), "numbers that rise from 0 to the length");
            }
            if options.include_last_offset {
                starts.pop();
            }
            let bag_of = |place: i64| starts.partition_point(|start| *start <= place) as i64 - 1;
            ((0..length).map(bag_of).collect(), starts.len())
        }
        _ => {
            let expected = "a matrix, or a list beside offsets";
            return refuse("the index", index.shape().to_string(), expected);
        }
    };
    if bags == 0 && !bag.is_empty() {
        return refuse("offsets", "none".to_string(), "a first bag");
    }
    let length = bag.len();
    Ok((Tensor::from_vec(bag, [length])?, bags))
}

pub(crate) const ROW: Row = Row {
    name: "embedding_bag",
    sample: |s| {
        let (count, width, length) = (s.size(), s.size(), s.below(6));
        let weight = s.distinct(&Shape::from([count, width]))?;
        let mode = [BagMode::Sum, BagMode::Mean, BagMode::Max][s.below(3)];
        let padding_idx = if s.one_in(3) { Some(s.below(count) as isize) } else { None };
        if s.one_in(2) {
            let index = s.indices(&Shape::from([2, length]), count)?;
            return Ok(Sample::new(vec![weight], move |x| {
                x[0].embedding_bag(&index, EmbeddingBagOptions { mode, padding_idx, ..Default::default() })
            }));
        }
        let index = s.indices(&Shape::from([length]), count)?;
        let starts = Tensor::from_vec(vec![0i64, s.below(length + 1) as i64], [2])?;
        let factors = s.tensor(&Shape::from([length]), -2.0, 2.0)?;
        Ok(Sample::new(vec![weight, factors], move |x| {
            let per_sample_weights = (mode == BagMode::Sum).then_some(&x[1]);
            let offsets = Some(&starts);
            x[0].embedding_bag(
                &index,
                EmbeddingBagOptions { offsets, mode, padding_idx, per_sample_weights, include_last_offset: false },
            )
        }))
    },
    order: 2,
};
