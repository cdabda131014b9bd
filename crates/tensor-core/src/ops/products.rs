//! Products of matrices and vectors made of `matmul`, by PyTorch's names.

/// Implements the products for a type that has `matmul`, views and arithmetic: for tensors here, for the variables of
/// `autograd` there.
#[doc(hidden)]
#[macro_export]
macro_rules! matrix_products {
    ($T:ident, $Result:ident) => {
        impl $T {
            /// The product of two matrices, `[m, k] × [k, n] → [m, n]`: `torch.mm`.
            ///
            /// # Errors
            /// If an operand is no matrix, the inner sizes differ, or the dtypes are not one float dtype.
            #[track_caller]
            pub fn mm(&self, mat2: &$T) -> $Result<$T> {
                self.shape().expect_rank("mm", "input", 2)?;
                mat2.shape().expect_rank("mm", "mat2", 2)?;
                self.matmul(mat2)
            }

            /// The products of two batches of matrices, `[b, m, k] × [b, k, n] → [b, m, n]`, which do not broadcast:
            /// `torch.bmm`.
            ///
            /// # Errors
            /// If an operand is no batch of matrices, sizes differ, or the dtypes are not one float dtype.
            #[track_caller]
            pub fn bmm(&self, mat2: &$T) -> $Result<$T> {
                $crate::expect_batches("bmm", self.shape(), mat2.shape())?;
                self.matmul(mat2)
            }

            /// The product of a matrix and a vector, `[m, k] × [k] → [m]`: `torch.mv`.
            ///
            /// # Errors
            /// If the ranks are others, the inner sizes differ, or the dtypes are not one float dtype.
            #[track_caller]
            pub fn mv(&self, vec: &$T) -> $Result<$T> {
                self.shape().expect_rank("mv", "input", 2)?;
                vec.shape().expect_rank("mv", "vec", 1)?;
                self.matmul(vec)
            }

            /// The sum of the products of two vectors, `[n] × [n] → []`: `torch.dot`.
            ///
            /// # Errors
            /// If an operand is no vector, the sizes differ, or the dtypes are not one float dtype.
            #[track_caller]
            pub fn dot(&self, other: &$T) -> $Result<$T> {
                self.shape().expect_rank("dot", "input", 1)?;
                other.shape().expect_rank("dot", "other", 1)?;
                self.matmul(other)
            }

            /// The products of each element of one vector with each of another, `[m] × [n] → [m, n]`: `torch.outer`.
            ///
            /// # Errors
            /// If an operand is no vector or the dtypes differ.
            #[track_caller]
            pub fn outer(&self, vec2: &$T) -> $Result<$T> {
                self.shape().expect_rank("outer", "input", 1)?;
                vec2.shape().expect_rank("outer", "vec2", 1)?;
                self.unsqueeze(1)?.mul(&vec2.unsqueeze(0)?)
            }

            /// `beta · self + alpha · mat1 · mat2`, self broadcast to the product: `torch.addmm`, whose defaults are 1 and
            /// 1. With `beta` 0, self is not read.
            ///
            /// # Errors
            /// As for [`mm`](Self::mm), or if self does not broadcast to the product.
            #[track_caller]
            pub fn addmm(&self, mat1: &$T, mat2: &$T, beta: f64, alpha: f64) -> $Result<$T> {
                self.add_product("addmm", &mat1.mm(mat2)?, beta, alpha)
            }

            /// `beta · self + alpha · mat · vec`, self broadcast to the product: `torch.addmv`.
            ///
            /// # Errors
            /// As for [`mv`](Self::mv), or if self does not broadcast to the product.
            #[track_caller]
            pub fn addmv(&self, mat: &$T, vec: &$T, beta: f64, alpha: f64) -> $Result<$T> {
                self.add_product("addmv", &mat.mv(vec)?, beta, alpha)
            }

            /// `beta · self + alpha · vec1 ⊗ vec2`, self broadcast to the product: `torch.addr`.
            ///
            /// # Errors
            /// As for [`outer`](Self::outer), or if self does not broadcast to the product.
            #[track_caller]
            pub fn addr(&self, vec1: &$T, vec2: &$T, beta: f64, alpha: f64) -> $Result<$T> {
                self.add_product("addr", &vec1.outer(vec2)?, beta, alpha)
            }

            /// `beta · self + alpha · batch1 · batch2`, batch by batch, self broadcast to the product:
            /// `torch.baddbmm`.
            ///
            /// # Errors
            /// As for [`bmm`](Self::bmm), or if self does not broadcast to the product.
            #[track_caller]
            pub fn baddbmm(&self, batch1: &$T, batch2: &$T, beta: f64, alpha: f64) -> $Result<$T> {
                self.add_product("baddbmm", &batch1.bmm(batch2)?, beta, alpha)
            }

            /// `beta · self + alpha · Σ batch1 · batch2`, the sum over the batch, self broadcast to it:
            /// `torch.addbmm`.
            ///
            /// # Errors
            /// As for [`bmm`](Self::bmm), or if self does not broadcast to the sum.
            #[track_caller]
            pub fn addbmm(&self, batch1: &$T, batch2: &$T, beta: f64, alpha: f64) -> $Result<$T> {
                $crate::expect_batches("addbmm", batch1.shape(), batch2.shape())?;
                // One product over batch and inner dimension together.
                let (b, m, k) = (batch1.size(0)?, batch1.size(1)?, batch1.size(2)?);
                let n = batch2.size(2)?;
                let left = batch1.transpose(0, 1)?.reshape([m as isize, $crate::sizes_product(&[b, k])])?;
                let product = left.matmul(&batch2.reshape([$crate::sizes_product(&[b, k]), n as isize])?)?;
                self.add_product("addbmm", &product, beta, alpha)
            }

            #[track_caller]
            fn add_product(&self, op: &'static str, product: &$T, beta: f64, alpha: f64) -> $Result<$T> {
                $crate::expect_broadcasts_to(op, "input", self.shape(), product.shape())?;
                let product = if alpha == 1.0 { product.clone() } else { product.mul_scalar(alpha)? };
                match beta {
                    0.0 => Ok(product),
                    1.0 => self.add(&product),
                    _ => self.mul_scalar(beta)?.add(&product),
                }
            }

            /// The Kronecker product: blocks of `other`, each scaled by an element of self,
            /// `[m, n] × [p, q] → [m·p, n·q]`, and alike for any number of dimensions: `torch.kron`.
            ///
            /// # Errors
            /// If the dtypes differ or the result is too large.
            #[track_caller]
            pub fn kron(&self, other: &$T) -> $Result<$T> {
                let rank = self.rank().max(other.rank());
                let sizes = |x: &$T| -> Vec<isize> {
                    let missing = std::iter::repeat_n(1, rank - x.rank());
                    missing.chain(x.shape().iter().map(|&n| n as isize)).collect()
                };
                let (a, b) = (sizes(self), sizes(other));
                let outer: Vec<isize> = a.iter().flat_map(|&n| [n, 1]).collect();
                let inner: Vec<isize> = b.iter().flat_map(|&n| [1, n]).collect();
                let product = self.reshape(outer)?.mul(&other.reshape(inner)?)?;
                product.reshape(a.iter().zip(&b).map(|(a, b)| a.saturating_mul(*b)).collect::<Vec<_>>())
            }

            /// The sum of products over `dims` of self and, in the same order, `other_dims` of other; the other
            /// dimensions stay, self's first: `torch.tensordot`. A dimension of size 1 meets one of any size. PyTorch's `dims=n` means the last n of self and the first
            /// n of other.
            ///
            /// # Errors
            /// If the dimensions do not exist, come twice or differ in number or size, or the dtypes are not one float
            /// dtype.
            #[track_caller]
            pub fn tensordot(&self, other: &$T, dims: &[isize], other_dims: &[isize]) -> $Result<$T> {
                let plan = $crate::TensordotPlan::new(self.shape(), other.shape(), dims, other_dims)?;
                let whole = |x: &$T, sums: &[isize]| {
                    // Without dimensions, sum_dim means all.
                    if sums.is_empty() { Ok(x.clone()) } else { x.sum_dim(sums, true) }
                };
                let left = whole(self, &plan.left_sums)?.permute(&plan.left)?.reshape(plan.left_matrix)?;
                let right =
                    whole(other, &plan.right_sums)?.permute(&plan.right)?.reshape(plan.right_matrix)?;
                left.matmul(&right)?.reshape(&plan.result)
            }
        }
    };
}

