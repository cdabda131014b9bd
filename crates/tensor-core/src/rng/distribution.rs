//! Distributions, drawn word by word in the order in which PyTorch draws them. Each method says how many words it
//! takes, since that decides what every later call draws.

use super::box_muller::{normals_f32, normals_f64};
use super::mt19937::Mt19937;
use super::{Generator, Rng};
use crate::dtype::{dispatch_all, dispatch_float};
use crate::half::made;
use crate::{DType, Element, Error, ErrorKind, Result, Shape, Tensor};
use std::f64::consts::PI;

/// Normals of this many elements and more are drawn in blocks of as many.
pub(super) const BLOCK: usize = 16;
/// From this range on an integer takes two words.
const WIDE_RANGE: u64 = 1 << 28;
/// From this length on a permutation takes two words an element: ⌊(2³² − 1) / 20⌋.
const LONG_PERMUTATION: usize = (u32::MAX / 20) as usize;

impl Rng {
    /// Uniform on [0, 1), as `torch.rand`. One word an element in f32 (24 bits), two in f64 (53 bits). Half precision,
    /// here and in the other distributions, is drawn as f32 and rounded.
    ///
    /// # Errors
    /// If `dtype` is no float.
    #[track_caller]
    pub fn rand(&self, shape: impl AsRef<[usize]>, dtype: DType) -> Result<Tensor> {
        self.fill_uniform("rand", shape.as_ref(), 0.0, 1.0, dtype)
    }

    /// Uniform on [from, to), as `torch.Tensor.uniform_`: `u · (to − from) + from` rounded once, with `u` from
    /// [`rand`](Rng::rand).
    ///
    /// # Errors
    /// If `dtype` is no float, a bound or the difference is not finite in it, or `from > to`.
    ///
    /// ```
    /// use tensor_core::{DType, Rng};
    /// let weight = Rng::seed(0).uniform([128, 64], -0.125, 0.125, DType::F32)?;
    /// assert_eq!(weight.to_vec::<f32>()?[0], -0.000_935_852_5); // nn.Linear(64, 128) from the same seed
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn uniform(&self, shape: impl AsRef<[usize]>, from: f64, to: f64, dtype: DType) -> Result<Tensor> {
        self.fill_uniform("uniform", shape.as_ref(), from, to, dtype)
    }

    #[track_caller]
    fn fill_uniform(
        &self,
        op: &'static str,
        shape: &[usize],
        from: f64,
        to: f64,
        dtype: DType,
    ) -> Result<Tensor> {
        let finite = |x: f64| dispatch_all!(dtype, T => Element::to_f64(T::from_f64(x)).is_finite());
        if !(from <= to && finite(from) && finite(to) && finite(to - from)) {
            return Err(argument(op, "from, to", format!("{from}, {to}"), "finite bounds with from <= to"));
        }
        let drawn = made(dtype, |dtype| {
            dispatch_float!(op, dtype, T => {
                let (low, high) = (T::from_f64(from), T::from_f64(to));
                let generator = &mut *self.lock();
                Tensor::build::<T>(op, Shape::new(shape), |out| {
                    for y in out {
                        let value = T::unit(&mut generator.words).mul_add(high - low, low);
                        *y = if value == high { low } else { value };
                    }
                })
            })
        })?;
        if !dtype.is_half() {
            return Ok(drawn);
        }
        // Rounding can reach the end that is excluded.
        drawn.masked_fill(&drawn.eq_scalar(to)?, from)
    }

    /// Standard normal, as `torch.randn`: [`normal`](Rng::normal) with mean 0 and deviation 1.
    ///
    /// # Errors
    /// If `dtype` is no float.
    #[track_caller]
    pub fn randn(&self, shape: impl AsRef<[usize]>, dtype: DType) -> Result<Tensor> {
        self.fill_normal("randn", shape.as_ref(), 0.0, 1.0, dtype)
    }

