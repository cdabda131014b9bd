//! Parts of a dimension, as views.

use crate::{Error, ErrorKind, Result, Tensor};

/// More parts than these are refused: a list of them would not fit in memory where the tensor, a broadcast view, does.
const MOST: usize = 1 << 22;

impl Tensor {
    /// Parts of `sizes` one after another along `dim`: `torch.split_with_sizes`.
    ///
    /// # Errors
    /// If the sizes do not sum to that of the dimension.
    #[track_caller]
    pub fn split_with_sizes(&self, sizes: &[usize], dim: isize) -> Result<Vec<Tensor>> {
        const OP: &str = "split_with_sizes";
        let size = self.size(dim).map_err(|e| e.of(OP))?;
        if sizes.iter().try_fold(0usize, |sum, &n| sum.checked_add(n)) != Some(size) {
            let (value, expected) = (format!("{sizes:?} for {size}"), "sizes that sum to the dimension's");
            return Err(Error::new(OP, ErrorKind::Argument { argument: "sizes", value, expected }));
        }
        let mut start = 0;
        let mut parts = Vec::with_capacity(sizes.len());
        for &length in sizes {
            parts.push(self.narrow(dim, start, length)?);
            start += length as isize;
        }
        Ok(parts)
    }

    /// Parts of `size` elements along `dim`, the last one smaller where it must be: `torch.split`.
    ///
    /// # Errors
    /// If `size` is 0 and the dimension's is not.
    ///
    /// ```
    /// use tensor_core::{DType, Tensor};
    /// let parts = Tensor::arange(0.0, 5.0, 1.0, DType::I64)?.split(2, 0)?;
    /// assert_eq!(parts[2].to_vec::<i64>()?, [4]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn split(&self, size: usize, dim: isize) -> Result<Vec<Tensor>> {
        const OP: &str = "split";
        let length = self.size(dim).map_err(|e| e.of(OP))?;
        if size == 0 && length > 0 {
            let (value, expected) = ("0".to_string(), "at least 1");
            return Err(Error::new(OP, ErrorKind::Argument { argument: "size", value, expected }));
        }
        let parts = length.div_ceil(size.max(1));
        self.sections(OP, parts.max(1), dim)?;
        let bounds: Vec<usize> = (1..parts).map(|i| i * size).collect();
        self.cut(length, &bounds, dim)
    }

    /// At most `chunks` equal parts along `dim`, the last one smaller where it must be: `torch.chunk`.
    ///
    /// # Errors
    /// If `chunks` is 0.
    #[track_caller]
    pub fn chunk(&self, chunks: usize, dim: isize) -> Result<Vec<Tensor>> {
        let length = self.size(dim).map_err(|e| e.of("chunk"))?;
        match length {
            0 => self.tensor_split(chunks, dim).map_err(|e| e.of("chunk")),
            _ if chunks == 0 => self.sections("chunk", 0, dim).map(|_| Vec::new()),
            _ => self.split(length.div_ceil(chunks), dim).map_err(|e| e.of("chunk")),
        }
    }

    /// `sections` parts along `dim` whose sizes differ by one at most, the larger ones first: `torch.tensor_split`.
    ///
    /// # Errors
    /// If `sections` is 0.
    #[track_caller]
    pub fn tensor_split(&self, sections: usize, dim: isize) -> Result<Vec<Tensor>> {
        let length = self.sections("tensor_split", sections, dim)?;
        let (size, larger) = (length / sections, length % sections);
        let bounds: Vec<usize> = (1..sections).map(|i| i * size + i.min(larger)).collect();
        self.cut(length, &bounds, dim)
    }

    /// Parts of `dim` cut before each of `indices`, which count from the end if negative and are cut to the
    /// dimension, as Python's slices: `torch.tensor_split` with a list.
    #[track_caller]
    pub fn tensor_split_at(&self, indices: &[isize], dim: isize) -> Result<Vec<Tensor>> {
        let length = self.size(dim).map_err(|e| e.of("tensor_split"))?;
        let bound = |&i: &isize| {
            let i = if i < 0 { i.saturating_add(length as isize) } else { i };
            i.clamp(0, length as isize) as usize
        };
        self.cut(length, &indices.iter().map(bound).collect::<Vec<_>>(), dim)
    }

    /// The slices of `dim`, without that dimension: `torch.unbind`.
    #[track_caller]
    pub fn unbind(&self, dim: isize) -> Result<Vec<Tensor>> {
        let length = self.size(dim).map_err(|e| e.of("unbind"))?;
        self.sections("unbind", length.max(1), dim)?;
        (0..length as isize).map(|i| self.select(dim, i)).collect()
    }

    /// The size of `dim`, after a check of the number of its parts.
    #[track_caller]
    fn sections(&self, op: &'static str, sections: usize, dim: isize) -> Result<usize> {
        if sections == 0 || sections > MOST {
            let (value, expected) = (sections.to_string(), "1 to 2²² parts");
            return Err(Error::new(op, ErrorKind::Argument { argument: "sections", value, expected }));
        }
        self.size(dim).map_err(|e| e.of(op))
    }

    /// The parts between neighbouring bounds; one that would run backwards is empty.
    #[track_caller]
    fn cut(&self, length: usize, bounds: &[usize], dim: isize) -> Result<Vec<Tensor>> {
        let starts = std::iter::once(0).chain(bounds.iter().copied());
        let ends = bounds.iter().copied().chain([length]);
        starts.zip(ends).map(|(start, end)| self.slice(dim, start as isize, end as isize, 1)).collect()
    }
}
