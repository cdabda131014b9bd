//! The bar of a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that is drawn when it is told to.
#[derive(Debug)]
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub fn new(title: &str, steps: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{prefix} [{wide_bar}] {pos}/{len} {msg}");
        // The template is a constant; were it wrong, indicatif's own style would do.
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(bar.with_style(style.progress_chars("=> ")).with_prefix(title.to_string()))
    }

    pub fn draw(&self, step: usize, message: &str) {
        self.0.set_message(message.to_string());
        self.0.set_position(step as u64);
    }

    /// Draws the last state, which stays.
    pub fn finish(&self, step: usize, message: &str) {
        self.0.set_position(step as u64);
        self.0.abandon_with_message(message.to_string());
    }
}
