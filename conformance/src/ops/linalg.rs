//! Linear algebra beyond products.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::{DType, MatrixNorm, Tensor};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("cholesky", "linalg_cholesky", |c| one(c.x()?.cholesky(c.arg(0, "upper").bool_or(false)?))),
    adapter("det", "linalg_det", |c| one(c.x()?.det())),
    adapter("det", "linalg_slogdet", |c| {
        let (sign, log) = c.x()?.slogdet()?;
        Ok(vec![sign, log])
    }),
    adapter("inv", "linalg_inv", |c| one(c.x()?.inv())),
    adapter("matrix_norm", "linalg_matrix_norm", matrix_norm),
    adapter("qr", "linalg_qr", |c| {
        if c.arg(0, "mode").text_or("reduced")? != "reduced" {
            return unsupported("factors that are not reduced");
        }
        let (q, r) = c.x()?.qr()?;
        Ok(vec![q, r])
    }),
    adapter("solve", "linalg_solve", |c| {
        let b = c.arg(0, "B").var()?;
        if !c.kwarg("left").bool_or(true)? {
            return unsupported("the unknown on the left of its matrix");
        }
        one(c.x()?.solve(&b))
    }),
    adapter("solve_triangular", "linalg_solve_triangular", solve_triangular),
    adapter("svd", "linalg_svdvals", |c| one(c.x()?.svdvals())),
];

/// On the right by transposes; a diagonal of ones is put there, and its own gradient kept from it.
fn solve_triangular(c: &Call) -> Replayed {
    let (mut a, mut b) = (c.x()?, c.arg(0, "B").var()?);
    let (upper, left) = (c.kwarg("upper").bool_or(false)?, c.kwarg("left").bool_or(true)?);
    if c.kwarg("unitriangular").bool_or(false)? {
        let identity = Tensor::eye(a.size(-1)?, a.dtype())?;
        a = a.masked_fill(&identity.to_dtype(DType::Bool)?, 1.0)?;
    }
    if left {
        return one(a.solve_triangular(&b, upper));
    }
    (a, b) = (a.transpose(-2, -1)?, b.transpose(-2, -1)?);
    one(a.solve_triangular(&b, !upper)?.transpose(-2, -1))
}

fn matrix_norm(c: &Call) -> Replayed {
    let ord = match c.arg(0, "ord") {
        Value::Text(name) if name == "nuc" => MatrixNorm::Nuclear,
        Value::Text(_) | Value::None => MatrixNorm::Frobenius,
        number => match number.float()? {
            f64::INFINITY => MatrixNorm::LargestRow,
            f64::NEG_INFINITY => MatrixNorm::SmallestRow,
            1.0 => MatrixNorm::LargestColumn,
            -1.0 => MatrixNorm::SmallestColumn,
            2.0 => MatrixNorm::LargestSingular,
            -2.0 => MatrixNorm::SmallestSingular,
            _ => return unsupported("no such order"),
        },
    };
    let dims = match c.arg(1, "dim").ints()?[..] {
        [] => (-2, -1),
        [rows, columns] => (rows, columns),
        _ => return unsupported("not two dimensions"),
    };
    if !c.kwarg("dtype").is_none() {
        return unsupported("another dtype for the result");
    }
    one(c.x()?.matrix_norm(ord, dims, c.arg(2, "keepdim").bool_or(false)?))
}
