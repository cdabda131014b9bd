//! REINFORCE (Williams, 1992) on a cart that balances a pole: the equations of Barto, Sutton and Anderson (1983).

use train::nn;
use train::prelude::*;

/// Steps after which an episode is won.
pub const LONGEST: usize = 200;
/// Share of the next reward that counts now.
const DISCOUNT: f32 = 0.99;

/// A cart on a track with a pole on a hinge: position, speed, angle, angular speed.
pub struct CartPole {
    state: [f64; 4],
}

impl CartPole {
    /// Near the upright, drawn from ±0.05.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn new(rng: &Rng) -> Result<Self> {
        let start = rng.uniform([4], -0.05, 0.05, DType::F64)?.to_vec::<f64>()?;
        Ok(Self { state: [start[0], start[1], start[2], start[3]] })
    }

    /// Pushes the cart right or left for 0.02 s; whether the pole still stands.
    pub fn push(&mut self, right: bool) -> bool {
        // Masses of cart and pole 1 and 0.1 kg, half the pole 0.5 m, force 10 N.
        let (total, pole, half, force) = (1.1, 0.1, 0.5, if right { 10.0 } else { -10.0 });
        let [x, speed, angle, turn] = self.state;
        let (sin, cos) = angle.sin_cos();
        let push = (force + pole * half * turn * turn * sin) / total;
        let spin = (9.8 * sin - cos * push) / (half * (4.0 / 3.0 - pole * cos * cos / total));
        let pull = push - pole * half * spin * cos / total;
        let dt = 0.02;
        self.state = [x + dt * speed, speed + dt * pull, angle + dt * turn, turn + dt * spin];
        // 2.4 m of track each way, 12 degrees.
        self.state[0].abs() < 2.4 && self.state[2].abs() < 12f64.to_radians()
    }

    fn observation(&self) -> [f32; 4] {
        self.state.map(|x| x as f32)
    }
}

/// Observations `[N, 4]` to logits of left and right `[N, 2]`.
///
/// # Errors
/// If memory does not suffice.
pub fn policy(rng: &Rng) -> nn::Result<Sequential> {
    Ok(sequential![Linear::new(4, 64, rng)?, ReLU, Linear::new(64, 2, rng)?])
}

/// What was seen, done and gained in an episode.
pub struct Episode {
    /// `[N, 4]`.
    pub observations: Tensor,
    /// `[N]`, 0 left, 1 right.
    pub actions: Tensor,
    /// `[N]`: the discounted rewards from each step on.
    pub returns: Tensor,
}

/// Plays an episode with actions drawn from the policy.
///
/// # Errors
/// If memory does not suffice.
pub fn play(policy: &dyn Layer, rng: &Rng) -> Result<Episode> {
    let mut cart = CartPole::new(rng)?;
    let (mut observations, mut actions) = (Vec::new(), Vec::new());
    for _ in 0..LONGEST {
        let seen = cart.observation();
        let logits = no_grad(|| policy.forward(&Tensor::from_slice(&seen, [1, 4])?.into()))?;
        let action = rng.multinomial(&logits.detach().softmax(-1)?, 1, true)?.item::<i64>()?;
        observations.extend(seen);
        actions.push(action);
        if !cart.push(action == 1) {
            break;
        }
    }
    let count = actions.len();
    let mut returns = vec![1.0f32; count];
    for step in (1..count).rev() {
        returns[step - 1] += DISCOUNT * returns[step];
    }
    Ok(Episode {
        observations: Tensor::from_vec(observations, [count, 4])?,
        actions: Tensor::from_vec(actions, [count])?,
        returns: Tensor::from_vec(returns, [count])?,
    })
}

/// The mean of −log π(action) times `advantages` `[N]`, whose gradient is that of the expected return.
///
/// # Errors
/// If the sizes do not fit.
pub fn loss(policy: &dyn Layer, episode: &Episode, advantages: &Tensor) -> nn::Result<Var> {
    let logits = policy.forward(&(&episode.observations).into())?;
    let each = CrossEntropyLoss::new().reduction(train::autograd::Reduction::None);
    Ok(each.forward(&logits, &episode.actions)?.mul(&advantages.into())?.mean()?)
}

/// Returns less their mean, over their deviation.
///
/// # Errors
/// If memory does not suffice.
pub fn advantages(returns: &Tensor) -> Result<Tensor> {
    let centered = returns.sub(&returns.mean()?)?;
    let deviation = centered.mul(&centered)?.mean()?.sqrt()?.add_scalar(1e-6)?;
    Ok(centered.div(&deviation)?)
}
