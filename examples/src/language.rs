//! What the language models have in common: their options, their data and how they write.

use crate::text::Text;
use crate::{args, data};
use std::path::PathBuf;
use train::prelude::*;

/// The tail of the text that is not trained on.
const HELD_OUT: f64 = 0.1;
/// What the models go on from.
const OPENING: &str = "\nAnne ";

/// The options of a language model.
pub struct Settings {
    /// Seed of everything random.
    pub seed: u64,
    /// Training steps.
    pub steps: usize,
    /// The text, if not the one that ships.
    pub text: Option<PathBuf>,
    /// Characters to write.
    pub sample: usize,
    /// Below 1 safer, above 1 wilder.
    pub temperature: f64,
}

impl Settings {
    /// Reads the command line.
    ///
    /// # Errors
    /// For an unknown option, or a value that cannot be read.
    pub fn parse(help: &str, steps: usize) -> Result<Self, Box<dyn std::error::Error>> {
        let mut settings = Self { seed: 0, steps, text: None, sample: 400, temperature: 0.8 };
        settings.seed = args::parse(help, |option, value| {
            match option {
                "steps" => settings.steps = value.get()?,
                "text" => settings.text = Some(value.get()?),
                "sample" => settings.sample = value.get()?,
                "temperature" => settings.temperature = value.get()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(settings)
    }

    /// The text that `--text` names, or Jane Austen's Persuasion.
    ///
    /// # Errors
    /// If the file cannot be read or is no UTF-8.
    pub fn read(&self) -> Result<Text> {
        Text::read(self.text.as_ref().unwrap_or(&data::folder().join("text/persuasion.txt")))
    }
}

/// What is trained on and what is held out, which must be more than `least` characters.
///
/// # Errors
/// If the text is too short.
pub fn split(text: &Text, least: usize) -> Result<(&[i64], &[i64])> {
    let length = text.tokens().len();
    let held_out = (length as f64 * HELD_OUT) as usize;
    if held_out <= least {
        let (op, argument, value) = ("split", "the text", format!("{length} characters long"));
        let expected = format!("more than {least} characters in its last tenth");
        return Err(Error::Argument { op, argument, value, expected });
    }
    Ok(text.tokens().split_at(length - held_out))
}

/// What the models go on from, in the text's numbers.
pub fn opening(text: &Text) -> Vec<i64> {
    let known: Vec<i64> = OPENING.chars().filter_map(|character| text.token(character)).collect();
    if known.is_empty() { vec![0] } else { known }
}

/// A number drawn with the probabilities softmax(logits / temperature) of the last character's `logits` `[1, T, N]`.
///
/// # Errors
/// If there is no character.
pub fn draw(logits: &Tensor, temperature: f64, rng: &Rng) -> Result<i64> {
    let last = logits.select(0, 0)?.select(0, -1)?;
    let probabilities = last.div_scalar(temperature.max(1e-3))?.softmax(0)?;
    Ok(rng.multinomial(&probabilities, 1, true)?.item()?)
}
