//! Modules as text, laid out as PyTorch prints them.

use crate::{Module, Part, Walk};

/// One line: the type and its settings.
pub(crate) fn line(module: &(impl Module + ?Sized)) -> String {
    format!("{}({})", module.type_name(), module.extra_repr())
}

/// A module that the walk is in.
struct Open {
    path: String,
    empty: bool,
}

/// The tree of modules that `visit` walks.
pub(crate) fn tree(visit: impl FnOnce(&mut Walk<'_>)) -> String {
    let (mut text, mut open) = (String::new(), Vec::<Open>::new());
    visit(&mut Walk::new(&mut |path, part| match part {
        Part::Module(module) => {
            let name = match open.last_mut() {
                None => String::new(),
                Some(parent) => {
                    parent.empty = false;
                    let name = path[parent.path.len()..].trim_start_matches('.');
                    format!("\n{}({name}): ", "  ".repeat(open.len()))
                }
            };
            text.push_str(&format!("{name}{}({}", module.type_name(), module.extra_repr()));
            open.push(Open { path: path.to_string(), empty: true });
        }
        Part::ModuleEnd(_) => {
            if open.pop().is_some_and(|module| !module.empty) {
                text.push('\n');
                text.push_str(&"  ".repeat(open.len()));
            }
            text.push(')');
        }
        _ => {}
    }));
    text
}
