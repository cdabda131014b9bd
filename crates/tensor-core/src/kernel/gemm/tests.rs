use super::*;
use proptest::prelude::*;

/// A product with everything that can vary.
#[derive(Clone, Debug)]
struct Case {
    batch: usize,
    m: usize,
    k: usize,
    n: usize,
    /// Added to the shorter stride of a, b, c: rows lie apart.
    gaps: [usize; 3],
    transpose: [bool; 2],
    beta: f64,
    bias: bool,
    relu: bool,
    seed: u64,
}

impl Case {
    fn new(m: usize, k: usize, n: usize) -> Self {
        Self {
            batch: 1,
            m,
            k,
            n,
            gaps: [0; 3],
            transpose: [false; 2],
            beta: 0.0,
            bias: false,
            relu: false,
            seed: 1,
        }
    }
}

/// Small multiples of 1/16, so sums of some hundred products are exact in f32 in any order.
fn values<T: Float>(len: usize, seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            T::from_f64((state % 33) as f64 / 16.0 - 1.0)
        })
        .collect()
}

/// The instruction sets that this processor has.
fn levels() -> impl Iterator<Item = Level> {
    [Level::Baseline, Level::Avx2, Level::Avx512].into_iter().filter(|&level| level <= simd::level())
}

/// Length and strides of a `[rows, cols]` matrix.
fn layout(rows: usize, cols: usize, transposed: bool, gap: usize) -> (usize, [usize; 2]) {
    if transposed { (cols * (rows + gap), [1, rows + gap]) } else { (rows * (cols + gap), [cols + gap, 1]) }
}

/// The product by `gemm`, its C starting as `start` (of length batch * m * (n + gap)).
fn ours<T: GemmElement>(level: Level, case: &Case, a: &[T], b: &[T], bias: &[T], start: &[T]) -> Vec<T> {
    let Case { batch, m, k, n, gaps, transpose, .. } = *case;
    let (a_len, a_strides) = layout(m, k, transpose[0], gaps[0]);
    let (b_len, b_strides) = layout(k, n, transpose[1], gaps[1]);
    let mut c = start.to_vec();
    gemm_at(
        level,
        Matrix::new(a, [m, k], a_strides).batched(batch, a_len),
        Matrix::new(b, [k, n], b_strides).batched(batch, b_len),
        T::from_f64(case.beta),
        MatrixMut::new(&mut c, [m, n], n + gaps[2]).batched(batch, m * (n + gaps[2])),
        Epilogue {
            bias: case.bias.then_some(bias),
            activation: if case.relu { Activation::Relu } else { Activation::Identity },
        },
    );
    c
}

/// The same by three loops.
fn naive<T: Float>(case: &Case, a: &[T], b: &[T], bias: &[T], start: &[T]) -> Vec<T> {
    let Case { batch, m, k, n, gaps, transpose, .. } = *case;
    let (a_len, a_strides) = layout(m, k, transpose[0], gaps[0]);
    let (b_len, b_strides) = layout(k, n, transpose[1], gaps[1]);
    let mut c = start.to_vec();
    for l in 0..batch {
        for i in 0..m {
            for j in 0..n {
                let at = (l * m + i) * (n + gaps[2]) + j;
                let mut sum = if case.beta == 0.0 { T::ZERO } else { T::from_f64(case.beta) * c[at] };
                for p in 0..k {
                    let x = a[l * a_len + i * a_strides[0] + p * a_strides[1]];
                    sum += x * b[l * b_len + p * b_strides[0] + j * b_strides[1]];
                }
                if case.bias {
                    sum += bias[j];
                }
                c[at] = if case.relu { sum.max_nan(T::ZERO) } else { sum };
            }
        }
    }
    c
}

fn operands<T: Float>(case: &Case) -> (Vec<T>, Vec<T>, Vec<T>, Vec<T>) {
    let Case { batch, m, k, n, gaps, transpose, seed, .. } = *case;
    let a = values(batch * layout(m, k, transpose[0], gaps[0]).0, seed);
    let b = values(batch * layout(k, n, transpose[1], gaps[1]).0, seed + 1);
    (a, b, values(n, seed + 2), values(batch * m * (n + gaps[2]), seed + 3))
}

fn check<T: GemmElement>(case: &Case) {
    let (a, b, bias, mut start) = operands::<T>(case);
    if case.beta == 0.0 {
        // Whatever is in C must not matter.
        start.iter_mut().for_each(|x| *x = T::from_f64(f64::NAN));
    }
    let want = naive(case, &a, &b, &bias, &start);
    for level in levels() {
        let got = ours(level, case, &a, &b, &bias, &start);
        for (at, (&x, &y)) in got.iter().zip(&want).enumerate() {
            let same = x == y || x.is_nan() && y.is_nan();
            assert!(same, "{level:?}, {case:?}: element {at} is {x:?}, want {y:?}");
        }
    }
}

