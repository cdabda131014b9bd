//! Norms of each sample by itself: over groups of channels, over each channel, over neighbouring channels.
//!
//! Group norm is layer norm of rows that are the groups, then a weight and bias for each channel; instance norm is
//! group norm with a group for each channel.

use crate::testing::{Row, Sample};
use crate::{AvgPoolOptions, Error, PadMode, Result, Shape, Var};
use std::panic::Location;

#[track_caller]
fn refused<T>(op: &'static str, argument: &'static str, value: String, expected: &'static str) -> Result<T> {
    Err(Error::Argument { op, argument, value, expected, location: Location::caller() })
}

impl Var {
    /// `(x − mean) / √(var + eps) · weight + bias` for each of `groups` groups of channels of each sample of
    /// `[N, C, ..]`, with the biased variance: `torch.nn.functional.group_norm` (eps 1e-5 there by default). Weight and
    /// bias are `[C]`.
    ///
    /// # Errors
    /// If `groups` does not divide the channels, the shapes do not fit, or the dtypes are not one float dtype.
    #[track_caller]
    pub fn group_norm(&self, groups: usize, weight: Option<&Var>, bias: Option<&Var>, eps: f64) -> Result<Var> {
        self.grouped("group_norm", groups, [weight, bias], eps)
    }

    /// [`group_norm`](Var::group_norm) with a group for each channel of `[N, C, ..]`:
    /// `torch.nn.functional.instance_norm` with the statistics of the input. (With running ones it is
    /// [`batch_norm_eval`](Var::batch_norm_eval).)
    ///
    /// # Errors
    /// As for `group_norm`, or if a channel has a single element.
    #[track_caller]
    pub fn instance_norm(&self, weight: Option<&Var>, bias: Option<&Var>, eps: f64) -> Result<Var> {
        const OP: &str = "instance_norm";
        match **self.shape() {
            [_, channels, ref rest @ ..] if rest.iter().product::<usize>() != 1 => {
                self.grouped(OP, channels.max(1), [weight, bias], eps)
            }
            _ => refused(OP, "the input's shape", self.shape().to_string(), "[N, C, ..] with more than 1 element per channel"),
        }
    }

    #[track_caller]
    fn grouped(&self, op: &'static str, groups: usize, affine: [Option<&Var>; 2], eps: f64) -> Result<Var> {
        let [batch, channels, ref rest @ ..] = **self.shape() else {
            return refused(op, "the input's shape", self.shape().to_string(), "[N, C, ..]");
        };
        if groups == 0 || !channels.is_multiple_of(groups) {
            return refused(op, "num_groups", groups.to_string(), "at least 1, and a divisor of the channels");
        }
        let mut y = self.clone();
        let row = channels / groups * rest.iter().product::<usize>();
        if row > 0 {
            let rows = self.view_as(&Shape::from([batch * groups, row]))?;
            y = rows.layer_norm([row], None, None, eps)?.view_as(self.shape())?;
        }
        let column: Shape = [1, channels].into_iter().chain(rest.iter().map(|_| 1)).collect();
        for (i, parameter) in affine.into_iter().enumerate() {
            let Some(parameter) = parameter else { continue };
            if *parameter.shape() != [channels] {
                let argument = if i == 0 { "the weight's shape" } else { "the bias's shape" };
                return refused(op, argument, parameter.shape().to_string(), "one number for each channel");
            }
            let parameter = parameter.view_as(&column)?;
            y = if i == 0 { y.mul(&parameter)? } else { y.add(&parameter)? };
        }
        Ok(y)
    }

