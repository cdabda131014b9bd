//! Random numbers: an explicit generator that draws what PyTorch's CPU generator draws.

mod box_muller;
mod choice;
mod distribution;
mod mt19937;
mod replay;
mod state;

pub use replay::Draws;

use mt19937::Mt19937;
use std::sync::{Arc, Mutex};

/// A random number generator that follows PyTorch's CPU generator: after `Rng::seed(s)` the calls below draw what the
/// same calls draw after `torch.manual_seed(s)`, and leave the generator in the same state.
///
/// | method | against PyTorch 2.15 |
/// |---|---|
/// | [`rand`](Rng::rand), [`uniform`](Rng::uniform), [`randint`](Rng::randint), [`randperm`](Rng::randperm), [`bernoulli`](Rng::bernoulli), [`bernoulli_each`](Rng::bernoulli_each), [`multinomial`](Rng::multinomial) with replacement | the same bits |
/// | [`randn`](Rng::randn), [`normal`](Rng::normal) in f32 from 16 elements on | the same bits as PyTorch on processors with AVX2, within 1e-6 elsewhere |
/// | [`randn`](Rng::randn), [`normal`](Rng::normal) otherwise, [`exponential`](Rng::exponential), [`multinomial`](Rng::multinomial) without replacement | the same bits where the system's `log`, `sin` and `cos` are glibc's, within the last digits elsewhere |
///
/// (On Intel processors PyTorch's `bernoulli_` and dropout take another generator; there those streams differ.)
///
/// There is no global generator and no seed from the operating system: what is drawn depends on the seed and on the
/// calls before. Cloning gives another handle on the same generator, as a `torch.Generator` is passed around: the
/// layers of a model, its dropout and its data loader draw from one stream. [`Rng::from_state`] makes a generator of
/// its own.
///
/// ```
/// use tensor_core::{DType, Rng};
///
/// let rng = Rng::seed(0);
/// let x = rng.rand([3], DType::F32)?;
/// // torch.manual_seed(0); torch.rand(3)
/// assert_eq!(x.to_string(), "tensor([0.4963, 0.7682, 0.0885])");
///
/// let saved = rng.state();
/// let order = rng.randperm(5)?;
/// let again = Rng::from_state(&saved)?;
/// assert_eq!(again.randperm(5)?.to_vec::<i64>()?, order.to_vec::<i64>()?);
/// # Ok::<(), tensor_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Rng(Arc<Mutex<Generator>>);

/// What the handles of one generator share.
#[derive(Clone, PartialEq)]
pub(crate) struct Generator {
    words: Mt19937,
    seed: u64,
    /// The sine half of the last pair of single normals, which the next single normal takes.
    cached_normal: Option<f64>,
}

impl Rng {
    /// A generator seeded as `torch.manual_seed(seed)`. The stream depends on the low 32 bits; all 64 are kept as
    /// [`initial_seed`](Rng::initial_seed) and in the state. A negative seed of PyTorch's is `seed as u64`.
    pub fn seed(seed: u64) -> Self {
        Self::from(Generator { words: Mt19937::seed(seed as u32), seed, cached_normal: None })
    }

    /// The seed that the generator started from: `torch.initial_seed()`.
    pub fn initial_seed(&self) -> u64 {
        self.lock().seed
    }

    /// The next word of the Mersenne Twister: 32 uniform bits.
    pub fn next_u32(&self) -> u32 {
        self.lock().words.next_u32()
    }

    /// 64 uniform bits: two words, the first is the high one. One such draw keys the counter-based generator that
    /// dropout masks come from.
    pub fn next_u64(&self) -> u64 {
        self.lock().words.next_u64()
    }
}

impl From<Generator> for Rng {
    fn from(generator: Generator) -> Self {
        Self(Arc::new(Mutex::new(generator)))
    }
}

impl std::fmt::Debug for Rng {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rng").field("seed", &self.initial_seed()).finish_non_exhaustive()
    }
}
