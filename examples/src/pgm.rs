//! Images as files.

use std::path::Path;
use train::prelude::*;

/// How many pixels of the file a pixel of an image takes, in both directions.
const ZOOM: usize = 4;

/// Writes images `[rows, columns, H, W]` of 0 … 1 side by side as a grey PGM file, which most viewers show.
///
/// # Errors
/// If the shape is another or the file cannot be written.
pub fn write(path: &Path, images: &Tensor) -> Result<()> {
    // [rows, H, columns, W]: the order of the file's pixels.
    let images = images.transpose(1, 2)?;
    let (height, width) = (images.size(0)? * images.size(1)?, images.size(2)? * images.size(3)?);
    let grey: Vec<u8> = images.to_vec::<f32>()?.iter().map(|grey| (255.0 * grey).round() as u8).collect();
    let mut file = format!("P5 {} {} 255\n", ZOOM * width, ZOOM * height).into_bytes();
    for y in 0..ZOOM * height {
        file.extend((0..ZOOM * width).map(|x| grey[y / ZOOM * width + x / ZOOM]));
    }
    std::fs::write(path, file).map_err(|source| Error::File { path: path.display().to_string(), source })
}
