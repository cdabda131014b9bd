//! A cart with a pole that wants to fall: Barto, Sutton and Anderson (1983), with the numbers of Gymnasium's CartPole-v1.

use train::prelude::*;

const GRAVITY: f64 = 9.8;
const CART_MASS: f64 = 1.0;
const POLE_MASS: f64 = 0.1;
/// Half of the pole's.
const LENGTH: f64 = 0.5;
const FORCE: f64 = 10.0;
/// Seconds a step.
const STEP: f64 = 0.02;
/// Where the cart leaves its track.
const TRACK: f64 = 2.4;
/// Where the pole counts as fallen: 12°.
const FALLEN: f64 = 12.0 / 180.0 * std::f64::consts::PI;
/// An episode ends here at the latest.
const LONGEST: usize = 500;

/// One episode: each step that the pole stands is worth 1.
#[derive(Clone, Debug)]
pub struct CartPole {
    /// The cart's place and speed, the pole's angle and its speed.
    state: [f64; 4],
    steps: usize,
}

impl CartPole {
    /// At rest but for a small disturbance.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn new(rng: &Rng) -> Result<Self> {
        let drawn = rng.uniform([4], -0.05, 0.05, DType::F64)?.to_vec::<f64>()?;
        Ok(Self { state: std::array::from_fn(|i| drawn[i]), steps: 0 })
    }

    /// What is seen of it: place, speed, angle and its speed.
    pub fn state(&self) -> [f32; 4] {
        self.state.map(|number| number as f32)
    }

    /// Pushes the cart left (0) or right (1).
    pub fn step(&mut self, action: i64) {
        let [place, speed, angle, turning] = self.state;
        let force = if action == 1 { FORCE } else { -FORCE };
        let (sin, cos) = angle.sin_cos();
        let mass = CART_MASS + POLE_MASS;
        let push = (force + POLE_MASS * LENGTH * turning * turning * sin) / mass;
        let inertia = LENGTH * (4.0 / 3.0 - POLE_MASS * cos * cos / mass);
        let turn = (GRAVITY * sin - cos * push) / inertia;
        let speedup = push - POLE_MASS * LENGTH * turn * cos / mass;
        self.state =
            [place + STEP * speed, speed + STEP * speedup, angle + STEP * turning, turning + STEP * turn];
        self.steps += 1;
    }

    /// Whether the episode is over.
    pub fn done(&self) -> bool {
        let [place, _, angle, _] = self.state;
        place.abs() > TRACK || angle.abs() > FALLEN || self.steps >= LONGEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_moves_the_cart_and_tips_the_pole_against_it() {
        let mut cart = CartPole { state: [0.0; 4], steps: 0 };
        cart.step(1);
        let [place, speed, angle, turning] = cart.state;
        // From rest, push = 10 / 1.1, turn = −push / (0.5·(4/3 − 0.1/1.1)), speedup = push − 0.05·turn / 1.1.
        assert_eq!((place, angle), (0.0, 0.0));
        assert!((speed - 0.195_121_951_219_512_2).abs() < 1e-12, "{speed}");
        assert!((turning + 0.292_682_926_829_268_3).abs() < 1e-12, "{turning}");
    }

    #[test]
    fn pushing_one_way_soon_ends_the_episode() {
        let mut cart = CartPole { state: [0.0; 4], steps: 0 };
        let steps = (1..).find(|_| {
            cart.step(1);
            cart.done()
        });
        assert_eq!(steps, Some(9));
    }
}
