//! Walking several strided operands together, row by row.

use smallvec::SmallVec;

/// `N` operands read over one shape. Neighbouring dimensions that all operands step through alike are joined, so that
/// rows are as long as the layouts allow.
pub(crate) struct Walk<const N: usize> {
    sizes: SmallVec<[usize; 4]>,
    strides: SmallVec<[[usize; N]; 4]>,
}

impl<const N: usize> Walk<N> {
    pub fn new(shape: &[usize], strides: [&[usize]; N]) -> Self {
        let mut walk = Walk { sizes: SmallVec::new(), strides: SmallVec::new() };
        for (d, &size) in shape.iter().enumerate() {
            if size == 1 {
                continue;
            }
            let step: [usize; N] = std::array::from_fn(|i| strides[i][d]);
            match (walk.sizes.last_mut(), walk.strides.last_mut()) {
                (Some(last_size), Some(last)) if (0..N).all(|i| last[i] == step[i] * size) => {
                    *last_size *= size;
                    *last = step;
                }
                _ => {
                    walk.sizes.push(size);
                    walk.strides.push(step);
                }
            }
        }
        if walk.sizes.is_empty() {
            walk.sizes.push(1);
            walk.strides.push([0; N]);
        }
        walk
    }

    /// Sizes of the joined dimensions; at least one.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// Steps of each operand in the joined dimensions.
    pub fn strides(&self) -> &[[usize; N]] {
        &self.strides
    }

    /// Steps of each operand within a row.
    #[inline(always)]
    pub fn inner_strides(&self) -> [usize; N] {
        self.strides[self.strides.len() - 1]
    }

    /// The pieces of rows that make up elements `start..end` in row-major order: `(position, length, offsets)`, where
    /// `position` counts from `start`.
    ///
    /// An iterator, not a function that is given the body of the loop: that would be compiled apart, without the
    /// instruction set of the loop's kernel.
    #[inline(always)]
    pub fn rows(&self, start: usize, end: usize) -> Rows<'_, N> {
        let mut index: SmallVec<[usize; 4]> = SmallVec::from_elem(0, self.sizes.len());
        let mut rest = if start < end { start } else { 0 };
        for (index, size) in index.iter_mut().zip(&self.sizes).rev() {
            *index = rest.checked_rem(*size).unwrap_or(0);
            rest = rest.checked_div(*size).unwrap_or(0);
        }
        let offsets = std::array::from_fn(|i| index.iter().zip(&self.strides).map(|(&x, s)| x * s[i]).sum());
        Rows { walk: self, index, offsets, left: end.saturating_sub(start), position: 0 }
    }
}

/// See [`Walk::rows`].
pub(crate) struct Rows<'a, const N: usize> {
    walk: &'a Walk<N>,
    /// Of the next element.
    index: SmallVec<[usize; 4]>,
    offsets: [usize; N],
    left: usize,
    position: usize,
}

impl<const N: usize> Iterator for Rows<'_, N> {
    type Item = (usize, usize, [usize; N]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let (sizes, strides) = (&self.walk.sizes, &self.walk.strides);
        let last = sizes.len() - 1;
        let first = std::mem::take(&mut self.index[last]);
        let length = (sizes[last] - first).min(self.left);
        let piece = (self.position, length, self.offsets);
        self.position += length;
        self.left -= length;
        // Back to the start of this row, then on to the next one, carrying outwards.
        for i in 0..N {
            self.offsets[i] -= first * strides[last][i];
        }
        for d in (0..last).rev() {
            self.index[d] += 1;
            for i in 0..N {
                self.offsets[i] += strides[d][i];
            }
            if self.index[d] < sizes[d] {
                break;
            }
            for i in 0..N {
                self.offsets[i] -= sizes[d] * strides[d][i];
            }
            self.index[d] = 0;
        }
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_visit_every_element_once_whatever_the_split() {
        let shape = [2, 3, 1, 4];
        let strides = [12usize, 1, 7, 3];
        let walk = Walk::new(&shape, [&strides[..]]);
        let mut expected = Vec::new();
        for a in 0..2 {
            for b in 0..3 {
                for d in 0..4 {
                    expected.push(a * 12 + b + d * 3);
                }
            }
        }
        for cut in 0..=24 {
            let mut seen = Vec::new();
            for (start, end) in [(0, cut), (cut, 24)] {
                for (_, length, [offset]) in walk.rows(start, end) {
                    seen.extend((0..length).map(|i| offset + i * walk.inner_strides()[0]));
                }
            }
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn contiguous_dimensions_become_one_row() {
        let walk = Walk::new(&[4, 5, 6], [&[30, 6, 1], &[0, 0, 0]]);
        assert_eq!(walk.sizes(), [120]);
        assert_eq!(walk.inner_strides(), [1, 0]);
        assert_eq!(Walk::<1>::new(&[], [&[]]).sizes(), [1]);
    }
}
