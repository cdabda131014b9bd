//! Which samples an epoch visits, and in which order.

use crate::{Error, Result};
use std::fmt::Debug;
use tensor_core::{DType, Rng, Tensor};

/// The order of a loader: `torch.utils.data.Sampler`. The samplers below draw from a [`Rng`] what a PyTorch script
/// draws whose loader and sampler both use the global generator.
pub trait Sampler: Debug + Send + Sync {
    /// The number of indices that an epoch gives for a set of `n` samples.
    fn num_samples(&self, n: usize) -> usize;

    /// The indices of an epoch over a set of `n` samples, [`num_samples`](Sampler::num_samples) of them, all below `n`.
    ///
    /// # Errors
    /// If the settings do not fit a set of `n` samples.
    fn draw(&self, n: usize, epoch: usize) -> Result<Vec<usize>>;

    /// The generator that [`draw`](Sampler::draw) draws from, if it draws from one that others share: its state at the
    /// start of the epoch is then part of a loader's state.
    fn rng(&self) -> Option<&Rng> {
        None
    }
}

impl Sampler for Box<dyn Sampler> {
    fn num_samples(&self, n: usize) -> usize {
        (**self).num_samples(n)
    }

    fn draw(&self, n: usize, epoch: usize) -> Result<Vec<usize>> {
        (**self).draw(n, epoch)
    }

    fn rng(&self) -> Option<&Rng> {
        (**self).rng()
    }
}

/// The set's own order: `SequentialSampler`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SequentialSampler;

impl Sampler for SequentialSampler {
    fn num_samples(&self, n: usize) -> usize {
        n
    }

    fn draw(&self, n: usize, _: usize) -> Result<Vec<usize>> {
        Ok((0..n).collect())
    }
}

/// A random order, each epoch another: `RandomSampler`. Without replacement, each sample once and, where more are asked
/// for than there are, in one permutation after the other.
///
/// ```
/// use train::Rng;
/// use train::data::{RandomSampler, Sampler};
///
/// let drawn = RandomSampler::new(&Rng::seed(0)).replacement(true).samples(100).draw(3, 0)?;
/// assert_eq!(drawn.len(), 100);
/// assert!(drawn.iter().all(|&index| index < 3));
/// # Ok::<(), train::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct RandomSampler {
    rng: Rng,
    replacement: bool,
    num_samples: Option<usize>,
}

impl RandomSampler {
    /// Each sample once.
    pub fn new(rng: &Rng) -> Self {
        Self { rng: rng.clone(), replacement: false, num_samples: None }
    }

    /// Whether each index is drawn from all. Default: no.
    pub fn replacement(self, replacement: bool) -> Self {
        Self { replacement, ..self }
    }

    /// The number of samples of an epoch. Default: the set's.
    pub fn samples(self, num_samples: usize) -> Self {
        Self { num_samples: Some(num_samples), ..self }
    }
}

impl Sampler for RandomSampler {
    fn num_samples(&self, n: usize) -> usize {
        self.num_samples.unwrap_or(n)
    }

    fn draw(&self, n: usize, _: usize) -> Result<Vec<usize>> {
        draw_worker_seed(&self.rng);
        // `random_()` of an i64: below 2⁶³.
        let own = Rng::seed(self.rng.next_u64() & (i64::MAX as u64));
        let wanted = self.num_samples(n);
        if n == 0 && wanted > 0 {
            return Err(Error::argument("RandomSampler", "num_samples", wanted, "0 for an empty set"));
        }
        if self.replacement {
            return indices(&own.randint(0, n.max(1) as i64, [wanted])?);
        }
        let mut drawn = Vec::with_capacity(wanted);
        while drawn.len() < wanted {
            drawn.extend(indices(&own.randperm(n)?)?);
        }
        drawn.truncate(wanted);
        Ok(drawn)
    }

    fn rng(&self) -> Option<&Rng> {
        Some(&self.rng)
    }
}

/// Some of the set's samples in a random order: `SubsetRandomSampler`.
#[derive(Clone, Debug)]
pub struct SubsetRandomSampler {
    indices: Vec<usize>,
    rng: Rng,
}

impl SubsetRandomSampler {
    /// The samples at `indices`.
    pub fn new(indices: Vec<usize>, rng: &Rng) -> Self {
        Self { indices, rng: rng.clone() }
    }
}

impl Sampler for SubsetRandomSampler {
    fn num_samples(&self, _: usize) -> usize {
        self.indices.len()
    }

    fn draw(&self, _: usize, _: usize) -> Result<Vec<usize>> {
        draw_worker_seed(&self.rng);
        let order = indices(&self.rng.randperm(self.indices.len())?)?;
        Ok(order.into_iter().map(|place| self.indices[place]).collect())
    }

    fn rng(&self) -> Option<&Rng> {
        Some(&self.rng)
    }
}

/// Samples drawn with given probabilities: `WeightedRandomSampler`, against classes of unequal size.
#[derive(Clone, Debug)]
pub struct WeightedRandomSampler {
    weights: Vec<f64>,
    num_samples: usize,
    replacement: bool,
    rng: Rng,
}

