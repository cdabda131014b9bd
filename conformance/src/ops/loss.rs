//! Losses.

use super::shared::*;
use super::{Adapter, adapter};
use autograd::{
    BceWithLogitsOptions, CrossEntropyOptions, CtcLossOptions, DType, GaussianNllOptions, KlDivOptions,
    KlDivReduction, MultiMarginOptions, PoissonNllOptions, Reduction, Tensor, TripletMarginOptions, Var,
};

/// The operations of this family.
pub const ADAPTERS: &[Adapter] = &[
    adapter("binary_cross_entropy", "nn_functional_binary_cross_entropy", |c| {
        one(c.x()?.binary_cross_entropy(target(c)?, weight(c, 1)?.as_ref(), reduction(c)?))
    }),
    adapter("binary_cross_entropy", "nn_functional_binary_cross_entropy_with_logits", |c| {
        let (weight, pos_weight) = (weight(c, 1)?, c.kwarg("pos_weight").optional(Value::tensor)?);
        let options = BceWithLogitsOptions {
            weight: weight.as_ref(),
            pos_weight: pos_weight.as_ref(),
            reduction: reduction(c)?,
        };
        one(c.x()?.binary_cross_entropy_with_logits(target(c)?, options))
    }),
    adapter("binary_cross_entropy", "nn_functional_soft_margin_loss", |c| {
        one(c.x()?.soft_margin_loss(target(c)?, reduction(c)?))
    }),
    adapter("cross_entropy", "nn_functional_cross_entropy", |c| {
        one(c.x()?.cross_entropy_with(target(c)?, weight(c, 1)?.as_ref(), class_options(c)?))
    }),
    adapter("ctc_loss", "nn_functional_ctc_loss", |c| {
        let lengths = |at: usize, name: &str| -> Asked<Vec<usize>> {
            let lengths = match c.arg(at, name) {
                Value::Tensor(lengths) => lengths.detach().to_dtype(DType::I64)?.to_vec::<i64>()?,
                lengths => lengths.ints()?.into_iter().map(|n| n as i64).collect(),
            };
            Ok(lengths.into_iter().map(|n| n as usize).collect())
        };
        let options = CtcLossOptions {
            blank: c.arg(3, "blank").int_or(0)? as usize,
            zero_infinity: c.kwarg("zero_infinity").bool_or(false)?,
            reduction: reduction(c)?,
        };
        let (inputs, targets) = (lengths(1, "input_lengths")?, lengths(2, "target_lengths")?);
        one(c.x()?.ctc_loss(&c.arg(0, "targets").tensor()?.to_dtype(DType::I64)?, &inputs, &targets, options))
    }),
    adapter("distance", "nn_functional_cosine_embedding_loss", |c| {
        let (other, target) = (c.arg(0, "input2").var()?, c.arg(1, "target").tensor()?);
        let margin = c.arg(2, "margin").float_or(0.0)?;
        one(c.x()?.cosine_embedding_loss(&other, &target, margin, reduction(c)?))
    }),
    adapter("distance", "nn_functional_triplet_margin_loss", |c| {
        let (positive, negative) = (c.arg(0, "positive").var()?, c.arg(1, "negative").var()?);
        let default = TripletMarginOptions::default();
        let options = TripletMarginOptions {
            margin: c.kwarg("margin").float_or(default.margin)?,
            p: c.kwarg("p").float_or(default.p)?,
            eps: c.kwarg("eps").float_or(default.eps)?,
            swap: c.kwarg("swap").bool_or(default.swap)?,
            reduction: reduction(c)?,
        };
        one(c.x()?.triplet_margin_loss(&positive, &negative, options))
    }),
    adapter("gaussian_nll_loss", "nn_functional_gaussian_nll_loss", |c| {
        let x = c.x()?;
        let variance: Var = match c.arg(1, "var") {
            Value::Tensor(variance) => variance,
            variance => Tensor::full(x.shape(), variance.float()?, x.dtype())?.into(),
        };
        let default = GaussianNllOptions::default();
        let options = GaussianNllOptions {
            full: c.arg(2, "full").bool_or(default.full)?,
            eps: c.arg(3, "eps").float_or(default.eps)?,
            reduction: reduction(c)?,
        };
        one(x.gaussian_nll_loss(target(c)?, variance, options))
    }),
    adapter("gaussian_nll_loss", "nn_functional_poisson_nll_loss", |c| {
        let default = PoissonNllOptions::default();
        let options = PoissonNllOptions {
            log_input: c.arg(1, "log_input").bool_or(default.log_input)?,
            full: c.arg(2, "full").bool_or(default.full)?,
            eps: c.kwarg("eps").float_or(default.eps)?,
            reduction: reduction(c)?,
        };
        one(c.x()?.poisson_nll_loss(target(c)?, options))
    }),
    adapter("kl_div", "nn_functional_kl_div", |c| {
        let reduction = match c.kwarg("reduction").text_or("mean")?.as_str() {
            "mean" => KlDivReduction::Mean,
            "batchmean" => KlDivReduction::BatchMean,
            "sum" => KlDivReduction::Sum,
            _ => KlDivReduction::None,
        };
        let log_target = c.kwarg("log_target").bool_or(false)?;
        one(c.x()?.kl_div(target(c)?, KlDivOptions { reduction, log_target }))
    }),
    adapter("l1_loss", "nn_functional_huber_loss", |c| {
        unweighted(c)?;
        one(c.x()?.huber_loss(target(c)?, c.kwarg("delta").float_or(1.0)?, reduction(c)?))
    }),
    adapter("l1_loss", "nn_functional_l1_loss", |c| {
        unweighted(c)?;
        one(c.x()?.l1_loss(target(c)?, reduction(c)?))
    }),
    adapter("l1_loss", "nn_functional_smooth_l1_loss", |c| {
        one(c.x()?.smooth_l1_loss(target(c)?, c.kwarg("beta").float_or(1.0)?, reduction(c)?))
    }),
    adapter("margin_loss", "nn_functional_hinge_embedding_loss", |c| {
        let margin = c.arg(1, "margin").float_or(1.0)?;
        one(c.x()?.hinge_embedding_loss(&target(c)?.detach(), margin, reduction(c)?))
    }),
    adapter("margin_loss", "nn_functional_margin_ranking_loss", |c| {
        let (other, target) = (c.arg(0, "input2").var()?, c.arg(1, "target").var()?);
        let margin = c.arg(2, "margin").float_or(0.0)?;
        one(c.x()?.margin_ranking_loss(&other, target, margin, reduction(c)?))
    }),
    adapter("margin_loss", "nn_functional_multi_margin_loss", |c| {
        let weight = c.kwarg("weight").optional(Value::tensor)?;
        let options = MultiMarginOptions {
            p: c.kwarg("p").int_or(1)? as u32,
            margin: c.kwarg("margin").float_or(1.0)?,
            weight: weight.as_ref(),
            reduction: reduction(c)?,
        };
        one(c.x()?.multi_margin_loss(&c.arg(0, "target").index()?, options))
    }),
    adapter("mse_loss", "nn_functional_mse_loss", |c| {
        unweighted(c)?;
        one(c.x()?.mse_loss(target(c)?, reduction(c)?))
    }),
    adapter("nll_loss", "nn_functional_nll_loss", |c| {
        let target = c.arg(0, "target").index()?;
        one(c.x()?.nll_loss(&target, weight(c, 1)?.as_ref(), class_options(c)?))
    }),
];

fn target(c: &Call) -> Asked<Var> {
    c.arg(0, "target").var()
}

fn weight(c: &Call, at: usize) -> Asked<Option<Tensor>> {
    c.arg(at, "weight").optional(Value::tensor)
}

fn unweighted(c: &Call) -> Asked<()> {
    if weight(c, usize::MAX)?.is_none() {
        Ok(())
    } else {
        unsupported("weights of elements; multiply the losses")
    }
}

fn reduction(c: &Call) -> Asked<Reduction> {
    Ok(match c.kwarg("reduction").text_or("mean")?.as_str() {
        "mean" => Reduction::Mean,
        "sum" => Reduction::Sum,
        "none" => Reduction::None,
        _ => return unsupported("reduction"),
    })
}

fn class_options(c: &Call) -> Asked<CrossEntropyOptions> {
    Ok(CrossEntropyOptions {
        ignore_index: c.kwarg("ignore_index").int_or(-100)? as i64,
        label_smoothing: c.kwarg("label_smoothing").float_or(0.0)?,
        reduction: reduction(c)?,
    })
}
