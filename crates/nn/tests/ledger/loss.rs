//! The losses.

use super::Built;
use super::build::{Config, of};
use autograd::KlDivReduction;
use nn::prelude::*;
use nn::{
    CosineEmbeddingLoss, GaussianNLLLoss, HingeEmbeddingLoss, MarginRankingLoss, MultiMarginLoss,
    PoissonNLLLoss, SoftMarginLoss, TripletMarginLoss,
};

/// A loss of an input and a target.
macro_rules! loss {
    ($loss:expr) => {
        of($loss, |loss, inputs| Ok(vec![loss.forward(&inputs["input"], &inputs["target"])?]))
    };
    ($loss:expr, $a:literal, $b:literal, $c:literal) => {
        of($loss, |loss, inputs| Ok(vec![loss.forward(&inputs[$a], &inputs[$b], &inputs[$c])?]))
    };
}

/// With the recorded tensors of these names.
macro_rules! with_tensors {
    ($c:ident, $loss:expr, $($name:ident),*) => {{
        let mut loss = $loss;
        $(if let Some(tensor) = $c.tensor(stringify!($name)) {
            loss = loss.$name(tensor);
        })*
        loss
    }};
}

pub fn build(name: &str, c: &Config) -> Built {
    let (reduction, margin) = (c.reduction(), c.number("margin", 1.0));
    match name {
        "L1Loss" => loss!(L1Loss::new().reduction(reduction)),
        "MSELoss" => loss!(MSELoss::new().reduction(reduction)),
        "SmoothL1Loss" => loss!(SmoothL1Loss::new().beta(c.number("beta", 1.0)).reduction(reduction)),
        "HuberLoss" => loss!(HuberLoss::new().delta(c.number("delta", 1.0)).reduction(reduction)),
        "BCELoss" => loss!(with_tensors!(c, BCELoss::new().reduction(reduction), weight)),
        "BCEWithLogitsLoss" => {
            loss!(with_tensors!(c, BCEWithLogitsLoss::new().reduction(reduction), weight, pos_weight))
        }
        "SoftMarginLoss" => loss!(SoftMarginLoss::new().reduction(reduction)),
        "KLDivLoss" => {
            let reduction = match c.text("reduction") {
                "sum" => KlDivReduction::Sum,
                "none" => KlDivReduction::None,
                "batchmean" => KlDivReduction::BatchMean,
                _ => KlDivReduction::Mean,
            };
            loss!(KLDivLoss::new().log_target(c.flag("log_target", false)).reduction(reduction))
        }
        "NLLLoss" => {
            let ignored = c.json["config"]["ignore_index"].as_i64().unwrap_or(-100);
            loss!(with_tensors!(c, NLLLoss::new().ignore_index(ignored).reduction(reduction), weight))
        }
        "CrossEntropyLoss" => {
            let ignored = c.json["config"]["ignore_index"].as_i64().unwrap_or(-100);
            let loss = CrossEntropyLoss::new().ignore_index(ignored).reduction(reduction);
            let loss = loss.label_smoothing(c.number("label_smoothing", 0.0));
            loss!(with_tensors!(c, loss, weight))
        }
        "GaussianNLLLoss" => {
            let loss = GaussianNLLLoss::new().full(c.flag("full", false)).eps(c.number("eps", 1e-6));
            loss!(loss.reduction(reduction), "input", "target", "var")
        }
        "PoissonNLLLoss" => {
            let loss = PoissonNLLLoss::new().log_input(c.flag("log_input", true)).full(c.flag("full", false));
            loss!(loss.eps(c.number("eps", 1e-8)).reduction(reduction))
        }
        "HingeEmbeddingLoss" => loss!(HingeEmbeddingLoss::new().margin(margin).reduction(reduction)),
        "MarginRankingLoss" => {
            let loss = MarginRankingLoss::new().margin(c.number("margin", 0.0)).reduction(reduction);
            loss!(loss, "input1", "input2", "target")
        }
        "CosineEmbeddingLoss" => {
            let loss = CosineEmbeddingLoss::new().margin(c.number("margin", 0.0)).reduction(reduction);
            loss!(loss, "input1", "input2", "target")
        }
        "TripletMarginLoss" => {
            let loss =
                TripletMarginLoss::new().margin(margin).p(c.number("p", 2.0)).swap(c.flag("swap", false));
            loss!(loss.reduction(reduction), "anchor", "positive", "negative")
        }
        "MultiMarginLoss" => {
            let loss = MultiMarginLoss::new().p(c.size("p", 1) as u32).margin(margin).reduction(reduction);
            loss!(with_tensors!(c, loss, weight))
        }
        _ => panic!("no module {name}"),
    }
}
