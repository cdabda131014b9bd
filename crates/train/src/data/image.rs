//! PNG and JPEG images. Needs the feature `images`.

use crate::{Error, Result};
use ::png::{ColorType, Decoder, Limits, Transformations};
use std::io::Cursor;
use std::path::Path;
use tensor_core::Tensor;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Pixels that an image may have whatever its file's size.
const FREE_PIXELS: u64 = 1 << 22;
/// Pixels that an image may have for each byte of its file: what deflate can make of one byte.
const MAX_RATIO: u64 = 1032;
/// The first bytes of the two formats.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";

/// Reads an image as `[3, height, width]` of u8, red, green and blue: `torchvision.io.decode_image(path, mode="RGB")`.
/// Grey values stand in all three, transparency is left out, and of 16 bits the upper 8 are kept.
///
/// # Errors
/// [`Error::File`] if the file cannot be read; [`Error::Format`] if it is no PNG or JPEG image, is damaged or cut off, or
/// has more than 2²² pixels and more than 1,032 for each of its bytes.
pub fn read(path: impl AsRef<Path>) -> Result<Tensor> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| Error::File { path: name.clone(), source })?;
    from_bytes(&name, &bytes)
}

/// Reads the bytes of a file, which errors call `name`: see [`read`].
///
/// # Errors
/// As [`read`].
pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Tensor> {
    let format = |reason: String| Error::Format { path: name.to_string(), offset: 0, reason };
    let Pixels { height, width, channels, values } = match bytes {
        _ if bytes.starts_with(PNG) => decode_png(bytes),
        _ if bytes.starts_with(JPEG) => decode_jpeg(bytes),
        _ => Err("the file begins as neither PNG nor JPEG images do".to_string()),
    }
    .map_err(format)?;
    // The values of a pixel lie side by side; grey is repeated, and transparency comes last.
    let color =
        |rgb: usize| values.iter().skip(if channels < 3 { 0 } else { rgb }).step_by(channels).copied();
    let planes: Vec<u8> = (0..3).flat_map(color).collect();
    Ok(Tensor::from_vec(planes, [3, height, width])?)
}

/// Rows of pixels of 1 (grey), 2 (grey, transparency), 3 or 4 values.
struct Pixels {
    height: usize,
    width: usize,
    channels: usize,
    values: Vec<u8>,
}

/// An error if a file of `length` bytes cannot hold so many pixels.
fn expect_pixels(width: usize, height: usize, length: usize) -> Result<(), String> {
    let pixels = (width as u64).saturating_mul(height as u64);
    let most = (length as u64).saturating_mul(MAX_RATIO).max(FREE_PIXELS);
    if pixels <= most {
        return Ok(());
    }
    Err(format!("{width} x {height} pixels, but a file of {length} bytes may have {most} at most"))
}

fn decode_png(bytes: &[u8]) -> Result<Pixels, String> {
    let text = |error: ::png::DecodingError| error.to_string();
    // What is taken beside the pixels: rows, palettes, chunks of text.
    let limits = Limits { bytes: bytes.len().saturating_mul(2).saturating_add(1 << 20) };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let info = decoder.read_header_info().map_err(text)?;
    expect_pixels(info.width as usize, info.height as usize, bytes.len())?;
    let mut reader = decoder.read_info().map_err(text)?;
    let size = reader.output_buffer_size().ok_or("more pixels than memory can address")?;
    let mut values = vec![0; size];
    let frame = reader.next_frame(&mut values).map_err(text)?;
    reader.finish().map_err(text)?;
    let channels = match frame.color_type {
        ColorType::Grayscale => 1,
        ColorType::GrayscaleAlpha => 2,
        ColorType::Rgba => 4,
        ColorType::Rgb | ColorType::Indexed => 3,
    };
    Ok(Pixels { height: frame.height as usize, width: frame.width as usize, channels, values })
}

fn decode_jpeg(bytes: &[u8]) -> Result<Pixels, String> {
    let options = DecoderOptions::default().set_strict_mode(true).jpeg_set_out_colorspace(ColorSpace::RGB);
    // Those of 16 bits each: the true bound is on the pixels.
    let options = options.set_max_width(u16::MAX.into()).set_max_height(u16::MAX.into());
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| error.to_string())?;
    let (width, height) = decoder.dimensions().ok_or("no size")?;
    if width == 0 || height == 0 {
        return Err(format!("{width} x {height} pixels"));
    }
    expect_pixels(width, height, bytes.len())?;
    let values = decoder.decode().map_err(|error| error.to_string())?;
    if values.len() != 3 * width * height {
        return Err(format!("{} values for {width} x {height} pixels of three", values.len()));
    }
    if !has_end(bytes) {
        return Err("the file ends before the image does".to_string());
    }
    Ok(Pixels { height, width, channels: 3, values })
}

/// Whether the mark of a JPEG image's end comes behind its first scan. The decoder does without where little is missing.
fn has_end(bytes: &[u8]) -> bool {
    const SCAN: u8 = 0xda;
    const END: [u8; 2] = [0xff, 0xd9];
    // Segments, each with its length, up to the scan: a thumbnail with an end of its own lies in one of them.
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let &[0xff, mark, high, low, ..] = rest {
        if mark == SCAN {
            return rest.windows(2).any(|pair| pair == END);
        }
        let segment = if mark == 0xff { 1 } else { 2 + usize::from(u16::from_be_bytes([high, low])) };
        rest = rest.get(segment..).unwrap_or_default();
    }
    false
}
