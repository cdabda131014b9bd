//! Policy gradients: REINFORCE (Williams, 1992) with a learned baseline.

use crate::cart_pole::CartPole;
use crate::models::ActorCritic;
use train::autograd::Reduction;
use train::prelude::*;

/// What a reward loses in value with each step that it is away.
const DISCOUNT: f64 = 0.99;

/// The steps of some episodes, one after the other.
pub struct Episodes {
    /// `[steps, 4]`.
    states: Tensor,
    /// `[steps, 1]`, i64.
    actions: Tensor,
    /// The discounted sum of the rewards from each step on, `[steps, 1]`, times 1 − discount: 0 … 1.
    returns: Tensor,
    /// How many steps each episode has, which is its return without discount.
    lengths: Vec<usize>,
}

impl Episodes {
    /// Plays `count` episodes side by side, each action drawn from the policy.
    ///
    /// # Errors
    /// If the policy does not map `[N, 4]` to `[N, 2]`.
    pub fn play(policy: &dyn Layer, count: usize, rng: &Rng) -> Result<Self> {
        let mut carts = (0..count).map(|_| CartPole::new(rng)).collect::<Result<Vec<_>>>()?;
        let mut played = vec![(Vec::new(), Vec::new()); count];
        loop {
            let running: Vec<usize> = (0..count).filter(|&i| !carts[i].done()).collect();
            if running.is_empty() {
                break;
            }
            let states: Vec<f32> = running.iter().flat_map(|&i| carts[i].state()).collect();
            let x = Tensor::from_slice(&states, [running.len(), 4])?;
            let probabilities = no_grad(|| policy.forward(&x.into()))?.detach().softmax(1)?;
            let drawn = rng.multinomial(&probabilities, 1, true)?.to_vec::<i64>()?;
            for ((&i, state), action) in running.iter().zip(states.chunks(4)).zip(drawn) {
                let (states, actions) = &mut played[i];
                states.extend_from_slice(state);
                actions.push(action);
                carts[i].step(action);
            }
        }
        Self::new(played)
    }

    fn new(played: Vec<(Vec<f32>, Vec<i64>)>) -> Result<Self> {
        let lengths: Vec<usize> = played.iter().map(|(_, actions)| actions.len()).collect();
        let returns: Vec<f32> = lengths.iter().flat_map(|&length| returns(length)).collect();
        let (states, actions): (Vec<_>, Vec<_>) = played.into_iter().unzip();
        let steps = returns.len();
        Ok(Self {
            states: Tensor::from_vec(states.concat(), [steps, 4])?,
            actions: Tensor::from_vec(actions.concat(), [steps, 1])?,
            returns: Tensor::from_vec(returns, [steps, 1])?,
            lengths,
        })
    }

    /// All steps.
    pub fn steps(&self) -> usize {
        self.lengths.iter().sum()
    }

    /// The mean return, without discount.
    pub fn mean_return(&self) -> f64 {
        self.steps() as f64 / self.lengths.len() as f64
    }
}

/// Each step's reward is 1; with n steps left they sum up to (1 − discountⁿ) / (1 − discount).
fn returns(length: usize) -> impl Iterator<Item = f32> {
    (0..length).map(move |step| (1.0 - DISCOUNT.powi((length - step) as i32)) as f32)
}

/// −log π(action) times what the action brought above the baseline, and the baseline's own error.
///
/// # Errors
/// If the model does not take the states.
pub fn loss(model: &ActorCritic, episodes: &Episodes) -> Result<Var> {
    let states = Var::from(&episodes.states);
    let log_probability = model.policy.forward(&states)?.log_softmax(1)?.gather(1, &episodes.actions)?;
    let value = model.baseline.forward(&states)?;
    // Detached: the policy's part of the loss must not move the baseline.
    let advantage = episodes.returns.sub(&value.detach())?;
    let (deviation, mean) = advantage.std_mean([0], 1.0, true)?;
    let advantage = advantage.sub(&mean)?.div(&deviation.add_scalar(1e-8)?)?;
    let policy = log_probability.mul(&advantage.into())?.mean()?.neg()?;
    Ok(policy.add(&value.mse_loss(&episodes.returns, Reduction::Mean)?)?)
}
