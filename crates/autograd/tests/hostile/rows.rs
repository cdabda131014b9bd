//! Every operation of the table, called with inputs of another rank, size, dtype or layout than it was made for.

use crate::attempt::{Log, described, var};
use autograd::ops::TABLE;
use autograd::testing::Sampler;
use autograd::{DType, Tensor, Var};

type Change = (&'static str, fn(&Tensor) -> Option<Tensor>);

/// What is done to an input.
const CHANGES: &[Change] = &[
    ("one dimension more", |x| x.unsqueeze(0).ok()),
    ("one dimension more at the end", |x| x.unsqueeze(-1).ok()),
    ("flattened", |x| x.flatten(0, -1).ok()),
    ("0-d", |x| Tensor::ones([], x.dtype()).ok()),
    ("one element", |x| Tensor::ones([1], x.dtype()).ok()),
    ("nothing", |x| Tensor::zeros([0], x.dtype()).ok()),
    ("nothing of its rank", |x| Tensor::zeros(vec![0; x.rank()], x.dtype()).ok()),
    ("nothing, of endless width", |x| {
        Tensor::zeros([vec![0; x.rank().max(1) - 1], vec![1 << 45]].concat(), x.dtype()).ok()
    }),
    ("nothing, of endless height", |x| {
        Tensor::zeros([vec![1 << 45], vec![0; x.rank().max(2) - 1]].concat(), x.dtype()).ok()
    }),
    ("nothing, endless but in its second dimension", |x| {
        let shape = (0..x.rank())
            .map(|d| {
                if d == 1 {
                    0
                } else if d == 0 {
                    1 << 45
                } else {
                    2
                }
            })
            .collect::<Vec<_>>();
        (x.rank() > 1).then(|| Tensor::zeros(shape, x.dtype()).ok())?
    }),
    ("a first dimension of 0", |x| x.narrow(0, 0, 0).ok()),
    ("a last dimension of 0", |x| x.narrow(-1, 0, 0).ok()),
    ("the first element of its first dimension", |x| x.select(0, 0).ok()),
    ("doubled", |x| Tensor::cat(&[x, x], 0).ok()),
    ("doubled at the end", |x| Tensor::cat(&[x, x], -1).ok()),
    ("reversed dimensions", |x| x.permute((0..x.rank() as isize).rev().collect::<Vec<_>>()).ok()),
    ("rank 7", |x| x.reshape([1, 1, 1, 1, 1, 1, -1]).ok()),
    ("f32", |x| x.to_dtype(DType::F32).ok()),
    ("f16", |x| x.to_dtype(DType::F16).ok()),
    ("i64", |x| x.to_dtype(DType::I64).ok()),
    ("u8", |x| x.to_dtype(DType::U8).ok()),
    ("bool", |x| x.to_dtype(DType::Bool).ok()),
    ("NaN", |x| x.full_like(f64::NAN).ok()),
    ("infinity", |x| x.full_like(f64::INFINITY).ok()),
    ("zeros", |x| x.zeros_like().ok()),
    ("huge numbers", |x| x.full_like(1e300).ok()),
];

#[test]
fn changed_inputs_give_a_value_or_an_error() {
    let mut log = Log::new();
    for row in TABLE {
        for seed in 0..12 {
            let sample = (row.sample)(&mut Sampler::new(seed)).unwrap();
            for (name, change) in CHANGES {
                for at in 0..=sample.inputs.len() {
                    // One input, or all of them.
                    let changed = |(i, x): (usize, &Tensor)| {
                        if i == at || at == sample.inputs.len() { change(x) } else { Some(x.clone()) }
                    };
                    let Some(inputs) =
                        sample.inputs.iter().enumerate().map(changed).collect::<Option<Vec<_>>>()
                    else {
                        continue;
                    };
                    let what = || {
                        let inputs: Vec<String> = inputs.iter().map(described).collect();
                        format!("{} (seed {seed}), input {at}: {name}: {}", row.name, inputs.join(", "))
                    };
                    let vars: Vec<Var> = inputs.iter().map(var).collect();
                    log.attempt(&what, || (sample.call)(&vars));
                }
            }
        }
    }
    log.finish();
}
