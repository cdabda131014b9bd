//! A bad argument gives an error that names the operation and what would have fitted, never a panic.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use autograd::{
    Approximate, AttentionOptions, AvgPoolOptions, ConvOptions, ConvTransposeOptions, CrossEntropyOptions,
    DType, InterpolateMode, InterpolateOptions, MaxPoolOptions, PadMode, Padding, Reduction, Resize, Result,
    Tensor, UnfoldOptions, Var,
};

fn zeros(shape: &[usize]) -> Var {
    Var::leaf(Tensor::zeros(shape, DType::F32).unwrap()).unwrap()
}

fn classes(values: &[i64]) -> Tensor {
    Tensor::from_slice(values, [values.len()]).unwrap()
}

#[track_caller]
fn refused(outcome: Result<Var>, words: &[&str]) {
    let message = outcome.unwrap_err().to_string();
    for word in words {
        assert!(message.contains(word), "{message:?} does not say {word:?}");
    }
    assert!(message.contains(file!()), "{message:?} does not name the caller's line");
}

#[test]
fn convolution() {
    let (x, weight) = (zeros(&[1, 2, 5, 5]), zeros(&[3, 2, 3, 3]));
    let options = ConvOptions::default();
    refused(zeros(&[5, 5]).conv2d(&weight, None, options), &["conv2d", "[N, 2, H, W]"]);
    refused(zeros(&[]).conv2d(&weight, None, options), &["conv2d", "input"]);
    refused(zeros(&[1, 3, 5, 5]).conv2d(&weight, None, options), &["conv2d", "[1, 3, 5, 5]", "[N, 2, H, W]"]);
    refused(zeros(&[1, 2, 2, 5]).conv2d(&weight, None, options), &["as large, padded, as the kernel [3, 3]"]);
    refused(x.conv2d(&zeros(&[3, 2, 3]), None, options), &["weight", "[out, in / groups, height, width]"]);
    refused(x.conv2d(&zeros(&[3, 2, 0, 3]), None, options), &["weight", "no size of 0"]);
    refused(x.conv2d(&weight, Some(&zeros(&[2])), options), &["bias", "[3]"]);
    refused(x.conv2d(&weight, None, ConvOptions { stride: [0, 1], ..options }), &["stride", "at least 1"]);
    refused(
        x.conv2d(&weight, None, ConvOptions { dilation: [1, 0], ..options }),
        &["dilation", "at least 1"],
    );
    refused(x.conv2d(&weight, None, ConvOptions { groups: 0, ..options }), &["groups", "divisor"]);
    refused(x.conv2d(&weight, None, ConvOptions { groups: 2, ..options }), &["groups", "divisor"]);
    for padding in [usize::MAX, usize::MAX / 2 - 1] {
        refused(x.conv2d(&weight, None, ConvOptions { padding: padding.into(), ..options }), &["conv2d"]);
    }
    let same = ConvOptions { padding: Padding::Same, stride: [2, 1], ..options };
    refused(x.conv2d(&weight, None, same), &["conv2d", "stride", "[2, 1]", "\"same\""]);
    refused(
        zeros(&[2, 5]).conv1d(&weight, None, ConvOptions::default()),
        &["conv1d", "[out, in / groups, length]"],
    );
    let double = Var::from(weight.detach().to_dtype(DType::F64).unwrap());
    refused(x.conv2d(&double, None, options), &["conv2d", "f32", "f64"]);
}

#[test]
fn transposed_convolution() {
    let (x, weight) = (zeros(&[1, 3, 5, 5]), zeros(&[3, 2, 3, 3]));
    let options = ConvTransposeOptions::default();
    refused(zeros(&[5]).conv_transpose2d(&weight, None, options), &["conv_transpose2d", "[N, 3, H, W]"]);
    refused(zeros(&[1, 2, 5, 5]).conv_transpose2d(&weight, None, options), &["[N, 3, H, W]"]);
    refused(
        zeros(&[1, 3, 0, 5]).conv_transpose2d(&weight, None, options),
        &["conv_transpose2d", "leaves an output"],
    );
    refused(
        x.conv_transpose2d(&zeros(&[3]), None, options),
        &["weight", "[in, out / groups, height, width]"],
    );
    refused(x.conv_transpose2d(&weight, Some(&zeros(&[3])), options), &["bias", "[2]"]);
    for (wrong, words) in [
        (ConvTransposeOptions { stride: [0, 1], ..options }, &["stride", "at least 1"]),
        (ConvTransposeOptions { dilation: [0, 1], ..options }, &["dilation", "at least 1"]),
        (
            ConvTransposeOptions { output_padding: [0, 1], ..options },
            &["output_padding", "smaller than the stride"],
        ),
        (ConvTransposeOptions { padding: [4, 0], ..options }, &["input", "leaves an output"]),
        (ConvTransposeOptions { padding: [usize::MAX; 2], ..options }, &["input", "leaves an output"]),
        (ConvTransposeOptions { groups: 2, ..options }, &["groups", "input channels"]),
        (ConvTransposeOptions { stride: [1 << 40; 2], ..options }, &["conv_transpose2d", "memory"]),
    ] {
        refused(x.conv_transpose2d(&weight, None, wrong), words);
    }
}