impl WeightedRandomSampler {
    /// `num_samples` samples an epoch, drawn with replacement. `weights` holds a number for each sample of the set;
    /// they need not add up to one.
    ///
    /// # Errors
    /// If a weight is negative, infinite or NaN, or none is above 0.
    pub fn new(weights: Vec<f64>, num_samples: usize, rng: &Rng) -> Result<Self> {
        const OP: &str = "WeightedRandomSampler::new";
        if let Some(wrong) = weights.iter().find(|weight| !(weight.is_finite() && **weight >= 0.0)) {
            return Err(Error::argument(OP, "a weight", wrong, "a finite number of at least 0"));
        }
        if !weights.iter().any(|&weight| weight > 0.0) {
            return Err(Error::argument(OP, "weights", "no number above 0", "at least one"));
        }
        Ok(Self { weights, num_samples, replacement: true, rng: rng.clone() })
    }

    /// Whether a sample may come more than once. Default: yes.
    pub fn replacement(self, replacement: bool) -> Self {
        Self { replacement, ..self }
    }
}

impl Sampler for WeightedRandomSampler {
    fn num_samples(&self, _: usize) -> usize {
        self.num_samples
    }

    fn draw(&self, n: usize, _: usize) -> Result<Vec<usize>> {
        const OP: &str = "WeightedRandomSampler";
        if self.weights.len() != n {
            let expected = format!("one for each of {n} samples");
            return Err(Error::argument(OP, "the number of weights", self.weights.len(), expected));
        }
        draw_worker_seed(&self.rng);
        if self.replacement && self.num_samples != 1 {
            return self.with_replacement();
        }
        let possible = self.weights.iter().filter(|&&weight| weight > 0.0).count();
        if self.num_samples > possible {
            let expected = format!("at most {possible}, the number of weights above 0");
            return Err(Error::argument(OP, "num_samples", self.num_samples, expected));
        }
        self.without_replacement()
    }

    fn rng(&self) -> Option<&Rng> {
        Some(&self.rng)
    }
}

/// Both are `torch.multinomial`'s.
impl WeightedRandomSampler {
    /// The place in the cumulated weights where a uniform number falls.
    fn with_replacement(&self) -> Result<Vec<usize>> {
        let mut sum = 0.0;
        let cumulated = self.weights.iter().map(|weight| {
            sum += weight;
            sum
        });
        let mut cumulated: Vec<f64> = cumulated.collect();
        cumulated.iter_mut().for_each(|value| *value /= sum);
        let last = cumulated.len() - 1;
        cumulated[last] = 1.0;
        let uniform = self.rng.rand([self.num_samples], DType::F64)?;
        let uniform = uniform.as_slice::<f64>()?.iter();
        Ok(uniform.map(|x| cumulated.partition_point(|value| value < x)).collect())
    }

    /// The largest of weight / exponential, largest first.
    fn without_replacement(&self) -> Result<Vec<usize>> {
        let exponential = self.rng.exponential([self.weights.len()], 1.0, DType::F64)?;
        let race: Vec<f64> =
            self.weights.iter().zip(exponential.as_slice::<f64>()?).map(|(w, q)| w / q).collect();
        let mut order: Vec<usize> = (0..race.len()).collect();
        order.sort_by(|&a, &b| race[b].total_cmp(&race[a]));
        order.truncate(self.num_samples);
        Ok(order)
    }
}

/// One process's share of an order that several draw alike: `DistributedSampler`. The shares are of one size: samples
/// are repeated from the start of the order or, with `drop_last`, left out at its end. The order depends on the seed and
/// the epoch's number alone.
#[derive(Clone, Debug)]
pub struct DistributedSampler {
    replicas: usize,
    rank: usize,
    /// `None` for the set's own order.
    seed: Option<u64>,
    drop_last: bool,
}

impl DistributedSampler {
    /// The share of number `rank` of `replicas`, shuffled with seed 0.
    ///
    /// # Errors
    /// If `rank` is not below `replicas`.
    pub fn new(replicas: usize, rank: usize) -> Result<Self> {
        if rank >= replicas {
            let expected = format!("less than replicas, which is {replicas}");
            return Err(Error::argument("DistributedSampler::new", "rank", rank, expected));
        }
        Ok(Self { replicas, rank, seed: Some(0), drop_last: false })
    }

    /// The whole set, for one process.
    pub(super) fn single(seed: u64) -> Self {
        Self { replicas: 1, rank: 0, seed: Some(seed), drop_last: false }
    }

    /// The seed of the order; `None` for the set's own order.
    pub fn shuffle(self, seed: Option<u64>) -> Self {
        Self { seed, ..self }
    }

    /// Whether samples are left out, rather than repeated, to make the shares equal. Default: no.
    pub fn drop_last(self, drop_last: bool) -> Self {
        Self { drop_last, ..self }
    }
}

impl Sampler for DistributedSampler {
    fn num_samples(&self, n: usize) -> usize {
        if self.drop_last { n / self.replicas } else { n.div_ceil(self.replicas) }
    }

    fn draw(&self, n: usize, epoch: usize) -> Result<Vec<usize>> {
        let order = match self.seed {
            Some(seed) => indices(&Rng::seed(seed.wrapping_add(epoch as u64)).randperm(n)?)?,
            None => (0..n).collect(),
        };
        let places = (0..self.num_samples(n)).map(|place| self.rank + place * self.replicas);
        Ok(places.map(|place| order[place % n]).collect())
    }
}

/// PyTorch's loader draws the seed of its workers at the start of an epoch. No worker here needs one: what they do does
/// not depend on who does it.
fn draw_worker_seed(rng: &Rng) {
    rng.next_u64();
}

fn indices(drawn: &Tensor) -> Result<Vec<usize>> {
    Ok(drawn.as_slice::<i64>()?.iter().map(|&index| index as usize).collect())
}
