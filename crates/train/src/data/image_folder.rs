//! Images in one folder a class.

use super::{Dataset, image};
use crate::{Error, Result};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tensor_core::Tensor;

/// Images that are read, and those beside them that `torchvision` reads too.
const READ: [&str; 3] = ["jpg", "jpeg", "png"];
const NOT_READ: [&str; 6] = ["bmp", "pgm", "ppm", "tif", "tiff", "webp"];
/// Folders within one another: more are links that lead in a circle.
const MAX_DEPTH: usize = 32;

/// What is made of an image.
type Transform = Box<dyn Fn(Tensor) -> Result<Tensor> + Send + Sync>;

/// Images that lie in one folder for each class: `torchvision.datasets.ImageFolder`. The classes are the names of the
/// folders, sorted; the images of a class are all `.jpg`, `.jpeg` and `.png` files in its folder and below it, folder by
/// folder, sorted. An image is read and decoded when its sample is asked for.
///
/// A sample is the image, `[3, height, width]` of u8 or what [`transform`](Self::transform) makes of it, and the number
/// of its class.
///
/// ```no_run
/// use train::data::{DataLoader, ImageFolder};
/// use train::{DType, Rng};
///
/// let cats_and_dogs = ImageFolder::new("pets/train")?
///     .transform(|image| Ok(image.to_dtype(DType::F32)?.div_scalar(255.0)?));
/// assert_eq!(cats_and_dogs.classes(), ["cat", "dog"]);
/// let loader = DataLoader::new(cats_and_dogs, 32)?.shuffle(&Rng::seed(0)).workers(2);
/// # Ok::<(), train::Error>(())
/// ```
pub struct ImageFolder {
    classes: Vec<String>,
    samples: Vec<(PathBuf, i64)>,
    transform: Option<Transform>,
}

impl ImageFolder {
    /// Lists the images; none is opened.
    ///
    /// # Errors
    /// If a folder cannot be read, there is no class, a class has no image, or a file is an image of a kind that
    /// `torchvision` would read and this crate does not.
    pub fn new(root: impl AsRef<Path>) -> Result<Self> {
        let root = root.as_ref();
        let (mut folders, _) = list(root)?;
        folders.sort();
        if folders.is_empty() {
            return Err(failed(root, "no folder in it, expected one for each class"));
        }
        let (mut classes, mut samples) = (Vec::new(), Vec::new());
        for folder in folders {
            let Some(class) = folder.file_name().and_then(|name| name.to_str()) else {
                return Err(failed(&folder, "a class whose name is not UTF-8"));
            };
            let before = samples.len();
            let number = classes.len() as i64;
            samples.extend(images_below(&folder)?.into_iter().map(|path| (path, number)));
            if samples.len() == before {
                return Err(failed(&folder, "no image in it, expected .jpg, .jpeg or .png files"));
            }
            classes.push(class.to_string());
        }
        Ok(Self { classes, samples, transform: None })
    }

    /// What is to be made of an image: cut and scaled to one size, as numbers, normalised, augmented.
    pub fn transform(mut self, transform: impl Fn(Tensor) -> Result<Tensor> + Send + Sync + 'static) -> Self {
        self.transform = Some(Box::new(transform));
        self
    }

    /// The names of the classes; a sample's number counts in them.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The files and their classes' numbers.
    pub fn samples(&self) -> &[(PathBuf, i64)] {
        &self.samples
    }
}

impl Dataset for ImageFolder {
    type Sample = (Tensor, i64);

    fn len(&self) -> usize {
        self.samples.len()
    }

    fn get(&self, index: usize) -> Result<(Tensor, i64)> {
        let Some((path, class)) = self.samples.get(index) else {
            let expected = format!("less than {}", self.len());
            return Err(Error::argument("ImageFolder::get", "the index", index, expected));
        };
        let image = image::read(path)?;
        let image = match &self.transform {
            Some(transform) => transform(image)?,
            None => image,
        };
        Ok((image, *class))
    }
}

impl std::fmt::Debug for ImageFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ImageFolder({} images of {} classes)", self.samples.len(), self.classes.len())
    }
}

/// The images in a folder and below it, folder by folder in the order of their paths.
fn images_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut ahead = vec![(folder.to_path_buf(), 0)];
    while let Some((folder, depth)) = ahead.pop() {
        if depth > MAX_DEPTH {
            return Err(failed(&folder, "folders nested without end; does a link lead back?"));
        }
        let (folders, files) = list(&folder)?;
        ahead.extend(folders.into_iter().map(|folder| (folder, depth + 1)));
        let mut images = Vec::new();
        for file in files {
            let extension = file.extension().and_then(|extension| extension.to_str());
            let extension = extension.unwrap_or_default().to_ascii_lowercase();
            if NOT_READ.contains(&extension.as_str()) {
                return Err(failed(&file, "only PNG and JPEG images are read; convert it or move it away"));
            }
            if READ.contains(&extension.as_str()) {
                images.push(file);
            }
        }
        images.sort();
        found.push((folder, images));
    }
    // As Python sorts the folders that it walks through: as text.
    found.sort_by(|(a, _), (b, _)| a.as_os_str().cmp(b.as_os_str()));
    Ok(found.into_iter().flat_map(|(_, images)| images).collect())
}

/// The folders and the files in a folder; a link counts as what it leads to.
fn list(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let error = |source| Error::File { path: folder.display().to_string(), source };
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(error)? {
        let path = entry.map_err(error)?.path();
        if path.is_dir() { &mut folders } else { &mut files }.push(path);
    }
    Ok((folders, files))
}

fn failed(path: &Path, reason: &str) -> Error {
    let source = io::Error::new(io::ErrorKind::InvalidData, reason);
    Error::File { path: path.display().to_string(), source }
}