#[test]
fn pooling() {
    let x = zeros(&[1, 2, 5, 5]);
    let (max, avg) = (MaxPoolOptions::new([2, 2]), AvgPoolOptions::new([2, 2]));
    refused(zeros(&[5]).max_pool2d(max), &["max_pool2d", "[N, C, H, W] or [C, H, W]"]);
    refused(zeros(&[1, 1, 5]).max_pool2d(max), &["max_pool2d", "as the kernel [2, 2]"]);
    refused(zeros(&[1, 0, 0]).max_pool2d(max), &["max_pool2d"]);
    refused(x.max_pool2d(MaxPoolOptions::new([0, 2])), &["kernel", "at least 1"]);
    refused(x.max_pool2d(MaxPoolOptions { padding: [2, 0], ..max }), &["padding", "half of the kernel"]);
    refused(x.max_pool2d(MaxPoolOptions { kernel: [usize::MAX; 2], ..max }), &["max_pool2d"]);
    refused(
        x.avg_pool2d(AvgPoolOptions { divisor_override: Some(0), ..avg }),
        &["divisor_override", "not 0"],
    );
    refused(x.avg_pool2d(AvgPoolOptions { stride: [0, 0], ..avg }), &["stride"]);
    refused(zeros(&[5, 5]).adaptive_avg_pool2d([Some(1); 2]), &["adaptive_avg_pool2d", "[N, C, H, W]"]);
    refused(zeros(&[1, 0, 5]).adaptive_avg_pool2d([Some(1); 2]), &["adaptive_avg_pool2d"]);
    refused(zeros(&[5]).max_pool1d(MaxPoolOptions::new([2])), &["max_pool1d", "[N, C, L] or [C, L]"]);
    refused(x.avg_pool3d(AvgPoolOptions::new([6, 1, 1])), &["avg_pool3d", "kernel [6, 1, 1]"]);
    refused(zeros(&[5, 5, 5]).adaptive_max_pool3d([Some(1); 3]), &["adaptive_max_pool3d", "[N, C, D, H, W]"]);
    for size in [1 << 45, usize::MAX] {
        refused(x.adaptive_avg_pool2d([Some(size), None]), &["adaptive_avg_pool2d", "memory"]);
        refused(x.adaptive_max_pool2d([Some(size), None]), &["adaptive_max_pool2d", "memory"]);
    }
}

#[test]
fn interpolation() {
    let x = zeros(&[1, 2, 5, 5]);
    let nearest = InterpolateOptions::default();
    let bilinear = InterpolateOptions { mode: InterpolateMode::Bilinear, ..nearest };
    refused(zeros(&[2, 5]).interpolate(Resize::Size(&[3]), nearest), &["interpolate", "[N, C, ..]"]);
    refused(zeros(&[1, 0, 5]).interpolate(Resize::Size(&[3]), bilinear), &["interpolate", "\"bilinear\""]);
    refused(zeros(&[1, 2, 0]).interpolate(Resize::Size(&[3]), nearest), &["no size of 0"]);
    refused(x.interpolate(Resize::Size(&[1, 2, 3]), nearest), &["size", "one for each spatial dimension"]);
    refused(x.interpolate(Resize::Size(&[0, 2]), bilinear), &["size", "[0, 2]", "at least 1"]);
    for factor in [0.1, 0.0, -1.0, f64::NAN] {
        refused(x.interpolate(Resize::Scale(&[factor]), bilinear), &["size", "[0, 0]", "at least 1"]);
    }
    for factor in [f64::INFINITY, 1e13] {
        refused(x.interpolate(Resize::Scale(&[factor, 1.0]), bilinear), &["interpolate", "memory"]);
    }
    let aligned = InterpolateOptions { align_corners: true, ..nearest };
    refused(x.interpolate(Resize::Size(&[3]), aligned), &["align_corners", "for this mode"]);
}