    /// Normal with the given mean and standard deviation, as `torch.Tensor.normal_`, by the Box–Muller transform.
    ///
    /// Below 16 elements: in f64, four words a pair; the second of a pair waits for the next such call. From 16 on:
    /// in `dtype`, a uniform an element, in blocks of 16; where the length is no multiple of 16, the last 16 elements
    /// are drawn anew, in half precision instead of those that fill no block.
    ///
    /// # Errors
    /// If `dtype` is no float, `mean` is not finite, or `std` is negative or not finite.
    #[track_caller]
    pub fn normal(&self, shape: impl AsRef<[usize]>, mean: f64, std: f64, dtype: DType) -> Result<Tensor> {
        self.fill_normal("normal", shape.as_ref(), mean, std, dtype)
    }

    #[track_caller]
    fn fill_normal(
        &self,
        op: &'static str,
        shape: &[usize],
        mean: f64,
        std: f64,
        dtype: DType,
    ) -> Result<Tensor> {
        if !mean.is_finite() {
            return Err(argument(op, "mean", mean.to_string(), "a finite number"));
        }
        if !(std.is_finite() && std >= 0.0) {
            return Err(argument(op, "std", std.to_string(), "a finite number from 0 on"));
        }
        let (half, generator) = (dtype.is_half(), &mut *self.lock());
        made(dtype, |dtype| {
            dispatch_float!(op, dtype, T => Tensor::build::<T>(op, Shape::new(shape), |out| {
                if out.len() < BLOCK {
                    out.iter_mut().for_each(|y| *y = T::from_f64(generator.single_normal().mul_add(std, mean)));
                } else {
                    // In half precision PyTorch draws none for the elements that the last block will hold.
                    let first = if half { out.len() / BLOCK * BLOCK } else { out.len() };
                    normal_blocks(&mut generator.words, out, first, T::from_f64(mean), T::from_f64(std));
                }
            }))
        })
    }

    /// Integers of [low, high) as i64, as `torch.randint`: one word an element, two where the range is 2²⁸ or more.
    ///
    /// # Errors
    /// If `low >= high`.
    #[track_caller]
    pub fn randint(&self, low: i64, high: i64, shape: impl AsRef<[usize]>) -> Result<Tensor> {
        const OP: &str = "randint";
        if low >= high {
            return Err(argument(OP, "low, high", format!("{low}, {high}"), "low < high"));
        }
        let range = high.wrapping_sub(low) as u64;
        let generator = &mut *self.lock();
        Tensor::build::<i64>(OP, Shape::new(shape.as_ref()), |out| {
            for y in out {
                let draw = if range < WIDE_RANGE {
                    u64::from(generator.words.next_u32())
                } else {
                    generator.words.next_u64()
                };
                *y = low.wrapping_add((draw % range) as i64);
            }
        })
    }

    /// A random order of `0..n` as i64, as `torch.randperm`: `n − 1` words (two for each element from 214,748,364
    /// elements on).
    ///
    /// # Errors
    /// If there is no memory for `n` elements.
    #[track_caller]
    pub fn randperm(&self, n: usize) -> Result<Tensor> {
        let generator = &mut *self.lock();
        Tensor::build::<i64>("randperm", Shape::from([n]), |order| {
            if n < LONG_PERMUTATION {
                order.iter_mut().enumerate().for_each(|(i, y)| *y = i as i64);
                for i in 0..n.saturating_sub(1) {
                    order.swap(i, i + generator.words.next_u32() as usize % (n - i));
                }
            } else {
                // Inside out: element i goes to a place among the first i + 1, whose holder moves to i.
                for i in 0..n {
                    let place = (generator.words.next_u64() % (i as u64 + 1)) as usize;
                    order[i] = order[place];
                    order[place] = i as i64;
                }
            }
        })
    }

