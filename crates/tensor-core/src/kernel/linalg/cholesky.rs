//! Cholesky: `A = L Lᵀ`.

use super::dot;

/// Factors the `[n, n]` matrix `a` in place; only its lower triangle is read, and the upper one is set to 0.
///
/// # Errors
/// The order of the first leading minor that is not positive, counted from 1.
pub(crate) fn cholesky(a: &mut [f64], n: usize) -> Result<(), usize> {
    for i in 0..n {
        let (above, rest) = a.split_at_mut(i * n);
        let row = &mut rest[..n];
        for j in 0..i {
            let other = &above[j * n..][..n];
            row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
        }
        let square = row[i] - dot(&row[..i], &row[..i]);
        if square.is_nan() || square <= 0.0 {
            return Err(i + 1);
        }
        row[i] = square.sqrt();
        row[i + 1..].fill(0.0);
    }
    Ok(())
}
