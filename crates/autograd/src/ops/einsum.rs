//! Einstein summation, composed of diagonals, sums and products of matrices.

use crate::testing::{Row, Sample};
use crate::{Error, Result, Shape, Var};
use tensor_core::Tensor;

tensor_core::contract!(Var, Error);

impl Var {
    /// Sums of products, as `equation` names the dimensions: `torch.einsum`; see
    /// [`Tensor::einsum`](tensor_core::Tensor::einsum).
    ///
    /// ```
    /// use autograd::{DType, Tensor, Var};
    /// let (a, b) = (Var::from(Tensor::ones([2, 3], DType::F32)?), Var::from(Tensor::ones([3, 4], DType::F32)?));
    /// assert_eq!(*Var::einsum("ij,jk->ki", &[&a, &b])?.shape(), [4, 2]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the equation cannot be read or does not fit the operands, sizes of one letter differ, or the dtypes are not
    /// one float dtype.
    #[track_caller]
    pub fn einsum(equation: &str, operands: &[&Var]) -> Result<Var> {
        tensor_core::einsum(equation, operands)
    }
}

/// Equations and what their results are named, `*` for `...`: over the letters i (2), j (3) and k (any size).
const EQUATIONS: &[(&str, &str)] = &[
    ("ij->ji", "ji"),
    ("ij->", ""),
    ("ii->i", "i"),
    ("iji->j", "j"),
    ("kk", ""),
    ("ij,jk->ik", "ik"),
    ("kj,ij", "ik"),
    ("ki,kj->kij", "kij"),
    ("...ij,...jk->...ik", "*ik"),
    ("...i->i...", "i*"),
    ("i...k", "*ik"),
    ("i,j,k->kji", "kji"),
    ("ij,kj,ik->k", "k"),
    ("kii,k->i", "i"),
    ("i...,j...->ij", "ij"),
    (" ... ij , ij -> ... ", "*"),
    ("ij,ij->ij", "ij"),
    ("k,k", ""),
];

/// What `...` stands for, from the right: its dimensions' names and sizes.
const FURTHER: [(char, usize); 2] = [('z', 2), ('y', 4)];

pub(crate) const ROW: Row = Row {
    name: "einsum",
    sample: |s| {
        let (equation, output) = EQUATIONS[s.below(EQUATIONS.len())];
        let k = s.below(4);
        let (mut inputs, mut names, mut longest) = (Vec::new(), Vec::new(), 0);
        for term in equation.split("->").next().unwrap_or_default().split(',') {
            // A dimension of size 1 broadcasts.
            let (ones, further) = (s.one_in(4), s.below(FURTHER.len() + 1));
            let mut dims = Vec::new();
            for letter in term.replace("...", "*").chars() {
                match letter {
                    'i' => dims.push(('i', if ones { 1 } else { 2 })),
                    'j' => dims.push(('j', 3)),
                    'k' => dims.push(('k', k)),
                    '*' => {
                        dims.extend(FURTHER[..further].iter().rev());
                        longest = longest.max(further);
                    }
                    _ => {}
                }
            }
            let shape: Shape = dims.iter().map(|(_, size)| *size).collect();
            inputs.push(s.tensor(&shape, -1.0, 1.0)?);
            names.push(dims);
        }
        let further: String = FURTHER[..longest].iter().rev().map(|(name, _)| name).collect();
        let expected = naive(&inputs, &names, &output.replace('*', &further))?;
        let call = move |x: &[Var]| Var::einsum(equation, &x.iter().collect::<Vec<_>>());
        Ok(Sample::new(inputs, call).expect(expected))
    },
    order: 2,
};

/// The sum over every combination of all indices.
fn naive(inputs: &[Tensor], names: &[Vec<(char, usize)>], output: &str) -> Result<Vec<f64>> {
    let mut sizes = std::collections::BTreeMap::new();
    for &(name, size) in names.iter().flatten() {
        let known = sizes.entry(name).or_insert(size);
        *known = if *known == 1 { size } else { *known };
    }
    let values = inputs.iter().map(|x| x.to_vec::<f64>()).collect::<tensor_core::Result<Vec<_>>>()?;
    let mut sums = vec![0.0; output.chars().map(|name| sizes[&name]).product()];
    for combination in 0..sizes.values().product() {
        let mut rest: usize = combination;
        let index: std::collections::BTreeMap<char, usize> = sizes
            .iter()
            .map(|(name, size)| {
                let i = rest % size;
                rest /= size;
                (*name, i)
            })
            .collect();
        let place = |dims: &mut dyn Iterator<Item = (char, usize)>| {
            dims.fold(0, |place, (name, size)| place * size + index[&name].min(size - 1))
        };
        let product: f64 =
            values.iter().zip(names).map(|(x, dims)| x[place(&mut dims.iter().copied())]).product();
        sums[place(&mut output.chars().map(|name| (name, sizes[&name])))] += product;
    }
    Ok(sums)
}
