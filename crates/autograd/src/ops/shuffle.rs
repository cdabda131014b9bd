//! Elements moved between the channels and the plane, by views and a permutation.

use crate::testing::{Row, Sample};
use crate::{Result, Shape, Var};
use tensor_core::Shuffle;

impl Var {
    #[track_caller]
    fn shuffle(&self, shuffle: Shuffle) -> Result<Var> {
        self.view_as(&shuffle.split)?.permute(shuffle.order)?.view_as(&shuffle.joined)
    }

    /// `[.., C r², H, W]` to `[.., C, H r, W r]`: r² channels become a block of r × r pixels,
    /// `torch.nn.functional.pixel_shuffle` with `upscale_factor` r.
    ///
    /// # Errors
    /// If r is 0 or the channels are not a multiple of r².
    #[track_caller]
    pub fn pixel_shuffle(&self, upscale_factor: usize) -> Result<Var> {
        self.shuffle(Shuffle::pixel_shuffle(self.shape(), upscale_factor)?)
    }

    /// `[.., C, H r, W r]` to `[.., C r², H, W]`: what undoes [`pixel_shuffle`](Var::pixel_shuffle),
    /// `torch.nn.functional.pixel_unshuffle` with `downscale_factor` r.
    ///
    /// # Errors
    /// If r is 0, or height or width is not a multiple of r.
    #[track_caller]
    pub fn pixel_unshuffle(&self, downscale_factor: usize) -> Result<Var> {
        self.shuffle(Shuffle::pixel_unshuffle(self.shape(), downscale_factor)?)
    }

    /// The channels of `[N, C, ..]` taken from each of `groups` groups in turn:
    /// `torch.nn.functional.channel_shuffle`.
    ///
    /// # Errors
    /// If `groups` does not divide the channels.
    #[track_caller]
    pub fn channel_shuffle(&self, groups: usize) -> Result<Var> {
        self.shuffle(Shuffle::channel_shuffle(self.shape(), groups)?)
    }
}

pub(crate) const ROW: Row = Row {
    name: "shuffle",
    sample: |s| {
        let (r, n, c, h, w) = (1 + s.below(2), s.below(3), 1 + s.below(2), s.size(), s.size());
        let (shape, kind) = match s.below(3) {
            0 => (Shape::from([n, c * r * r, h, w]), 0),
            1 => (Shape::from([n, c, h * r, w * r]), 1),
            _ => (Shape::from([n, c * r, h, w]), 2),
        };
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let values = x.to_vec::<f64>()?;
        let expected = match kind {
            // Pixel (y, x) of channel k comes from channel k r² + (y mod r) r + x mod r.
            0 => (0..values.len())
                .map(|i| {
                    let (plane, y, x) = (i / (h * r * w * r), i / (w * r) % (h * r), i % (w * r));
                    values[((plane * r * r + y % r * r + x % r) * h + y / r) * w + x / r]
                })
                .collect(),
            1 => (0..values.len())
                .map(|i| {
                    let (plane, y, x) = (i / (h * w), i / w % h, i % w);
                    let (k, j) = (plane / (r * r), plane % (r * r));
                    values[(k * h * r + y * r + j / r) * w * r + x * r + j % r]
                })
                .collect(),
            _ => (0..values.len())
                .map(|i| {
                    let (image, k) = (i / (c * r * h * w), i / (h * w) % (c * r));
                    values[(image * c * r + k % r * c + k / r) * h * w + i % (h * w)]
                })
                .collect(),
        };
        Ok(Sample::new(vec![x], move |x| match kind {
            0 => x[0].pixel_shuffle(r),
            1 => x[0].pixel_unshuffle(r),
            _ => x[0].channel_shuffle(r),
        })
        .expect(expected))
    },
    order: 2,
};
