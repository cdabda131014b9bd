//! The attribute `#[module(..)]` on types and fields.

use syn::{Attribute, Path, Result, parse_quote};

/// What is said of a type.
pub struct OfType {
    /// Where the crate `nn` is found.
    pub krate: Path,
    /// The function that prints the settings.
    pub extra_repr: Option<Path>,
    /// The function that counts multiplications.
    pub multiply_adds: Option<Path>,
}

impl OfType {
    pub fn parse(attributes: &[Attribute]) -> Result<Self> {
        let mut parsed = Self { krate: parse_quote!(nn), extra_repr: None, multiply_adds: None };
        for attribute in attributes.iter().filter(|a| a.path().is_ident("module")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("crate") {
                    parsed.krate = meta.value()?.parse()?;
                } else if meta.path.is_ident("extra_repr") {
                    parsed.extra_repr = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("multiply_adds") {
                    parsed.multiply_adds = Some(meta.value()?.parse()?);
                } else {
                    return Err(meta.error(
                        "expected `crate = path`, `extra_repr = path` or `multiply_adds = path`; `skip` goes on a field",
                    ));
                }
                Ok(())
            })?;
        }
        Ok(parsed)
    }
}

/// Whether a field is marked `#[module(skip)]`.
pub fn is_skipped(attributes: &[Attribute]) -> Result<bool> {
    let mut skip = false;
    for attribute in attributes.iter().filter(|a| a.path().is_ident("module")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("skip") {
                return Err(meta.error("expected `skip`"));
            }
            skip = true;
            Ok(())
        })?;
    }
    Ok(skip)
}