use crate::{Error, ErrorKind, Result, Shape, Tensor};

matrix_products!(Tensor, Result);

/// The product of sizes; too large a one, of a shape without elements, is refused where it is used.
#[doc(hidden)]
pub fn sizes_product(sizes: &[usize]) -> isize {
    sizes.iter().fold(1, |product: isize, &n| product.saturating_mul(n as isize))
}

/// Refuses shapes other than `[b, m, k]` and `[b, k, n]`.
#[doc(hidden)]
#[track_caller]
pub fn expect_batches(op: &'static str, left: &Shape, right: &Shape) -> Result<()> {
    left.expect_rank(op, "input", 3)?;
    right.expect_rank(op, "mat2", 3)?;
    if left[0] == right[0] && left[2] == right[1] {
        return Ok(());
    }
    let expected = format!("[{}, {}, n] to fit {left}", left[0], left[2]);
    Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "mat2", found: right.clone(), expected }))
}

/// Refuses a shape that does not broadcast to `target`.
#[doc(hidden)]
#[track_caller]
pub fn expect_broadcasts_to(
    op: &'static str,
    argument: &'static str,
    shape: &Shape,
    target: &Shape,
) -> Result<()> {
    if shape.broadcasts_to(target) {
        return Ok(());
    }
    let expected = format!("a shape that broadcasts to {target}");
    Err(Error::new(op, ErrorKind::ShapeMismatch { argument, found: shape.clone(), expected }))
}