#[test]
fn padding() {
    let x = zeros(&[2, 3]);
    refused(x.pad([1], PadMode::Reflect), &["pad", "[1]", "a pair of numbers"]);
    refused(x.pad([0; 6], PadMode::default()), &["pad", "a pair of numbers"]);
    refused(x.pad([-2, -2], PadMode::default()), &["pad", "[-2, -2]", "no more cut off"]);
    refused(x.pad([-4, 3], PadMode::default()), &["no more cut off"]);
    refused(x.pad([3, 0], PadMode::Reflect), &["pad", "[3, 0]", "less than the size for Reflect"]);
    refused(x.pad([0, 4], PadMode::Circular), &["at most the size for Circular"]);
    refused(zeros(&[2, 0]).pad([0, 1], PadMode::Replicate), &["at least 1 for Replicate"]);
    for huge in [1 << 45, isize::MAX] {
        refused(x.pad([huge, 0], PadMode::Replicate), &["pad", "memory"]);
        refused(x.pad([huge, 0], PadMode::default()), &["pad", "memory"]);
    }
    refused(x.pad([isize::MIN, isize::MAX], PadMode::Circular), &["pad"]);
}

#[test]
fn patches_and_shuffles() {
    let (x, options) = (zeros(&[1, 2, 5, 5]), UnfoldOptions::new([2, 3]));
    refused(zeros(&[5, 5]).im2col(options), &["im2col", "[N, C, H, W] or [C, H, W]"]);
    refused(x.im2col(UnfoldOptions::new([6, 1])), &["im2col", "the kernel [6, 1]"]);
    refused(x.im2col(UnfoldOptions { stride: [0, 1], ..options }), &["stride", "at least 1"]);
    refused(zeros(&[12, 11]).col2im([5, 5], options), &["col2im", "[N, C · 6, 12]"]);
    refused(zeros(&[7, 12]).col2im([5, 5], options), &["col2im", "[N, C · 6, 12]"]);
    refused(x.pixel_shuffle(2), &["pixel_shuffle", "[.., C · 2², H, W]"]);
    refused(x.pixel_shuffle(0), &["pixel_shuffle", "at least 1"]);
    refused(x.pixel_unshuffle(2), &["pixel_unshuffle", "[.., C, H · 2, W · 2]"]);
    refused(x.channel_shuffle(3), &["channel_shuffle", "divisible by 3 groups"]);
}

#[test]
fn norms() {
    let x = zeros(&[2, 4, 3]);
    refused(zeros(&[4]).group_norm(2, None, None, 1e-5), &["group_norm", "[N, C, ..]"]);
    refused(x.group_norm(0, None, None, 1e-5), &["group_norm", "num_groups", "divisor"]);
    refused(x.group_norm(3, None, None, 1e-5), &["num_groups", "divisor"]);
    refused(x.group_norm(2, Some(&zeros(&[2])), None, 1e-5), &["group_norm", "weight", "[2]"]);
    refused(x.group_norm(2, None, Some(&zeros(&[1])), 1e-5), &["group_norm", "bias", "[1]"]);
    refused(zeros(&[2, 4]).instance_norm(None, None, 1e-5), &["instance_norm", "more than 1 element"]);
    refused(zeros(&[2, 4, 1]).instance_norm(None, None, 1e-5), &["instance_norm", "more than 1 element"]);
    refused(zeros(&[2, 4]).local_response_norm(2, 1e-4, 0.75, 1.0), &["local_response_norm", "[N, C, L]"]);
    refused(x.local_response_norm(0, 1e-4, 0.75, 1.0), &["local_response_norm", "size"]);
    refused(x.weight_norm(&zeros(&[2, 1, 1]), 3), &["weight_norm", "dimension 3"]);
    refused(zeros(&[2]).batch_norm(None, None, 1e-5).map(|y| y.0), &["batch_norm", "[N, C, ..]"]);
}

