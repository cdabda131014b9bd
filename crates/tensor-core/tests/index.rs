//! Indexing against PyTorch's results, and every method of the family against hostile arguments.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

use proptest::prelude::*;
use tensor_core::{DType, Index, Indexing, Result, ScatterReduce, Tensor};

fn arange(n: usize, shape: &[isize]) -> Tensor {
    Tensor::arange(0.0, n as f64, 1.0, DType::I64).unwrap().reshape(shape).unwrap()
}

fn longs(values: &[i64]) -> Tensor {
    Tensor::from_slice(values, [values.len()]).unwrap()
}

/// Recorded from PyTorch 2.15: `x[...]` for `x = torch.arange(24).reshape(2, 3, 4)`, read contiguous and transposed.
#[test]
fn dimensions_stand_where_pytorch_puts_them() -> Result<()> {
    let dense = arange(24, &[2, 3, 4]);
    let (i, k) = (longs(&[1, 0]), longs(&[0, 2]).reshape([2, 1])?);
    let m = Tensor::from_vec(vec![true, false, true, false, true, false], [2, 3])?;
    let (yes, no) = (Tensor::scalar(true)?, Tensor::scalar(false)?);
    let turned = dense.permute([2, 0, 1])?.contiguous()?.permute([1, 2, 0])?;
    for x in [dense, turned] {
        #[rustfmt::skip]
        let cases: Vec<(Tensor, &[usize], &[i64])> = vec![
            (x.index(1)?, &[3, 4], &[12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]),
            (x.index((-1, .., 2))?, &[3], &[14, 18, 22]),
            (x.index((Index::Ellipsis, 0))?, &[2, 3], &[0, 4, 8, 12, 16, 20]),
            (x.index((.., Index::NewAxis, 1..))?, &[2, 1, 2, 4], &[4, 5, 6, 7, 8, 9, 10, 11, 16, 17, 18, 19, 20, 21, 22, 23]),
            (x.index((.., .., Index::from(..).step(3)))?, &[2, 3, 2], &[0, 3, 4, 7, 8, 11, 12, 15, 16, 19, 20, 23]),
            (x.index((.., -2..=-1))?, &[2, 2, 4], &[4, 5, 6, 7, 8, 9, 10, 11, 16, 17, 18, 19, 20, 21, 22, 23]),
            (x.index((0, 5..9))?, &[0, 4], &[]),
            (x.index(&i)?, &[2, 3, 4], &[12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
            (x.index((&i, &i))?, &[2, 4], &[16, 17, 18, 19, 0, 1, 2, 3]),
            (x.index((.., &i))?, &[2, 2, 4], &[4, 5, 6, 7, 0, 1, 2, 3, 16, 17, 18, 19, 12, 13, 14, 15]),
            (x.index((.., &i, &i))?, &[2, 2], &[5, 0, 17, 12]),
            (x.index((&i, .., &i))?, &[2, 3], &[13, 17, 21, 0, 4, 8]),
            (x.index((&i, 0))?, &[2, 4], &[12, 13, 14, 15, 0, 1, 2, 3]),
            (x.index((0, .., &i))?, &[3, 2], &[1, 0, 5, 4, 9, 8]),
            (x.index((&i, Index::NewAxis, &i))?, &[2, 1, 4], &[16, 17, 18, 19, 0, 1, 2, 3]),
            (x.index((.., &k, &i))?, &[2, 2, 2], &[1, 0, 9, 8, 13, 12, 21, 20]),
            (x.index((&i, .., &k))?, &[2, 2, 3], &[12, 16, 20, 0, 4, 8, 14, 18, 22, 2, 6, 10]),
            (x.index(&m)?, &[3, 4], &[0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19]),
            (x.index((&m, 1))?, &[3], &[1, 9, 17]),
            (x.index((&m, &i.index(0)?))?, &[3], &[1, 9, 17]),
            (x.index((.., &i, Index::NewAxis))?, &[2, 2, 1, 4], &[4, 5, 6, 7, 0, 1, 2, 3, 16, 17, 18, 19, 12, 13, 14, 15]),
            (x.index(&yes)?, &[1, 2, 3, 4], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]),
            (x.index((Index::Ellipsis, &no))?, &[2, 3, 4, 0], &[]),
            (x.index((.., m.index(0)?))?, &[2, 2, 4], &[0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23]),
            (x.index((m.index((.., 0))?, .., &i))?, &[2, 3], &[1, 5, 9, 0, 4, 8]),
        ];
        for (number, (y, shape, values)) in cases.iter().enumerate() {
            assert_eq!((&y.shape()[..], y.to_vec::<i64>()?), (*shape, values.to_vec()), "case {number}");
        }
    }
    Ok(())
}

#[test]
fn a_list_of_ranges_is_a_view() -> Result<()> {
    let x = arange(24, &[2, 3, 4]);
    assert!(x.index((.., 1, Index::NewAxis, ..2))?.shares_storage(&x));
    assert!(x.index(&[][..])?.shares_storage(&x));
    Ok(())
}

#[test]
fn assignment_leaves_other_handles_alone() -> Result<()> {
    let x = arange(6, &[2, 3]);
    let view = x.transpose(0, 1)?;
    let y = view.index_put((longs(&[0, 2, 0]), 1), &longs(&[70, 80, 90]), false)?;
    assert_eq!(y.to_vec::<i64>()?, [0, 90, 1, 4, 2, 80]);
    let y = view.index_put((longs(&[0, 2, 0]), 1), &longs(&[70, 80, 90]), true)?;
    assert_eq!(y.to_vec::<i64>()?, [0, 163, 1, 4, 2, 85]);
    assert_eq!(x.to_vec::<i64>()?, [0, 1, 2, 3, 4, 5]);
    let wide = x.index_put(x.gt_scalar(3)?, &Tensor::scalar(-1i64)?, false)?;
    assert_eq!(wide.to_vec::<i64>()?, [0, 1, 2, 3, -1, -1]);
    let y = x.index_put((1, Index::from(..).step(2)), &longs(&[7, 8]), false)?;
    assert_eq!(y.to_vec::<i64>()?, [0, 1, 2, 7, 4, 8]);
    Ok(())
}

#[test]
fn every_dtype_is_indexed_and_i32_indexes() -> Result<()> {
    let index = longs(&[2, 0]).to_dtype(DType::I32)?;
    for dtype in [DType::F32, DType::F16, DType::BF16, DType::I32, DType::U8, DType::Bool] {
        let x = longs(&[0, 1, 1]).to_dtype(dtype)?;
        let ints = |y: Tensor| y.to_dtype(DType::I64)?.to_vec::<i64>();
        assert_eq!(ints(x.index(&index)?)?, [1, 0]);
        assert_eq!(ints(x.index_select(0, &index)?)?, [1, 0]);
        assert_eq!(ints(x.gather(0, &index)?)?, [1, 0]);
        assert_eq!(ints(x.scatter(0, &index, &x)?)?, [1, 1, 0]);
        assert_eq!(ints(x.index_fill(0, &index, 0)?)?, [0, 1, 0]);
        assert_eq!(ints(x.diag(0)?.sum_dim(0, false)?)?, [0, 1, 1]);
        assert_eq!(ints(x.flip([0])?)?, [1, 1, 0]);
        if dtype != DType::Bool {
            assert_eq!(ints(x.index_put(&index, &x.narrow(0, 1, 2)?, true)?)?, [1, 1, 2]);
            assert_eq!(ints(x.scatter_reduce(0, &index, &x, ScatterReduce::Sum, true)?)?, [1, 1, 1]);
        }
    }
    Ok(())
}

/// Recorded from PyTorch 2.15, `scatter_reduce(0, index, source, reduce, include_self=...)` of integers.
#[test]
fn integers_are_reduced_as_pytorch_does() -> Result<()> {
    let (x, index, source) = (longs(&[4, -7, 5]), longs(&[0, 1, 0, 1]), longs(&[1, -2, 2, -2]));
    use ScatterReduce::{Amax, Amin, Mean, Prod, Sum};
    for (reduce, with, without) in [
        (Sum, [7, -11, 5], [3, -4, 5]),
        (Prod, [8, -28, 5], [2, 4, 5]),
        (Mean, [2, -4, 5], [1, -2, 5]),
        (Amax, [4, -2, 5], [2, -2, 5]),
        (Amin, [1, -7, 5], [1, -2, 5]),
    ] {
        assert_eq!(x.scatter_reduce(0, &index, &source, reduce, true)?.to_vec::<i64>()?, with, "{reduce:?}");
        assert_eq!(
            x.scatter_reduce(0, &index, &source, reduce, false)?.to_vec::<i64>()?,
            without,
            "{reduce:?}"
        );
    }
    let nan = Tensor::from_vec(vec![f32::NAN, 1.0], [2])?;
    let one = Tensor::from_vec(vec![2.0f32, f32::NAN], [2])?;
    let y = one.scatter_reduce(0, &longs(&[0, 1]), &nan, Amax, true)?.to_vec::<f32>()?;
    assert!(y.iter().all(|v| v.is_nan()));
    Ok(())
}

#[test]
fn parts_are_pytorchs() -> Result<()> {
    let sizes = |parts: Vec<Tensor>| parts.iter().map(|p| p.shape()[0]).collect::<Vec<_>>();
    let x = arange(7, &[7]);
    assert_eq!(sizes(x.split(3, 0)?), [3, 3, 1]);
    assert_eq!(sizes(x.chunk(5, 0)?), [2, 2, 2, 1]);
    assert_eq!(sizes(x.tensor_split(5, -1)?), [2, 2, 1, 1, 1]);
    assert_eq!(sizes(x.tensor_split_at(&[2, -3, 1, 9], 0)?), [2, 2, 0, 6, 0]);
    let none = arange(0, &[0]);
    assert_eq!(sizes(none.split(0, 0)?), [0]);
    assert_eq!(sizes(none.chunk(3, 0)?), [0, 0, 0]);
    assert!(none.unbind(0)?.is_empty());
    Ok(())
}

#[test]
fn counts_and_classes() -> Result<()> {
    let x = longs(&[1, 3, 1]);
    let weights = Tensor::from_vec(vec![0.5f32, 1.0, 0.25], [3])?;
    assert_eq!(x.bincount(Some(&weights), 6)?.to_vec::<f32>()?, [0.0, 0.75, 0.0, 1.0, 0.0, 0.0]);
    assert!(longs(&[-1]).bincount(None, 0).is_err());
    assert_eq!(*x.one_hot(None)?.shape(), [3, 4]);
    assert!(arange(0, &[0]).one_hot(None).is_err());
    let y = Tensor::from_vec(vec![1.0f32, 2.0, 1.0, f32::NAN, 9.0], [5])?;
    assert_eq!(y.histc(4, 0.0, 3.0)?.to_vec::<f32>()?, [0.0, 2.0, 1.0, 0.0]);
    assert_eq!(Tensor::tril_indices(3, 3, -1)?.to_vec::<i64>()?, [1, 2, 2, 0, 0, 1]);
    Ok(())
}

/// Numbers at the edges of their types, and small ones.
fn number() -> impl Strategy<Value = isize> {
    prop_oneof![-3isize..4, Just(isize::MIN), Just(isize::MAX), Just(isize::MIN + 1), Just(1 << 45)]
}

fn tensor() -> impl Strategy<Value = Tensor> {
    prop_oneof![
        prop::collection::vec(0usize..4, 0..4).prop_map(|s| Tensor::ones(s, DType::F32).unwrap()),
        prop::collection::vec(0usize..3, 0..3).prop_map(|s| Tensor::ones(s, DType::I64).unwrap()),
        prop::collection::vec(0usize..3, 0..3).prop_map(|s| Tensor::ones(s, DType::Bool).unwrap()),
        Just(Tensor::ones([1, 1], DType::F32).unwrap().expand([1 << 45, 1]).unwrap()),
        Just(Tensor::ones([], DType::I64).unwrap().expand([3, 1 << 45]).unwrap()),
    ]
}

fn index() -> impl Strategy<Value = Index> {
    prop_oneof![
        number().prop_map(Index::At),
        (number(), number(), number())
            .prop_map(|(start, end, step)| Index::from(start..end).step(step as usize)),
        (number(), number()).prop_map(|(start, end)| Index::from(start..=end)),
        Just(Index::Ellipsis),
        Just(Index::NewAxis),
        tensor().prop_map(Index::Tensor),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_arguments_are_errors(
        (x, y, z) in (tensor(), tensor(), tensor()),
        (a, b, c, d) in (number(), number(), number(), number()),
        list in prop::collection::vec(index(), 0..4),
    ) {
        let (m, n) = (b as usize, c as usize);
        let _ = (x.index(&list[..]), x.index_put(&list[..], &y, true), x.index_put(&list[..], &y, false));
        let _ = (x.index_select(a, &y), x.index_fill(a, &y, 0), x.take(&y), x.gather(a, &y));
        let _ = (x.index_add(a, &y, &z), x.index_copy(a, &y, &z), x.take_along_dim(&y, a));
        let _ = (x.scatter(a, &y, &z), x.scatter_add(a, &y, &z), x.scatter_value(a, &y, 1));
        let _ = x.scatter_reduce(a, &y, &z, ScatterReduce::Mean, false);
        let _ = (x.masked_select(&y), x.masked_scatter(&y, &z), x.nonzero(), x.nonzero_tuple());
        let _ = (x.bincount(Some(&y), 0), x.one_hot(None), x.histc(3, b as f64, c as f64));
        let _ = (x.split(m, a), x.chunk(m, a), x.tensor_split(m, a), x.tensor_split_at(&[b, c], a));
        let _ = (x.split_with_sizes(&[m, n], a), x.unbind(a), x.flip([a, b]), x.roll([a, b], [c, d]));
        let _ = (x.roll([a], []), x.repeat([m, n]), x.tile([m]), x.repeat_interleave(m, Some(a)));
        let _ = (x.repeat_interleave_each(&y, Some(a)), x.unfold(a, m, n), x.diagonal(a, b, c));
        let _ = (x.diag_embed(a, b, c), x.diag(a), x.as_strided([m, n], &[n, m], d as usize));
        let _ = (x.view([a, b]), x.movedim([a, b], [c, d]), x.swapaxes(a, b), x.unflatten(a, [b, c]));
        let _ = (x.squeeze([a, b]), x.narrow(a, b, n), x.slice(a, b, c, d as usize), x.select(a, b));
        let _ = (Tensor::block_diag(&[&x, &y]), Tensor::meshgrid(&[&x, &y], Indexing::Xy));
        let _ = (Tensor::hstack(&[&x, &y]), Tensor::dstack(&[&x, &y]), Tensor::cat(&[&x, &y], a));
        let _ = (Tensor::tril_indices(m, n, a), Tensor::logspace(0.0, 1.0, m, 10.0, DType::F32));
    }
}