/// A `tensordot` as one product of matrices.
#[doc(hidden)]
pub struct TensordotPlan {
    /// Dimensions of the left operand that meet one of size 1, and are summed before.
    pub left_sums: Vec<isize>,
    /// And those of the right operand.
    pub right_sums: Vec<isize>,
    /// The order of the left operand's dimensions: those that stay, those that are summed.
    pub left: Vec<isize>,
    /// Its matrix.
    pub left_matrix: [isize; 2],
    /// The order of the right operand's dimensions: those that are summed, those that stay.
    pub right: Vec<isize>,
    /// Its matrix.
    pub right_matrix: [isize; 2],
    /// The sizes of the dimensions that stay.
    pub result: Vec<isize>,
}

impl TensordotPlan {
    /// Plans the sum over `left_dims` and `right_dims`.
    #[track_caller]
    pub fn new(left: &Shape, right: &Shape, left_dims: &[isize], right_dims: &[isize]) -> Result<Self> {
        const OP: &str = "tensordot";
        let (found, expected) =
            (format!("{left_dims:?} and {right_dims:?}"), "as many dimensions of each operand");
        if left_dims.len() != right_dims.len() {
            return Err(Error::new(OP, ErrorKind::Argument { argument: "dims", value: found, expected }));
        }
        let mut summed = (Vec::new(), Vec::new());
        let (mut left_sums, mut right_sums) = (Vec::new(), Vec::new());
        let mut k = 1;
        for (&l, &r) in left_dims.iter().zip(right_dims) {
            let (l, r) = (left.dim(OP, l)?, right.dim(OP, r)?);
            // A 0-d operand has the dimension 0 by name only.
            let size = |shape: &Shape, at: usize, dim: isize| {
                let missing = || Error::new(OP, ErrorKind::DimOutOfRange { dim, shape: shape.clone() });
                shape.get(at).copied().ok_or_else(missing)
            };
            match (size(left, l, l as isize)?, size(right, r, r as isize)?) {
                (a, b) if a == b => k = sizes_product(&[k as usize, a]),
                (1, _) => right_sums.push(r as isize),
                (_, 1) => left_sums.push(l as isize),
                (size, _) => {
                    let expected = format!("size {size} in dimension {r}, as dimension {l} of {left}");
                    let found = right.clone();
                    return Err(Error::new(
                        OP,
                        ErrorKind::ShapeMismatch { argument: "other", found, expected },
                    ));
                }
            }
            summed.0.push(l);
            summed.1.push(r);
        }
        let stays = |shape: &Shape, summed: &[usize]| -> Vec<usize> {
            (0..shape.len()).filter(|d| !summed.contains(d)).collect()
        };
        let (left_stays, right_stays) = (stays(left, &summed.0), stays(right, &summed.1));
        let size = |shape: &Shape, dims: &[usize]| {
            sizes_product(&dims.iter().map(|&d| shape[d]).collect::<Vec<_>>())
        };
        let order = |a: &[usize], b: &[usize]| a.iter().chain(b).map(|&d| d as isize).collect();
        Ok(Self {
            left_sums,
            right_sums,
            left: order(&left_stays, &summed.0),
            left_matrix: [size(left, &left_stays), k],
            right: order(&summed.1, &right_stays),
            right_matrix: [k, size(right, &right_stays)],
            result: left_stays
                .iter()
                .map(|&d| left[d])
                .chain(right_stays.iter().map(|&d| right[d]))
                .map(|n| n as isize)
                .collect(),
        })
    }
}
