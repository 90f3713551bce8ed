//! The repository's files, and the parts of them that are shipped.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold nothing written by hand.
const SKIPPED: &[&str] =
    &["target", ".git", ".jigger", ".venv", "node_modules", "__pycache__", "corpus", "artifacts"];

/// A file of the repository.
pub struct Source {
    /// From the repository's root, with `/`.
    pub path: String,
    /// All of it.
    pub text: String,
}

impl Source {
    /// A file that is not there, for the tests of the checks.
    pub fn sample(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }
}

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file's text, by its path from the root.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file whose name ends so; folders that are links are listed where they belong.
pub fn sources(ending: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the folder was just listed") {
            let entry = entry.expect("a folder can be listed to its end");
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().expect("the file system knows kinds");
            if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
                folders.push(entry.path());
            } else if kind.is_file() && name.ends_with(ending) {
                let path = entry.path();
                let path = path.strip_prefix(root()).expect("the walk began there");
                let path = path.display().to_string();
                found.push(Source { text: read(&path), path });
            }
        }
    }
    assert!(!found.is_empty(), "no *{ending} found");
    found
}

/// The sources of what is shipped, without the modules that are compiled for tests only.
pub fn shipped() -> Vec<Source> {
    let mut sources = sources(".rs");
    sources.retain(|source| source.path.starts_with("crates/") && source.path.contains("/src/"));
    let for_tests: Vec<String> = sources.iter().flat_map(test_modules).collect();
    sources.retain(|source| !for_tests.iter().any(|module| is_within(&source.path, module)));
    sources
}

/// Whether a path is a module's file or that of a module below it; `module` is without `.rs`.
fn is_within(path: &str, module: &str) -> bool {
    let rest = path.strip_prefix(module).unwrap_or_default();
    rest == ".rs" || rest.starts_with('/')
}

/// The modules that are compiled for tests only: their files' paths without `.rs`.
fn test_modules(source: &Source) -> Vec<String> {
    let folder = match source.path.strip_suffix(".rs") {
        Some(path) if ["/lib", "/main", "/mod"].iter().any(|end| path.ends_with(end)) => {
            path.rsplit_once('/').map_or("", |(folder, _)| folder)
        }
        path => path.unwrap_or_default(),
    };
    let declarations = source.text.split("#[cfg(test)]").skip(1).filter_map(|rest| {
        let declaration = rest.trim_start().split_once(';')?.0;
        let name = declaration.split_once("mod ")?.1;
        (!name.contains(char::is_whitespace)).then(|| format!("{folder}/{name}"))
    });
    declarations.collect()
}

/// The text without comment lines and without its test module.
pub fn production(text: &str) -> String {
    let shipped = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code = shipped.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.collect::<Vec<_>>().join("\n")
}

/// Where a word stands by itself, not as a part of another.
pub fn word_positions<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        !text[..at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part)
    })
}

mod tests {
    use super::*;

    #[test]
    fn modules_for_tests() {
        let text = "#[cfg(test)]\npub(crate) mod fake;\n#[cfg(test)]\nmod tests {\n a; }";
        assert_eq!(
            test_modules(&Source::sample("crates/l/src/io.rs", text)),
            ["crates/l/src/io/fake"]
        );
        assert_eq!(
            test_modules(&Source::sample("crates/l/src/lib.rs", text)),
            ["crates/l/src/fake"]
        );
        assert!(is_within("src/io/fake.rs", "src/io/fake"));
        assert!(is_within("src/io/fake/clock.rs", "src/io/fake"));
        assert!(!is_within("src/io/faked.rs", "src/io/fake"));
    }
}