#[test]
fn losses() {
    let (logits, target) = (zeros(&[2, 3]), classes(&[0, 2]));
    let options = CrossEntropyOptions::default();
    refused(zeros(&[]).cross_entropy(&target), &["cross_entropy", "[N, C]"]);
    refused(zeros(&[2, 0]).cross_entropy(&target), &["cross_entropy", "C > 0"]);
    refused(logits.cross_entropy(classes(&[0, 1, 2])), &["target", "[3]", "[2]"]);
    refused(logits.cross_entropy(classes(&[0, 3])), &["index 3", "size 3"]);
    refused(logits.cross_entropy(classes(&[0, -1])), &["index -1"]);
    refused(logits.cross_entropy(target.to_dtype(DType::I32).unwrap()), &["target", "i32", "i64"]);
    refused(logits.cross_entropy(zeros(&[3, 2])), &["probabilities", "[3, 2]"]);
    let weight = Tensor::ones([2], DType::F32).unwrap();
    refused(logits.cross_entropy_with(&target, Some(&weight), options), &["weight", "[3]"]);
    let smooth = CrossEntropyOptions { label_smoothing: 1.5, ..options };
    refused(logits.cross_entropy_with(&target, None, smooth), &["label_smoothing", "1.5"]);
    refused(logits.nll_loss(&classes(&[0, -1]), None, options), &["nll_loss", "target"]);
    refused(logits.nll_loss(&classes(&[0]), None, options), &["nll_loss", "target"]);
    refused(logits.mse_loss(zeros(&[3]), Reduction::Mean), &["mse_loss", "[3]", "[2, 3]"]);
}

#[test]
fn norms_and_attention() {
    let x = zeros(&[2, 3, 4]);
    refused(x.layer_norm([3], None, None, 1e-5), &["layer_norm", "[.., 3]"]);
    refused(x.layer_norm([], None, None, 1e-5), &["layer_norm"]);
    refused(x.layer_norm([4], Some(&zeros(&[3])), None, 1e-5), &["weight", "[4]"]);
    refused(zeros(&[]).rms_norm([4], None, 1e-5), &["rms_norm"]);
    refused(zeros(&[4]).batch_norm(None, None, 1e-5).map(|y| y.0), &["batch_norm", "[N, C, ..]"]);
    refused(zeros(&[1, 3]).batch_norm(None, None, 1e-5).map(|y| y.0), &["more than 1 value per channel"]);
    refused(x.batch_norm(Some(&zeros(&[2])), None, 1e-5).map(|y| y.0), &["weight", "[3]"]);
    let (query, options) = (zeros(&[2, 3, 4]), AttentionOptions::default());
    refused(zeros(&[4]).scaled_dot_product_attention(&query, &query, options), &["query", "2 dimensions"]);
    let narrow = zeros(&[2, 3, 5]);
    refused(query.scaled_dot_product_attention(&narrow, &query, options), &["attention: key", "[.., S, 4]"]);
    let few = zeros(&[2, 2, 4]);
    refused(query.scaled_dot_product_attention(&query, &few, options), &["attention: value", "[2, 3]"]);
    let classes = classes(&[0; 24]).reshape([2, 3, 4]).unwrap().into();
    refused(query.scaled_dot_product_attention(&classes, &query, options), &["attention", "f32 and i64"]);
    let mask = zeros(&[3, 3]);
    let both = AttentionOptions { attn_mask: Some(&mask), is_causal: true, ..options };
    refused(query.scaled_dot_product_attention(&query, &query, both), &["attn_mask", "is_causal"]);
    let grouped = AttentionOptions { enable_gqa: true, ..options };
    let keys = zeros(&[3, 3, 4]);
    refused(query.scaled_dot_product_attention(&keys, &keys, grouped), &["heads", "divisor"]);
}

