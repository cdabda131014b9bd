//! Images, whole and broken, and folders of them.
#![cfg(feature = "images")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use train::data::{DataLoader, Dataset, ImageFolder, image};
use train::{DType, Error, Tensor};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/images")
}

/// A folder that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("train-images-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// Copies a fixture there.
    fn put(&self, fixture: &str, path: &str) -> PathBuf {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(fixtures().join(fixture), &path).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_kind_of_image_is_read_as_pil_reads_it() {
    let record: Value =
        serde_json::from_str(&std::fs::read_to_string(fixtures().join("values.json")).unwrap()).unwrap();
    let shape: Vec<usize> = serde_json::from_value(record["shape"].clone()).unwrap();
    let images = record["values"].as_object().unwrap();
    assert_eq!(images.len(), 10);
    for (name, expected) in images {
        let read = image::read(fixtures().join(name)).unwrap();
        assert_eq!((read.dtype(), read.shape().to_vec()), (DType::U8, shape.clone()), "{name}");
        let expected: Vec<u8> = serde_json::from_value(expected.clone()).unwrap();
        let differ = |(a, b): (u8, &u8)| a.abs_diff(*b);
        let most = read.to_vec::<u8>().unwrap().into_iter().zip(&expected).map(differ).max().unwrap();
        let allowed = if name == "chroma_420.jpg" { 8 } else { 3 };
        assert!(most <= if name.ends_with(".png") { 0 } else { allowed }, "{name}: {most}");
    }
}

#[test]
fn a_folder_is_listed_as_torchvision_lists_it() {
    let scratch = Scratch::new("order");
    for path in ["b/2.png", "b/10.PNG", "b/a-x/1.png", "b/a/1.jpg", "B/only.jpeg", "a/z/deep/x.png"] {
        scratch
            .put(if path.ends_with('g') && path.contains(".j") { "baseline.jpg" } else { "rgb.png" }, path);
    }
    std::fs::write(scratch.0.join("b/notes.txt"), "no image").unwrap();
    std::fs::write(scratch.0.join("loose.png"), "of no class").unwrap();
    let set = ImageFolder::new(&scratch.0).unwrap();
    assert_eq!(set.classes(), ["B", "a", "b"]);
    let listed: Vec<(&str, i64)> = (set.samples().iter())
        .map(|(path, class)| (path.strip_prefix(&scratch.0).unwrap().to_str().unwrap(), *class))
        .collect();
    let expected = [
        ("B/only.jpeg", 0),
        ("a/z/deep/x.png", 1),
        ("b/10.PNG", 2),
        ("b/2.png", 2),
        ("b/a/1.jpg", 2),
        ("b/a-x/1.png", 2),
    ];
    assert_eq!(listed, expected);
}

#[test]
fn batches_are_transformed_and_the_same_for_any_number_of_workers() {
    let scratch = Scratch::new("batches");
    for (fixture, path) in [("rgb.png", "a/1.png"), ("grey.png", "a/2.png"), ("baseline.jpg", "b/1.jpg")] {
        scratch.put(fixture, path);
    }
    let run = |workers| -> Vec<(Vec<f32>, Vec<i64>)> {
        let set = ImageFolder::new(&scratch.0).unwrap();
        let set = set.transform(|image| Ok(image.to_dtype(DType::F32)?.div_scalar(255.0)?));
        let loader = DataLoader::new(set, 2).unwrap().workers(workers);
        let vectors = |(x, y): (Tensor, Tensor)| (x.to_vec().unwrap(), y.to_vec().unwrap());
        loader.epoch(0).map(|batch| vectors(batch.unwrap())).collect()
    };
    let expected = run(0);
    assert_eq!(expected.iter().map(|(_, y)| y.clone()).collect::<Vec<_>>(), [vec![0, 0], vec![1]]);
    assert!(expected[0].0.iter().all(|x| (0.0..=1.0).contains(x)) && expected[0].0.len() == 2 * 3 * 11 * 18);
    assert_eq!((run(1), run(4)), (expected.clone(), expected));
}

#[test]
fn a_broken_image_names_its_path_and_its_index() {
    let scratch = Scratch::new("broken");
    scratch.put("rgb.png", "a/1.png");
    let broken = scratch.put("rgb.png", "a/2.png");
    let whole = std::fs::read(&broken).unwrap();
    std::fs::write(&broken, &whole[..whole.len() / 2]).unwrap();
    for workers in [0, 2] {
        let loader = DataLoader::new(ImageFolder::new(&scratch.0).unwrap(), 2).unwrap().workers(workers);
        let error = loader.epoch(0).next().unwrap().unwrap_err().to_string();
        assert!(
            error.starts_with("epoch 0, batch 0: sample 1: ") && error.contains("2.png: at byte"),
            "{error}"
        );
    }
    assert!(ImageFolder::new(&scratch.0).unwrap().get(2).is_err());
}

#[test]
fn folders_that_are_no_set_of_classes_are_refused() {
    let scratch = Scratch::new("refused");
    let message = || ImageFolder::new(&scratch.0).unwrap_err().to_string();
    assert!(message().contains("no folder in it"));
    std::fs::create_dir(scratch.0.join("empty")).unwrap();
    assert!(message().contains("empty: no image in it"), "{}", message());
    scratch.put("rgb.png", "empty/1.tiff");
    assert!(message().contains("1.tiff: only PNG and JPEG images are read"), "{}", message());
    assert!(matches!(ImageFolder::new(scratch.0.join("none")), Err(Error::File { .. })));
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_back_is_an_error() {
    let scratch = Scratch::new("circle");
    scratch.put("rgb.png", "a/1.png");
    std::os::unix::fs::symlink(scratch.0.join("a"), scratch.0.join("a/again")).unwrap();
    assert!(ImageFolder::new(&scratch.0).unwrap_err().to_string().contains("does a link lead back?"));
}

#[test]
fn every_cut_is_an_error_and_no_flipped_bit_panics() {
    for name in ["grey_alpha.png", "palette.png", "chroma_420.jpg", "progressive.jpg"] {
        let whole = std::fs::read(fixtures().join(name)).unwrap();
        for end in 0..whole.len() {
            assert!(image::from_bytes(name, &whole[..end]).is_err(), "{name} cut at {end}");
        }
        for bit in 0..8 * whole.len() {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Err(error) = image::from_bytes(name, &bytes) {
                assert!(error.to_string().starts_with(name), "{error}");
            }
        }
    }
}

#[test]
fn a_bomb_is_refused_before_it_is_unpacked() {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 1 << 14, 1 << 14);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![0; 1 << 28]).unwrap();
    writer.finish().unwrap();
    // Its header alone promises as much.
    file.truncate(1000);
    let error = image::from_bytes("bomb.png", &file).unwrap_err().to_string();
    assert!(
        error.contains("16384 x 16384 pixels, but a file of 1000 bytes may have 4194304 at most"),
        "{error}"
    );
    assert!(image::from_bytes("text", b"GIF89a").unwrap_err().to_string().contains("neither PNG nor JPEG"));
}