    /// 1 with probability `p`, else 0, as `torch.Tensor.bernoulli_(p)`: two words an element in every dtype.
    ///
    /// # Errors
    /// If `p` is not in 0..=1.
    #[track_caller]
    pub fn bernoulli(&self, p: f64, shape: impl AsRef<[usize]>, dtype: DType) -> Result<Tensor> {
        const OP: &str = "bernoulli";
        if !(0.0..=1.0).contains(&p) {
            return Err(argument(OP, "p", p.to_string(), "a probability, 0 to 1"));
        }
        let generator = &mut *self.lock();
        dispatch_all!(dtype, T => Tensor::build::<T>(OP, Shape::new(shape.as_ref()), |out| {
            out.iter_mut().for_each(|y| *y = T::from_i64(i64::from(f64::unit(&mut generator.words) < p)));
        }))
    }

    /// Exponential with rate `lambda`, as `torch.Tensor.exponential_`: `−ln(1 − u) / lambda` in f64, two words an
    /// element.
    ///
    /// # Errors
    /// If `dtype` is no float, or `lambda` is not a finite number above 0.
    #[track_caller]
    pub fn exponential(&self, shape: impl AsRef<[usize]>, lambda: f64, dtype: DType) -> Result<Tensor> {
        const OP: &str = "exponential";
        if !(lambda.is_finite() && lambda > 0.0) {
            return Err(argument(OP, "lambda", lambda.to_string(), "a finite number above 0"));
        }
        let generator = &mut *self.lock();
        made(dtype, |dtype| {
            dispatch_float!(OP, dtype, T => Tensor::build::<T>(OP, Shape::new(shape.as_ref()), |out| {
                for y in out {
                    *y = T::from_f64(-1.0 / lambda * (-f64::unit(&mut generator.words)).ln_1p());
                }
            }))
        })
    }
}

impl Generator {
    /// One standard normal; every second one comes from the cache.
    fn single_normal(&mut self) -> f64 {
        if let Some(normal) = self.cached_normal.take() {
            return normal;
        }
        let (u1, u2) = (f64::unit(&mut self.words), f64::unit(&mut self.words));
        let radius = (-2.0 * (-u2).ln_1p()).sqrt();
        let theta = 2.0 * PI * u1;
        self.cached_normal = Some(radius * theta.sin());
        radius * theta.cos()
    }
}

/// Fills `out`, of at least 16 elements, with normals; `first` uniforms are drawn before those of the last block.
fn normal_blocks<T: Uniform>(words: &mut Mt19937, out: &mut [T], first: usize, mean: T, std: T) {
    out[..first].iter_mut().for_each(|y| *y = T::unit(words));
    T::normals(out, mean, std);
    if !out.len().is_multiple_of(BLOCK) {
        let start = out.len() - BLOCK;
        let last = &mut out[start..];
        last.iter_mut().for_each(|y| *y = T::unit(words));
        T::normals(last, mean, std);
    }
}

#[cold]
#[track_caller]
pub(super) fn argument(
    op: &'static str,
    argument: &'static str,
    value: String,
    expected: &'static str,
) -> Error {
    Error::new(op, ErrorKind::Argument { argument, value, expected })
}

/// What a float type needs to be drawn.
pub(super) trait Uniform: Element {
    /// Uniform on [0, 1) with all the bits that the type's fraction holds.
    fn unit(words: &mut Mt19937) -> Self;
    /// Each full block of uniforms to as many normals.
    fn normals(blocks: &mut [Self], mean: Self, std: Self);
}

macro_rules! uniform {
    ($t:ident, $normals:path, $draw:expr) => {
        impl Uniform for $t {
            #[inline]
            fn unit(words: &mut Mt19937) -> $t {
                $draw(words)
            }
            fn normals(blocks: &mut [$t], mean: $t, std: $t) {
                $normals(blocks, mean, std);
            }
        }
    };
}
// The low bits of the draw, as many as the fraction holds; the products are exact.
uniform!(f32, normals_f32, |words: &mut Mt19937| (words.next_u32() & 0xff_ffff) as f32
    * (1.0 / (1u32 << 24) as f32));
uniform!(f64, normals_f64, |words: &mut Mt19937| (words.next_u64() & ((1 << 53) - 1)) as f64
    * (1.0 / (1u64 << 53) as f64));
