//! The singular value decomposition by one-sided Jacobi rotations (Hestenes, 1958): columns are rotated in pairs until
//! all are orthogonal; their norms are the singular values, small ones too with their full relative accuracy (Demmel
//! and Veselić, 1992).

use super::dot;

/// `A = U diag(s) Vᵀ` of an `[m, n]` matrix, `k = min(m, n)`; s falls.
pub(crate) struct Svd {
    /// `[k, m]`: the rows are U's columns.
    pub(crate) ut: Vec<f64>,
    /// `[k]`.
    pub(crate) s: Vec<f64>,
    /// `[k, n]`.
    pub(crate) vt: Vec<f64>,
}

/// Sweeps over all pairs; random matrices need 6 to 10, hard ones not many more.
const SWEEPS: usize = 60;

/// Decomposes `a`, or returns None if it holds NaN or infinity.
pub(crate) fn svd(a: &[f64], m: usize, n: usize) -> Option<Svd> {
    if a.iter().any(|x| !x.is_finite()) {
        return None;
    }
    // With a largest element of 1, squares neither overflow nor vanish.
    let largest = a.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    let scale = if largest == 0.0 { 1.0 } else { largest };
    let columns = |m: usize, n: usize, row: usize, column: usize| -> Vec<Vec<f64>> {
        (0..n).map(|j| (0..m).map(|i| a[i * row + j * column] / scale).collect()).collect()
    };
    let mut svd = if m < n {
        // Aᵀ = U s Vᵀ is A = V s Uᵀ.
        let Svd { ut, s, vt } = tall(columns(n, m, 1, n));
        Svd { ut: vt, s, vt: ut }
    } else {
        tall(columns(m, n, n, 1))
    };
    svd.s.iter_mut().for_each(|s| *s *= scale);
    Some(svd)
}

/// Of a matrix given by its columns, no more than there are rows.
fn tall(mut columns: Vec<Vec<f64>>) -> Svd {
    let n = columns.len();
    let mut v: Vec<Vec<f64>> =
        (0..n).map(|j| (0..n).map(|i| f64::from(u8::from(i == j))).collect()).collect();
    for _ in 0..SWEEPS {
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                rotated |= orthogonalize(&mut columns, &mut v, p, q);
            }
        }
        if !rotated {
            break;
        }
    }
    let norms: Vec<f64> = columns.iter().map(|c| dot(c, c).sqrt()).collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| norms[j].total_cmp(&norms[i]));
    let s: Vec<f64> = order.iter().map(|&i| norms[i]).collect();
    let vt = order.iter().flat_map(|&i| v[i].iter().copied()).collect();
    let mut left: Vec<Vec<f64>> = Vec::with_capacity(n);
    for (place, &i) in order.iter().enumerate() {
        let column = if s[place] > 0.0 {
            columns[i].iter().map(|x| x / s[place]).collect()
        } else {
            complement(&left, columns[i].len())
        };
        left.push(column);
    }
    Svd { ut: left.concat(), s, vt }
}

/// Rotates columns p and q of the matrix, and of V, so that they are orthogonal; false if they were.
fn orthogonalize(columns: &mut [Vec<f64>], v: &mut [Vec<f64>], p: usize, q: usize) -> bool {
    let (pp, qq, pq) =
        (dot(&columns[p], &columns[p]), dot(&columns[q], &columns[q]), dot(&columns[p], &columns[q]));
    if pq.abs() <= f64::EPSILON * (pp * qq).sqrt() {
        return false;
    }
    // The smaller angle whose rotation makes the product 0.
    let zeta = (qq - pp) / (2.0 * pq);
    let tangent = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = cosine * tangent;
    for matrix in [columns, v] {
        let (low, high) = matrix.split_at_mut(q);
        for (x, y) in low[p].iter_mut().zip(&mut high[0]) {
            (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
        }
    }
    true
}

/// A unit vector of `m` elements orthogonal to all of `others`, which are fewer.
fn complement(others: &[Vec<f64>], m: usize) -> Vec<f64> {
    let mut best = vec![0.0; m];
    for axis in 0..m {
        let mut x = vec![0.0; m];
        x[axis] = 1.0;
        // Twice is enough (Giraud and others, 2005).
        for _ in 0..2 {
            for other in others {
                let along = dot(&x, other);
                x.iter_mut().zip(other).for_each(|(x, o)| *x -= along * o);
            }
        }
        let norm = dot(&x, &x).sqrt();
        // Some axis keeps at least the mean share of what is left.
        if norm * norm * m as f64 >= (m - others.len()) as f64 * 0.5 {
            return x.iter().map(|x| x / norm).collect();
        }
        best = x;
    }
    best
}
