//! The implementation that the derive writes.

use crate::attribute::{OfType, is_skipped};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Field, Fields, Result, parse_quote};

pub fn module(input: &DeriveInput) -> Result<TokenStream> {
    if let Some(borrow) = input.generics.lifetimes().next() {
        return Err(Error::new(borrow.span(), "a Module owns its parts: it cannot have a lifetime"));
    }
    let OfType { krate, extra_repr, multiply_adds } = OfType::parse(&input.attrs)?;
    let arms = match &input.data {
        Data::Struct(data) => vec![arm(&krate, &quote!(Self), &data.fields, false)?],
        Data::Enum(data) => data
            .variants
            .iter()
            .map(|variant| {
                let name = &variant.ident;
                arm(&krate, &quote!(Self::#name), &variant.fields, true)
            })
            .collect::<Result<_>>()?,
        Data::Union(data) => {
            return Err(Error::new(
                data.union_token.span(),
                "a union cannot be a Module: which field is alive is unknown",
            ));
        }
    };
    // A reference to an enum without variants has no arm to match.
    let body = if arms.is_empty() { quote!(match *self {}) } else { quote!(match self { #(#arms)* }) };
    let extra_repr = extra_repr.map(|function| {
        quote! {
            fn extra_repr(&self) -> ::std::string::String {
                #function(self)
            }
        }
    });
    let multiply_adds = multiply_adds.map(|function| {
        quote! {
            fn multiply_adds(&self, input: &#krate::Shape, output: &#krate::Shape) -> usize {
                #function(self, input, output)
            }
        }
    });
    let name = &input.ident;
    let generics = bounded(input, &krate)?;
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics #krate::Module for #name #type_generics #where_clause {
            fn visit(&self, walk: &mut #krate::Walk<'_>) {
                walk.module(self, |walk| {
                    // A type without fields walks nothing.
                    let _ = &walk;
                    #body
                });
            }
            #extra_repr
            #multiply_adds
        }
    })
}

/// The match arm of a struct or of one variant: binds the fields that are walked, and walks them.
fn arm(krate: &syn::Path, pattern: &TokenStream, fields: &Fields, of_enum: bool) -> Result<TokenStream> {
    let transparent = of_enum && matches!(fields, Fields::Unnamed(fields) if fields.unnamed.len() == 1);
    let (mut bindings, mut visits) = (Vec::new(), Vec::new());
    for (index, field) in fields.iter().enumerate() {
        if is_skipped(&field.attrs)? {
            continue;
        }
        // Placed at the type, so that a field that is no Module is reported where it is declared, but resolved as the
        // rest of the expansion, since the type may come out of a macro.
        let span = field.ty.span().resolved_at(Span::call_site());
        let part = Ident::new(&format!("part_{index}"), span);
        let member = member(index, field);
        bindings.push(quote!(#member: #part));
        let name = field.ident.as_ref().map_or_else(|| index.to_string(), |ident| ident.unraw().to_string());
        visits.push(if transparent {
            quote_spanned!(span=> #krate::Module::visit(#part, walk);)
        } else {
            quote_spanned!(span=> walk.child(#name, #part);)
        });
    }
    Ok(quote!(#pattern { #(#bindings,)* .. } => { #(#visits)* }))
}

/// The field's name in a pattern; tuple fields have their position.
fn member(index: usize, field: &Field) -> TokenStream {
    match &field.ident {
        Some(ident) => ident.to_token_stream(),
        None => syn::Index::from(index).to_token_stream(),
    }
}

/// The type's generics, with `Module` asked of each type parameter that a walked field mentions.
fn bounded(input: &DeriveInput, krate: &syn::Path) -> Result<syn::Generics> {
    let fields: Vec<&Field> = match &input.data {
        Data::Struct(data) => data.fields.iter().collect(),
        Data::Enum(data) => data.variants.iter().flat_map(|variant| variant.fields.iter()).collect(),
        Data::Union(_) => Vec::new(),
    };
    let mut mentioned = Vec::new();
    for field in fields {
        if !is_skipped(&field.attrs)? {
            identifiers(field.ty.to_token_stream(), &mut mentioned);
        }
    }
    let mut generics = input.generics.clone();
    for parameter in generics.type_params_mut().filter(|parameter| mentioned.contains(&parameter.ident)) {
        parameter.bounds.push(parse_quote!(#krate::Module));
    }
    Ok(generics)
}

/// All identifiers in a type.
fn identifiers(tokens: TokenStream, found: &mut Vec<Ident>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => found.push(ident),
            TokenTree::Group(group) => identifiers(group.stream(), found),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}