fn case() -> impl Strategy<Value = Case> {
    let size = || prop_oneof![3 => 0usize..40, 1 => 60usize..130, 1 => Just(1usize), 1 => Just(64usize)];
    let k = prop_oneof![3 => 0usize..40, 1 => 100usize..600];
    let gaps = prop_oneof![Just([0; 3]), [0usize..5, 0usize..5, 0usize..5]];
    let beta = prop_oneof![Just(0.0), Just(1.0), Just(-0.5)];
    (1usize..4, size(), k, size(), gaps, any::<[bool; 2]>(), beta, any::<[bool; 2]>(), any::<u64>()).prop_map(
        |(batch, m, k, n, gaps, transpose, beta, [bias, relu], seed)| Case {
            batch,
            m,
            k,
            n,
            gaps,
            transpose,
            beta,
            bias,
            relu,
            seed: seed / 2,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn equals_three_loops(case in case()) {
        check::<f32>(&case);
        check::<f64>(&case);
    }
}

#[test]
fn large_products_equal_three_loops() {
    let squarish = [(64, 784, 256), (300, 70, 517), (257, 1100, 33), (70, 1024, 200)];
    let skinny = [(1, 784, 256), (16, 784, 256), (5, 300, 7), (200, 300, 3), (33, 513, 1)];
    for (m, k, n) in squarish.into_iter().chain(skinny) {
        for transpose in [[false, false], [false, true], [true, false], [true, true]] {
            check::<f32>(&Case { transpose, bias: true, relu: true, ..Case::new(m, k, n) });
            check::<f64>(&Case { transpose, beta: 1.0, ..Case::new(m, k, n) });
        }
    }
}

#[test]
fn same_bits_for_any_number_of_threads() {
    let case = Case { transpose: [false, true], bias: true, ..Case::new(130, 784, 300) };
    let (_, _, bias, start) = operands::<f32>(&case);
    // Thirds do not add exactly: another order would show.
    let thirds = |len, seed| values::<f32>(len, seed).into_iter().map(|x| x / 3.0 + 0.1).collect::<Vec<_>>();
    let (a, b) = (thirds(130 * 784, 5), thirds(784 * 300, 6));
    for level in levels() {
        let alone = ours(level, &case, &a, &b, &bias, &start);
        for threads in [1, 2, 3, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let got = pool.install(|| ours(level, &case, &a, &b, &bias, &start));
            let same = got.iter().zip(&alone).all(|(x, y)| x.to_bits() == y.to_bits());
            assert!(same, "{level:?}, {threads} threads");
        }
    }
}

#[test]
fn nan_and_infinity_reach_the_result() {
    for (m, k, n) in [(3, 5, 4), (40, 50, 60), (1, 300, 300)] {
        for transpose in [[false, false], [false, true], [true, false]] {
            let case = Case { relu: true, transpose, ..Case::new(m, k, n) };
            let (mut a, mut b, bias, start) = operands::<f32>(&case);
            a.fill(1.0);
            b.fill(1.0);
            b[k * n / 2] = f32::NAN;
            a[m * k - 1] = f32::INFINITY;
            let want = naive(&case, &a, &b, &bias, &start);
            for level in levels() {
                let got = ours(level, &case, &a, &b, &bias, &start);
                let same = |(x, y): (&f32, &f32)| x == y || x.is_nan() && y.is_nan();
                assert!(got.iter().zip(&want).all(same), "{level:?}, {case:?}");
            }
        }
    }
}

#[test]
fn side_by_side_batch() {
    // Two heads whose results are the left and the right half of each row.
    let (a, b) = (values::<f32>(2 * 6, 1), values::<f32>(2 * 6, 2));
    let mut c = vec![0.0; 2 * 4];
    gemm(
        Matrix::new(&a, [2, 3], [3, 1]).batched(2, 6),
        Matrix::new(&b, [3, 2], [2, 1]).batched(2, 6),
        0.0,
        MatrixMut::new(&mut c, [2, 2], 4).batched(2, 2),
        Epilogue::default(),
    );
    for l in 0..2 {
        let want = naive(&Case::new(2, 3, 2), &a[6 * l..], &b[6 * l..], &[], &[0.0; 4]);
        assert_eq!([&c[2 * l..2 * l + 2], &c[4 + 2 * l..6 + 2 * l]].concat(), want);
    }
}

#[test]
#[should_panic(expected = "outside its slice")]
fn operand_outside_its_slice() {
    let _ = Matrix::new(&[0f32; 5], [2, 3], [3, 1]);
}

#[test]
#[should_panic(expected = "outside its slice")]
fn operand_with_strides_that_overflow() {
    let _ = Matrix::new(&[0f32; 5], [3, 3], [usize::MAX / 2, 1]);
}

#[test]
#[should_panic(expected = "overlap")]
fn rows_of_c_that_overlap() {
    let _ = MatrixMut::new(&mut [0f32; 9], [3, 3], 2);
}
