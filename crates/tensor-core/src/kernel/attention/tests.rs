//! The kernel beside plain loops over the whole matrix of scores.

use super::*;
use crate::kernel::testing::{assert_close, narrow, noise, same_bits_for_threads};

/// `out`, then the gradients of query, key and value for the gradient `g` of the output.
fn naive(geometry: &Geometry, query: &[f64], key: &[f64], value: &[f64], g: &[f64]) -> [Vec<f64>; 4] {
    let Geometry { batch, heads, groups, queries, keys, width, values, scale, .. } = *geometry;
    let mut result =
        [vec![0.0; g.len()], vec![0.0; query.len()], vec![0.0; key.len()], vec![0.0; value.len()]];
    let [out, dquery, dkey, dvalue] = &mut result;
    for (b, h, i) in
        (0..batch * heads * queries).map(|n| (n / queries / heads, n / queries % heads, n % queries))
    {
        let q = ((b * heads + h) * queries + i) * width;
        let o = ((b * queries + i) * heads + h) * values;
        let head = b * groups + h / (heads / groups);
        let (k, v) = (|j: usize| (head * keys + j) * width, |j: usize| (head * keys + j) * values);
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let seen = geometry.visible(i);
        let scores = (0..seen).map(|j| scale * dot(&query[q..q + width], &key[k(j)..k(j) + width]));
        let weights: Vec<f64> = scores.map(f64::exp).collect();
        let total: f64 = weights.iter().sum();
        let weights: Vec<f64> = weights.iter().map(|w| w / total).collect();
        for (j, w) in weights.iter().enumerate() {
            (0..values).for_each(|c| out[o + c] += w * value[v(j) + c]);
        }
        let g = &g[o..o + values];
        let d = dot(g, &out[o..o + values]);
        for (j, w) in weights.iter().enumerate() {
            let ds = w * (dot(g, &value[v(j)..v(j) + values]) - d) * scale;
            for c in 0..width {
                dquery[q + c] += ds * key[k(j) + c];
                dkey[k(j) + c] += ds * query[q + c];
            }
            (0..values).for_each(|c| dvalue[v(j) + c] += w * g[c]);
        }
    }
    result
}

/// `[batch, heads, rows, features]`, row-major.
fn heads<F>(data: &[F], heads: usize, rows: usize, features: usize) -> Heads<'_, F> {
    Heads { data, strides: [heads * rows * features, rows * features, features] }
}

/// The four results of the kernel, for operands in row-major order and `g` as `[batch, queries, heads, values]`.
fn ours<F: GemmElement>(geometry: &Geometry, query: &[F], key: &[F], value: &[F], g: &[F]) -> [Vec<F>; 4] {
    let Geometry { batch, heads: h, groups, queries, keys, width, values, .. } = *geometry;
    // What comes may hold anything.
    let new = |len: usize| vec![F::from_f64(9.0); len];
    let mut result = [new(g.len()), new(query.len()), new(key.len()), new(value.len())];
    let [out, dquery, dkey, dvalue] = &mut result;
    let mut log_sums = new(batch * queries * h);
    let operands = Operands {
        query: heads(query, h, queries, width),
        key: heads(key, groups, keys, width),
        value: heads(value, groups, keys, values),
    };
    attention(geometry, &operands, out, &mut log_sums);
    let strides = [queries * h * values, values, h * values];
    let kept =
        Kept { out: Heads { data: out, strides }, gradient: Heads { data: g, strides }, log_sums: &log_sums };
    attention_backward(geometry, &operands, &kept, Gradients { query: dquery, key: dkey, value: dvalue });
    result
}

fn draw(geometry: &Geometry) -> [Vec<f64>; 4] {
    let Geometry { batch, heads, groups, queries, keys, width, values, .. } = *geometry;
    let (query, key) = (noise(batch * heads * queries * width, 1), noise(batch * groups * keys * width, 2));
    [query, key, noise(batch * groups * keys * values, 3), noise(batch * queries * heads * values, 4)]
}

#[test]
fn equals_plain_loops() {
    let sizes = [
        (1, 1, 1, 1, 1, 1),
        (2, 2, 63, 63, 8, 8),
        (1, 2, 65, 65, 17, 5),
        (1, 1, 257, 257, 64, 33),
        (2, 1, 3, 300, 8, 8),
        (1, 1, 300, 3, 8, 64),
        (1, 1, 130, 600, 16, 16),
        (3, 3, 1, 7, 4, 1),
    ];
    for (batch, heads, queries, keys, width, values) in sizes {
        for (group, causal, scale) in [(1, false, 0.5), (1, true, 2.0), (heads, true, -0.3)] {
            let groups = heads / group;
            let geometry = Geometry { batch, heads, groups, queries, keys, width, values, causal, scale };
            let [query, key, value, g] = &draw(&geometry);
            let want = naive(&geometry, query, key, value, g);
            for (got, want) in ours(&geometry, query, key, value, g).iter().zip(&want) {
                assert_close(got, want, 1e-9, 1e-11);
            }
            let [query, key, value, g] = [query, key, value, g].map(|x| narrow(x));
            for (got, want) in ours(&geometry, &query, &key, &value, &g).iter().zip(&want) {
                assert_close(got, want, 1e-4, 3e-5);
            }
        }
    }
}

#[test]
fn large_scores_do_not_overflow_and_a_later_larger_one_takes_over() {
    let keys = 2 * KEYS + 5;
    let geometry = Geometry {
        batch: 1,
        heads: 1,
        groups: 1,
        queries: 2,
        keys,
        width: 1,
        values: 1,
        causal: false,
        scale: 1.0,
    };
    let mut key = vec![-f32::MAX; keys];
    key[KEYS + 3] = 3e4;
    let value: Vec<f32> = (0..keys).map(|i| i as f32).collect();
    let [out, ..] = ours(&geometry, &[1.0, 1e-6], &key, &value, &[1.0, 1.0]);
    assert_eq!(out, [(KEYS + 3) as f32; 2]);
    // Without a score above -inf in the first block nothing of it stays; without any there is no softmax.
    key.fill(f32::NEG_INFINITY);
    key[KEYS + 3] = 1.0;
    let [out, ..] = ours(&geometry, &[1.0, 2.0], &key, &value, &[1.0, 1.0]);
    assert_eq!(out, [(KEYS + 3) as f32; 2]);
    key.fill(f32::NEG_INFINITY);
    assert!(ours(&geometry, &[1.0, 2.0], &key, &value, &[1.0, 1.0])[0].iter().all(|x| x.is_nan()));
}

#[test]
fn same_bits_for_any_number_of_threads() {
    let geometry = Geometry {
        batch: 2,
        heads: 4,
        groups: 2,
        queries: 200,
        keys: 300,
        width: 16,
        values: 24,
        causal: true,
        scale: 0.25,
    };
    let [query, key, value, g] = draw(&geometry).map(|x| narrow(&x));
    same_bits_for_threads(|| ours(&geometry, &query, &key, &value, &g).concat());
}