    /// `x / (k + alpha · mean(x²))^beta`, the mean over `size` neighbouring channels of `[N, C, ..]` at the same place,
    /// zeros beyond the first and last: `torch.nn.functional.local_response_norm` (alpha 1e-4, beta 0.75 and k 1 there
    /// by default).
    ///
    /// # Errors
    /// If there are fewer than three dimensions, `size` is 0, or the dtype is not floating-point.
    #[track_caller]
    pub fn local_response_norm(&self, size: usize, alpha: f64, beta: f64, k: f64) -> Result<Var> {
        const OP: &str = "local_response_norm";
        let [batch, channels, ref rest @ ..] = **self.shape() else {
            return refused(OP, "the input's shape", self.shape().to_string(), "[N, C, L] or more dimensions");
        };
        if rest.is_empty() {
            return refused(OP, "the input's shape", self.shape().to_string(), "[N, C, L] or more dimensions");
        }
        if size == 0 || size > isize::MAX as usize {
            return refused(OP, "size", size.to_string(), "at least 1");
        }
        if self.numel() == 0 {
            return Ok(self.clone());
        }
        let columns = Shape::from([batch, channels, rest.iter().product()]);
        let pads = [0, 0, (size / 2) as isize, ((size - 1) / 2) as isize];
        let squares = self.mul(self)?.view_as(&columns)?.pad(pads, PadMode::default())?;
        let means = squares.avg_pool2d(AvgPoolOptions { stride: [1, 1], ..AvgPoolOptions::new([size, 1]) })?;
        let divisor = means.mul_scalar(alpha)?.add_scalar(k)?.pow_scalar(beta)?;
        self.div(&divisor.view_as(self.shape())?)
    }
}

pub(crate) const ROW: Row = Row {
    name: "group_norm",
    sample: |s| {
        let (groups, per_group) = (1 + s.below(2), 1 + s.below(2));
        let (batch, channels) = (s.below(3), groups * per_group);
        let rest: Vec<usize> = (0..1 + s.below(2)).map(|_| 1 + s.size()).collect();
        let shape: Shape = [batch, channels].iter().chain(&rest).copied().collect();
        let x = s.distinct(&shape)?;
        if s.one_in(3) {
            let (size, alpha, k) = (1 + s.below(3), 0.5, 1.5);
            let (values, len) = (x.to_vec::<f64>()?, rest.iter().product::<usize>());
            let expected = values.iter().enumerate().map(|(i, value)| {
                let (image, c, at) = (i / len / channels, i / len % channels, i % len);
                let near = (0..size).filter_map(|j| (c + j).checked_sub(size / 2)).filter(|&c| c < channels);
                let squares = near.map(|c| values[(image * channels + c) * len + at].powi(2)).sum::<f64>();
                value / (k + alpha * squares / size as f64).powf(0.75)
            });
            let expected = expected.collect();
            return Ok(Sample::new(vec![x], move |x| x[0].local_response_norm(size, alpha, 0.75, k)).expect(expected));
        }
        let column = Shape::from([channels]);
        let (weight, bias) = (s.tensor(&column, -2.0, 2.0)?, s.tensor(&column, -2.0, 2.0)?);
        let (instance, has_weight, has_bias) = (s.one_in(3), !s.one_in(3), !s.one_in(3));
        let len: usize = rest.iter().product();
        let row = if instance { len } else { per_group * len };
        let (weights, biases) = (weight.to_vec::<f64>()?, bias.to_vec::<f64>()?);
        let mut expected = Vec::new();
        for values in x.to_vec::<f64>()?.chunks(row) {
            let mean = values.iter().sum::<f64>() / row as f64;
            let var = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / row as f64;
            for x in values {
                let c = expected.len() / len % channels;
                let scale = if has_weight { weights[c] } else { 1.0 };
                expected.push((x - mean) / (var + 0.01).sqrt() * scale + if has_bias { biases[c] } else { 0.0 });
            }
        }
        let call = move |x: &[Var]| {
            let (weight, bias) = (has_weight.then_some(&x[1]), has_bias.then_some(&x[2]));
            match instance {
                true => x[0].instance_norm(weight, bias, 0.01),
                false => x[0].group_norm(groups, weight, bias, 0.01),
            }
        };
        Ok(Sample::new(vec![x, weight, bias], call).expect(expected))
    },
    order: 2,
};
