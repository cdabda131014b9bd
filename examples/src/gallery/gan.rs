//! A generative adversarial network whose critic is held to gradients of length 1 (Gulrajani et al., "Improved Training of
//! Wasserstein GANs", 2017): the penalty is a function of a gradient, so its own gradient is a second derivative.

use train::autograd::grad;
use train::nn;
use train::prelude::*;

/// Factor of the penalty, the paper's.
const PENALTY: f64 = 10.0;
/// Numbers that a point is made from.
const NOISE: usize = 4;

/// Points of the plane out of noise, and a critic of points.
#[derive(Module)]
pub struct Gan {
    generator: Sequential,
    critic: Sequential,
}

impl Gan {
    /// Hidden layers of `width` units.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn new(width: usize, rng: &Rng) -> nn::Result<Self> {
        let perceptron = |inputs, outputs| -> nn::Result<Sequential> {
            Ok(sequential![
                Linear::new(inputs, width, rng)?,
                Tanh,
                Linear::new(width, width, rng)?,
                Tanh,
                Linear::new(width, outputs, rng)?,
            ])
        };
        Ok(Self { generator: perceptron(NOISE, 2)?, critic: perceptron(2, 1)? })
    }

    /// `count` points `[count, 2]`.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn generate(&self, count: usize, rng: &Rng) -> nn::Result<Var> {
        self.generator.forward(&rng.randn([count, NOISE], DType::F32)?.into())
    }

    /// The critic's loss on real points: mean critic of generated minus real ones, and the penalty
    /// `10 mean (‖∂ critic / ∂ x‖ − 1)²` at points x between the two.
    ///
    /// # Errors
    /// If the points are not `[N, 2]`.
    pub fn critic_loss(&self, real: &Tensor, rng: &Rng) -> nn::Result<Var> {
        let count = real.size(0)?;
        let fake = no_grad(|| self.generate(count, rng))?.detach();
        let share = rng.rand([count, 1], DType::F32)?;
        let between = Var::leaf(fake.add(&real.sub(&fake)?.mul(&share)?)?)?;
        let scores = self.critic.forward(&between)?.sum()?;
        let slopes = grad(&scores, &[&between], true)?;
        let excess = slopes[0].mul(&slopes[0])?.sum_dim(1, false)?.sqrt()?.sub_scalar(1.0)?;
        let penalty = excess.mul(&excess)?.mean()?.mul_scalar(PENALTY)?;
        let mean = |points: Tensor| -> nn::Result<Var> { Ok(self.critic.forward(&points.into())?.mean()?) };
        Ok(mean(fake)?.sub(&mean(real.clone())?)?.add(&penalty)?)
    }
}

/// The optimizers of the two players.
pub struct Players {
    generator: Adam,
    critic: Adam,
}

impl Players {
    /// Adam with the paper's betas.
    ///
    /// # Errors
    /// If a setting is out of its range.
    pub fn new(gan: &Gan, lr: f64) -> Result<Self> {
        let options = || AdamOptions { betas: (0.0, 0.9), ..lr.into() };
        Ok(Self {
            generator: Adam::new(gan.generator.parameters(), options())?,
            critic: Adam::new(gan.critic.parameters(), options())?,
        })
    }

    /// Three steps of the critic and one of the generator on real points; the critic's last loss.
    ///
    /// # Errors
    /// If the points are not `[N, 2]`.
    pub fn step(&mut self, gan: &Gan, real: &Tensor, rng: &Rng) -> Result<f32> {
        let mut last = f32::NAN;
        for _ in 0..3 {
            let loss = gan.critic_loss(real, rng)?;
            self.critic.zero_grad();
            loss.backward()?;
            self.critic.step()?;
            last = loss.detach().item()?;
        }
        let loss = gan.critic.forward(&gan.generate(real.size(0)?, rng)?)?.mean()?.neg()?;
        self.generator.zero_grad();
        loss.backward()?;
        self.generator.step()?;
        Ok(last)
    }
}