#[test]
fn indices_and_elements() {
    let (x, index) = (zeros(&[2, 3]), classes(&[0, 1]));
    refused(x.gather(0, &index), &["gather", "index"]);
    refused(x.gather(2, &index), &["gather", "dimension 2"]);
    refused(x.index_select(1, &classes(&[3])), &["index_select", "index 3"]);
    refused(zeros(&[]).index_select(0, &index), &["index_select"]);
    refused(x.index_add(0, &index, &zeros(&[3, 3])), &["index_add", "source"]);
    refused(x.scatter_add(0, &index, &x), &["scatter_add"]);
    refused(x.embedding(&classes(&[2]), None), &["index 2"]);
    refused(x.embedding(&classes(&[-1]), None), &["embedding", "index"]);
    refused(x.embedding(&index, Some(2)), &["padding_idx", "2"]);
    refused(zeros(&[3]).embedding(&index, None), &["embedding", "[num_embeddings, embedding_dim]"]);
    refused(x.masked_fill(&index, 0.0), &["masked_fill", "bool"]);
    refused(x.where_cond(&index, &x), &["where", "bool"]);
    refused(x.softmax(2), &["softmax", "dimension 2"]);
    refused(Var::from(&index).softmax(0), &["softmax", "f32 or f64"]);
    refused(Var::from(&index).gelu(Approximate::None), &["gelu", "f32 or f64"]);
    refused(x.dropout(1.5, 0), &["dropout", "1.5"]);
    refused(x.dropout(f64::NAN, 0), &["dropout", "NaN"]);
    refused(zeros(&[3]).tril(0), &["tril", "2 dimensions"]);
    refused(zeros(&[0, 3]).amax(0, false), &["amax", "no elements"]);
    assert!(index.one_hot(1).unwrap_err().to_string().contains("one_hot: index 1"));
}

#[test]
fn indexing() {
    let (x, index) = (zeros(&[2, 3]), classes(&[0, 1]));
    refused(x.index((0, 0, 0)), &["index", "3 dimensions"]);
    refused(x.index((0, 5)), &["index", "index 5", "size 3"]);
    refused(x.index(classes(&[0, 2])), &["index", "index 2", "size 2"]);
    refused(x.index(Tensor::ones([3], DType::Bool).unwrap()), &["mask", "[3]", "[2]"]);
    refused(x.index((&index, &classes(&[0, 1, 2]))), &["index", "[2]", "[3]"]);
    refused(x.index(x.detach()), &["index is f32", "i64"]);
    refused(x.index_put(&index, &zeros(&[3, 3]), true), &["index_put", "[3, 3]", "[2, 3]"]);
    refused(x.index_copy(1, &index, &x), &["index_copy", "source", "[2, 2]"]);
    refused(x.index_fill(0, &classes(&[7]), 0), &["index_fill", "index 7"]);
    refused(x.scatter(0, &index, &zeros(&[2])), &["scatter", "index", "2 dimensions"]);
    let wide = Tensor::zeros([4, 3], DType::I64).unwrap();
    refused(x.scatter(0, &wide, &x), &["scatter", "source", "[4, 3]"]);
    refused(x.masked_scatter(&Tensor::ones([2, 3], DType::Bool).unwrap(), &zeros(&[5])), &["6 elements"]);
    refused(x.masked_select(&classes(&[1, 1, 1])), &["mask", "bool"]);
    refused(x.take(&classes(&[6])), &["take", "index 6"]);
}

#[test]
fn parts_and_repeats() {
    let x = zeros(&[2, 3]);
    let first = |parts: Result<Vec<Var>>| parts.map(|parts| parts[0].clone());
    refused(first(x.split(0, 0)), &["split", "at least 1"]);
    refused(first(x.split_with_sizes(&[1, 1], 1)), &["split_with_sizes", "[1, 1]", "3"]);
    refused(first(x.chunk(0, 0)), &["chunk", "0"]);
    refused(first(x.unbind(2)), &["unbind", "dimension 2"]);
    refused(x.repeat([2]), &["repeat", "[2]", "[2, 3]"]);
    refused(x.repeat_interleave_each(&classes(&[1, 2, 3]), Some(0)), &["repeats", "[2]"]);
    refused(x.unfold(1, 4, 1), &["unfold", "4", "size 3"]);
    refused(x.diagonal(0, 1, -1), &["diagonal", "more than once"]);
    refused(x.as_strided([2], &[6], 0), &["as_strided", "inside"]);
    refused(x.t().and_then(|x| x.view([-1])), &["view", "contiguous"]);
    refused(x.unflatten(1, [2, -1]), &["unflatten", "size 3"]);
    refused(x.roll([1, 2], [0]), &["roll", "one for each"]);
    refused(x.flip([0, -2]), &["flip", "more than once"]);
    refused(Var::block_diag(&[&zeros(&[1, 1, 1])]), &["block_diag", "at most 2"]);
    refused(x.movedim([0, 1], [0, 0]), &["movedim", "more than once"]);
}
