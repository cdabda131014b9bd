//! Elements moved between the channels and the plane: a reshape, a permutation, and a reshape.

use crate::{Error, ErrorKind, Result, Shape, Tensor};

/// The three steps of a shuffle.
#[doc(hidden)]
#[derive(Debug)]
pub struct Shuffle {
    pub split: Shape,
    pub order: Vec<isize>,
    pub joined: Shape,
}

#[track_caller]
fn mismatch<T>(op: &'static str, x: &Shape, expected: String) -> Result<T> {
    Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "input", found: x.clone(), expected }))
}

/// `lead`, then the dimensions in `order` of the six or so after it.
fn order(lead: usize, order: &[usize]) -> Vec<isize> {
    (0..lead).chain(order.iter().map(|d| lead + d)).map(|d| d as isize).collect()
}

fn join(lead: &[usize], sizes: &[usize]) -> Shape {
    lead.iter().chain(sizes).copied().collect()
}

impl Shuffle {
    /// `[.., C r², H, W]` to `[.., C, H r, W r]`.
    #[track_caller]
    pub fn pixel_shuffle(x: &Shape, r: usize) -> Result<Self> {
        match (&**x, r.checked_mul(r)) {
            ([lead @ .., c, h, w], Some(area)) if r > 0 && c.is_multiple_of(area) => {
                let (c, h, w) = (c / area, *h, *w);
                Ok(Self {
                    split: join(lead, &[c, r, r, h, w]),
                    order: order(lead.len(), &[0, 3, 1, 4, 2]),
                    joined: join(lead, &[c, h * r, w * r]),
                })
            }
            _ => mismatch(
                "pixel_shuffle",
                x,
                format!("[.., C · {r}², H, W] with an upscale_factor of at least 1"),
            ),
        }
    }

    /// `[.., C, H r, W r]` to `[.., C r², H, W]`.
    #[track_caller]
    pub fn pixel_unshuffle(x: &Shape, r: usize) -> Result<Self> {
        match **x {
            [ref lead @ .., c, h, w] if r > 0 && h.is_multiple_of(r) && w.is_multiple_of(r) => Ok(Self {
                split: join(lead, &[c, h / r, r, w / r, r]),
                order: order(lead.len(), &[0, 2, 4, 1, 3]),
                joined: join(lead, &[c.saturating_mul(r).saturating_mul(r), h / r, w / r]),
            }),
            _ => mismatch(
                "pixel_unshuffle",
                x,
                format!("[.., C, H · {r}, W · {r}] with a downscale_factor of at least 1"),
            ),
        }
    }

    /// `[N, g c, ..]` to the same with channel i c + j at j g + i.
    #[track_caller]
    pub fn channel_shuffle(x: &Shape, groups: usize) -> Result<Self> {
        match **x {
            [batch, channels, ref rest @ ..] if groups > 0 && channels.is_multiple_of(groups) => {
                let kept: Vec<usize> = [1, 0].into_iter().chain(2..2 + rest.len()).collect();
                Ok(Self {
                    split: join(&[batch, groups, channels / groups], rest),
                    order: order(1, &kept),
                    joined: x.clone(),
                })
            }
            _ => mismatch("channel_shuffle", x, format!("[N, C, ..] with C divisible by {groups} groups")),
        }
    }
}

impl Tensor {
    #[track_caller]
    fn shuffle(&self, shuffle: Shuffle) -> Result<Tensor> {
        self.view_as(&shuffle.split)?.permute(shuffle.order)?.view_as(&shuffle.joined)
    }

    /// `[.., C r², H, W]` to `[.., C, H r, W r]`: r² channels become a block of r × r pixels,
    /// `torch.nn.functional.pixel_shuffle` with `upscale_factor` r.
    ///
    /// # Errors
    /// If r is 0 or the channels are not a multiple of r².
    #[track_caller]
    pub fn pixel_shuffle(&self, upscale_factor: usize) -> Result<Tensor> {
        self.shuffle(Shuffle::pixel_shuffle(self.shape(), upscale_factor)?)
    }

    /// `[.., C, H r, W r]` to `[.., C r², H, W]`: what undoes [`pixel_shuffle`](Tensor::pixel_shuffle),
    /// `torch.nn.functional.pixel_unshuffle` with `downscale_factor` r.
    ///
    /// # Errors
    /// If r is 0, or height or width is not a multiple of r.
    #[track_caller]
    pub fn pixel_unshuffle(&self, downscale_factor: usize) -> Result<Tensor> {
        self.shuffle(Shuffle::pixel_unshuffle(self.shape(), downscale_factor)?)
    }

    /// The channels of `[N, C, ..]` taken from each of `groups` groups in turn:
    /// `torch.nn.functional.channel_shuffle`.
    ///
    /// # Errors
    /// If `groups` does not divide the channels.
    #[track_caller]
    pub fn channel_shuffle(&self, groups: usize) -> Result<Tensor> {
        self.shuffle(Shuffle::channel_shuffle(self.shape(), groups)?)
    }
}
