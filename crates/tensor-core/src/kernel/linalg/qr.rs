//! QR by Householder reflections, with LAPACK's signs (dgeqrf, dlarfg): a column that is not yet reduced gives R a
//! diagonal of the sign opposite to its first element.

/// The reduced factors of the `[m, n]` matrix `a`, `k = min(m, n)`: Q `[m, k]` and R `[k, n]`.
pub(crate) fn qr(a: &[f64], m: usize, n: usize, q: &mut [f64], r: &mut [f64]) {
    let k = m.min(n);
    // By columns, so that reflections run along memory.
    let mut columns: Vec<f64> = (0..n).flat_map(|j| (0..m).map(move |i| a[i * n + j])).collect();
    let mut taus = Vec::with_capacity(k);
    for step in 0..k {
        let (done, rest) = columns.split_at_mut((step + 1) * m);
        let column = &mut done[step * m + step..];
        let tau = reflector(column);
        taus.push(tau);
        for other in rest.chunks_exact_mut(m) {
            reflect(&column[1..], tau, &mut other[step..]);
        }
    }
    for i in 0..k {
        for j in 0..n {
            r[i * n + j] = if j >= i { columns[j * m + i] } else { 0.0 };
        }
    }
    // Q = H₀ H₁ … applied to the first k columns of the identity, from the last reflection on.
    for j in 0..k {
        let mut unit = vec![0.0; m];
        unit[j] = 1.0;
        for step in (0..k).rev() {
            reflect(&columns[step * m + step + 1..(step + 1) * m], taus[step], &mut unit[step..]);
        }
        for i in 0..m {
            q[i * k + j] = unit[i];
        }
    }
}

/// Replaces `x` by (beta, v): `(1 − tau (1, v)(1, v)ᵀ) x = (beta, 0, …)`. Returns tau.
fn reflector(x: &mut [f64]) -> f64 {
    let Some((alpha, tail)) = x.split_first_mut() else { return 0.0 };
    // By the largest, so that squares neither overflow nor vanish.
    let largest = tail.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    if largest == 0.0 {
        return 0.0;
    }
    let norm = largest * tail.iter().map(|x| (x / largest).powi(2)).sum::<f64>().sqrt();
    let beta = -alpha.hypot(norm).copysign(*alpha);
    let tau = (beta - *alpha) / beta;
    let scale = 1.0 / (*alpha - beta);
    tail.iter_mut().for_each(|x| *x *= scale);
    *alpha = beta;
    tau
}

/// `y -= tau · (1, v) · ((1, v) · y)`.
fn reflect(v: &[f64], tau: f64, y: &mut [f64]) {
    let Some((first, rest)) = y.split_first_mut() else { return };
    let along = tau * (*first + super::dot(v, rest));
    *first -= along;
    rest.iter_mut().zip(v).for_each(|(y, v)| *y -= along * v);
}
