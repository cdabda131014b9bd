//! Nothing half done is left in the code, and no path of somebody's machine in any text.

use super::source::{Source, is_word};
use super::{File, Findings};

/// Macros that stand for work not done or not cleared away.
const MACROS: &[&str] = &["todo", "unimplemented", "dbg"];

/// Top folders that name one machine or one person's files.
const MACHINE_FOLDERS: &[&str] = &["home", "root", "tmp", "work"];

pub fn check(files: &[File]) -> Findings {
    let mut found = Findings::default();
    for file in files {
        if file.is_rust() {
            found.failures.extend(unfinished(file));
        }
        found.failures.extend(machine_paths(file));
    }
    found
}

fn unfinished(file: &File) -> Vec<String> {
    let source = Source::parse(&file.text);
    let tokens = source.tokens();
    let mut found = Vec::new();
    for (at, &(line, token)) in tokens.iter().enumerate() {
        let near = |offset: usize| tokens.get(at + offset).map_or("", |(_, token)| *token);
        if MACROS.contains(&token) && near(1) == "!" {
            found.push(format!("{}:{}: {token}! is left over", file.path, line + 1));
        }
        if (token, near(1), near(2)) == ("#", "[", "ignore") {
            found.push(format!("{}:{}: an ignored test; run it or remove it", file.path, line + 1));
        }
    }
    found
}

fn machine_paths(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        for (at, _) in line.match_indices('/') {
            let before = line[..at].chars().next_back();
            // Only an absolute path starts here: `a/tmp`, `../tmp`, `{}/tmp` and `~/tmp` go on.
            let starts = before.is_none_or(|c| c.is_whitespace() || "\"'`(=:,;[<|".contains(c));
            let word = line[at + 1..].split(|c| !is_word(c)).next().unwrap_or("");
            if starts && MACHINE_FOLDERS.contains(&word) {
                found.push(format!("{}:{}: the machine path /{word}", file.path, number + 1));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(path: &str, text: &str) -> Vec<String> {
        check(&[File::new(path, text)]).failures
    }

    #[test]
    fn unfinished_code_is_found() {
        for text in ["fn f() { todo!() }", "unimplemented !(\"x\")", "dbg!(x);", "#[ignore]\nfn f() {}"] {
            assert_eq!(failures("a.rs", text).len(), 1, "{text}");
        }
        assert_eq!(failures("a.rs", "\n#[test]\n#[ignore = \"slow\"]")[0].split(": ").next(), Some("a.rs:3"));
    }

    #[test]
    fn words_in_strings_and_comments_are_no_code() {
        let text = "// todo!()\n/// #[ignore]\nlet a = \"dbg!(x)\"; let todo = 1; a != dbg; ignore();";
        assert_eq!(failures("a.rs", text), [""; 0]);
        assert_eq!(failures("a.md", "never dbg!(x)"), [""; 0]);
    }

    #[test]
    fn machine_paths_are_found_in_any_text() {
        for folder in MACHINE_FOLDERS {
            for text in [format!("// see /{folder}/x"), format!("\"/{folder}\""), format!("x=/{folder}/a")] {
                assert_eq!(failures("a.md", &text).len(), 1, "{text}");
                assert_eq!(failures("a.rs", &text).len(), 1, "{text}");
            }
        }
    }

    #[test]
    fn other_paths_are_clean() {
        for text in
            ["crates/work/a", "https://example.org/home", "/usr/share/tmp", "/rooted", "{}/tmp", "../tmp"]
        {
            assert_eq!(failures("a.md", text), [""; 0], "{text}");
        }
    }
}
