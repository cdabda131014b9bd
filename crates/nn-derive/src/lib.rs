//! The derive macro of nn's `Module` trait; see the trait's documentation there.

mod attribute;
mod expand;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `nn::Module` by walking all fields in the order of declaration.
///
/// - The name of a field is its identifier, or its position in a tuple struct. The field of a variant that has one
///   unnamed field takes the enum's own name, so that an enum of layers has the keys of the layer it holds.
/// - `#[module(skip)]` on a field: it holds no parameters.
/// - `#[module(extra_repr = path)]` on the type: a function of `&Self` to `String` that prints the settings.
/// - `#[module(multiply_adds = path)]` on the type: a function of `&Self` and the shapes of input and output to `usize`.
/// - `#[module(crate = path)]` on the type: where the crate `nn` is found; default `nn`, which `nn::prelude` brings
///   along.
#[proc_macro_derive(Module, attributes(module))]
pub fn derive_module(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::module(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
