//! A generative adversarial network on points of the plane: the Wasserstein GAN with gradient penalty (Gulrajani et al.,
//! 2017).

use std::f64::consts::TAU;
use train::autograd::grad;
use train::prelude::*;

/// The data are as many normal distributions, evenly on the circle of radius 1.
const MODES: usize = 8;
/// The deviation of each; the centres of neighbours are 7.6 times as far apart.
const DEVIATION: f64 = 0.1;
/// The weight of the penalty. The paper takes 10 for images; its authors' program for points like these 0.1.
const PENALTY: f64 = 0.1;

/// `n` points of the data, `[n, 2]`.
///
/// # Errors
/// If memory does not suffice.
pub fn ring(n: usize, rng: &Rng) -> Result<Tensor> {
    let modes = rng.randint(0, MODES as i64, [n])?.to_vec::<i64>()?;
    let points = modes.into_iter().flat_map(|mode| centre(mode as usize)).collect();
    Ok(Tensor::from_vec(points, [n, 2])?.add(&rng.normal([n, 2], 0.0, DEVIATION, DType::F32)?)?)
}

fn centre(mode: usize) -> [f32; 2] {
    let angle = TAU * mode as f64 / MODES as f64;
    [angle.cos() as f32, angle.sin() as f32]
}

/// What the critic makes small: the mean score of `fake` less that of `real`, and the penalty.
///
/// # Errors
/// If the critic does not take the points; so for the other losses.
pub fn critic_loss(critic: &dyn Layer, real: &Tensor, fake: &Tensor, rng: &Rng) -> Result<Var> {
    let scores = |points: &Tensor| Ok::<_, Error>(critic.forward(&points.into())?.mean()?);
    let penalty = gradient_penalty(critic, real, fake, rng)?;
    Ok(scores(fake)?.sub(&scores(real)?)?.add(&penalty.mul_scalar(PENALTY)?)?)
}

/// The mean of (‖∇ critic‖ − 1)² at points between real and fake ones. The gradient is recorded (`create_graph`), so that
/// the penalty has a gradient of its own.
fn gradient_penalty(critic: &dyn Layer, real: &Tensor, fake: &Tensor, rng: &Rng) -> Result<Var> {
    let share = rng.rand([real.shape()[0], 1], DType::F32)?;
    let between = Var::leaf(fake.add(&real.sub(fake)?.mul(&share)?)?)?;
    let score = critic.forward(&between)?.sum()?;
    let gradient = &grad(&score, &[&between], true)?[0];
    Ok(gradient.norm(2.0, [1], false)?.sub_scalar(1.0)?.pow_scalar(2.0)?.mean()?)
}

/// What the generator makes small: the mean score of what it makes of `noise`, negated.
pub fn generator_loss(generator: &dyn Layer, critic: &dyn Layer, noise: &Tensor) -> Result<Var> {
    Ok(critic.forward(&generator.forward(&noise.into())?)?.mean()?.neg()?)
}

/// How well points cover the data.
#[derive(Debug)]
pub struct Coverage {
    /// The share of points within three deviations of a centre; 98.9 % of the data are.
    pub close: f64,
    /// How many of these the poorest mode has, of its fair share.
    pub poorest: f64,
}

impl Coverage {
    /// Of points `[n, 2]`.
    pub fn of(points: &Tensor) -> Result<Self> {
        let points = points.to_vec::<f32>()?;
        let mut counts = [0; MODES];
        for point in points.chunks(2) {
            let distance = |mode| {
                let [x, y] = centre(mode);
                f64::from((point[0] - x).hypot(point[1] - y))
            };
            // Three deviations are less than half the way to the next centre: at most one is as near.
            if let Some(mode) = (0..MODES).find(|&mode| distance(mode) < 3.0 * DEVIATION) {
                counts[mode] += 1;
            }
        }
        let share = |count: usize| count as f64 / (points.len() / 2) as f64;
        let poorest = counts.into_iter().min().unwrap_or(0);
        Ok(Self { close: share(counts.iter().sum()), poorest: share(poorest) * MODES as f64 })
    }
}
