//! `unsafe` is confined to a few listed files, every use says why it is sound, and their number does not grow.

use super::source::Source;
use super::{File, Findings};

/// The files that may say `unsafe`.
const FILES: &[&str] = &[
    "crates/tensor-core/src/kernel/gemm/operand.rs",
    "crates/tensor-core/src/kernel/gemm/portable.rs",
    "crates/tensor-core/src/kernel/gemm/x86/blocked.rs",
    "crates/tensor-core/src/kernel/gemm/x86/dot.rs",
    "crates/tensor-core/src/kernel/gemm/x86/micro.rs",
    "crates/tensor-core/src/kernel/gemm/x86/transpose.rs",
    "crates/tensor-core/src/kernel/gemm/x86/vector.rs",
    "crates/tensor-core/src/kernel/simd.rs",
    "crates/tensor-core/src/storage.rs",
];

/// How many uses of `unsafe` there may be. Lower it when one goes; a higher one needs its reason in the commit.
const BUDGET: usize = 64;

/// One use of the keyword.
struct Use {
    /// The index of its line.
    line: usize,
    kind: &'static str,
    /// A function in an implementation of a trait: the trait's declaration has the contract.
    inherited: bool,
}

pub fn check(files: &[File]) -> Findings {
    check_against(files, FILES, BUDGET)
}

fn check_against(files: &[File], listed: &[&str], budget: usize) -> Findings {
    let mut found = Findings::default();
    let (mut blocks, mut others) = (0, 0);
    for file in files.iter().filter(|file| file.is_rust()) {
        let source = Source::parse(&file.text);
        let uses = uses(&source);
        let is_listed = listed.contains(&file.path.as_str());
        if is_listed && uses.is_empty() {
            found.failures.push(format!("{}: is listed for unsafe and has none; take it off", file.path));
        }
        for Use { line, kind, inherited } in uses {
            let place = format!("{}:{}", file.path, line + 1);
            if !is_listed {
                found.failures.push(format!("{place}: unsafe {kind} outside the listed files"));
            }
            if !inherited && !explained(&source, line) {
                let wanted = if kind == "fn" { "a `# Safety` section" } else { "a `// SAFETY:` comment" };
                found.failures.push(format!("{place}: unsafe {kind} without {wanted} above it"));
            }
            *(if kind == "block" { &mut blocks } else { &mut others }) += 1;
        }
    }
    for path in listed.iter().filter(|path| files.iter().all(|file| file.path != **path)) {
        found.failures.push(format!("{path}: is listed for unsafe and does not exist; take it off"));
    }
    let total = blocks + others;
    found.notes.push(format!(
        "{blocks} unsafe blocks, {others} unsafe functions and impls; the budget is {budget} together"
    ));
    if total > budget {
        found.failures.push(format!("unsafe: {total} uses, over the budget of {budget}"));
    } else if total < budget {
        found.notes.push(format!("unsafe: the budget can be lowered to {total}"));
    }
    found
}

fn uses(source: &Source) -> Vec<Use> {
    let tokens = source.tokens();
    let word = |at: usize| tokens.get(at).map_or("", |(_, token)| *token);
    let mut uses = Vec::new();
    // For each open brace, whether it is the body of `impl .. for ..`; and where the words before the next begin.
    let (mut bodies, mut header) = (Vec::new(), 0);
    for (at, &(line, token)) in tokens.iter().enumerate() {
        match token {
            "{" => {
                let said = |keyword| tokens[header..at].iter().any(|(_, token)| *token == keyword);
                bodies.push(said("impl") && said("for") && !said("fn"));
            }
            "}" => drop(bodies.pop()),
            "unsafe" => {
                let kind = match word(at + 1) {
                    "{" => "block",
                    "impl" => "impl",
                    "trait" => "trait",
                    "(" => "attribute",
                    // `unsafe fn(..)` names a type and runs nothing.
                    "fn" if word(at + 2) == "(" => continue,
                    _ => "fn",
                };
                let inherited = kind == "fn" && bodies.last() == Some(&true);
                uses.push(Use { line, kind, inherited });
            }
            _ => {}
        }
        if matches!(token, "{" | "}" | ";") {
            header = at + 1;
        }
    }
    uses
}

/// Whether a comment right above the statement of this line gives the reason.
fn explained(source: &Source, line: usize) -> bool {
    for above in source.lines[..line].iter().rev() {
        let code = above.code.trim();
        if code.is_empty() {
            if above.comment.contains("SAFETY:") || above.comment.contains("# Safety") {
                return true;
            }
            if above.comment.is_empty() {
                return false;
            }
        } else if !code.starts_with("#[") && code.ends_with([';', '{', '}', ',']) {
            // Another statement ends, or the enclosing one begins, here.
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "fn f() {\n    // SAFETY: p is valid.\n    let x =\n        unsafe { *p };\n}\n";

    fn failures(path: &str, text: &str) -> Vec<String> {
        check_against(&[File::new(path, text)], &["a.rs"], 9).failures
    }

    #[test]
    fn explained_uses_in_a_listed_file_are_clean() {
        let forms = [
            GOOD,
            "// SAFETY: has no state.\nunsafe impl Send for A {}",
            "/// Reads.\n///\n/// # Safety\n/// `p` is valid.\n#[inline]\npub unsafe fn f(p: *const u8) {}",
            "match x {\n    A => 1,\n    // SAFETY: checked\n    // above.\n    B => unsafe { f() },\n}",
            "impl A for B {\n    unsafe fn f() {}\n    unsafe fn g() {}\n}",
            "type F = unsafe fn(u8); // SAFETY: see f\n// SAFETY: x\nunsafe {}",
        ];
        for text in forms {
            assert_eq!(failures("a.rs", text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_use_outside_the_list_is_found() {
        let found = check_against(&[File::new("b.rs", GOOD)], &[], 9).failures;
        assert_eq!(found, ["b.rs:4: unsafe block outside the listed files"]);
        assert_eq!(check_against(&[File::new("b.rs", "\"unsafe {\" // unsafe {")], &[], 0).failures, [""; 0]);
    }

    #[test]
    fn a_use_without_a_reason_is_found() {
        for text in [
            "unsafe { f() }",
            "// SAFETY: stands too far.\n\nunsafe { f() }",
            "// SAFETY: for the first.\nunsafe { f() };\nunsafe { g() };",
            "unsafe { f() } // SAFETY: behind.",
        ] {
            assert!(failures("a.rs", text)[0].contains("without a `// SAFETY:` comment"), "{text}");
        }
        for text in ["pub unsafe fn f() {}", "impl A { unsafe fn f() {} }", "trait A { unsafe fn f(); }"] {
            assert!(failures("a.rs", text)[0].contains("without a `# Safety` section"), "{text}");
        }
    }

    #[test]
    fn the_list_names_only_files_with_unsafe() {
        assert!(failures("a.rs", "fn f() {}")[0].contains("has none; take it off"));
        assert!(failures("b.rs", "fn f() {}")[0].contains("does not exist; take it off"));
    }

    #[test]
    fn the_budget_holds() {
        let files = [File::new("a.rs", GOOD)];
        assert_eq!(check_against(&files, &["a.rs"], 0).failures, ["unsafe: 1 uses, over the budget of 0"]);
        assert_eq!(check_against(&files, &["a.rs"], 1).failures, [""; 0]);
        assert!(check_against(&files, &["a.rs"], 2).notes[1].contains("can be lowered to 1"));
    }
}
