//! Checks of documents: links that lead nowhere, and names in the code that they do not explain.

use std::path::Path;

use crate::source::{Source, production};

/// Relative links whose file is missing. `exists` is asked for each.
pub fn dead_links(source: &Source, root: &Path, exists: &dyn Fn(&Path) -> bool) -> Vec<String> {
    let folder = root.join(&source.path);
    let folder = folder.parent().unwrap_or(root);
    let prose = without_code(&source.text);
    let targets =
        prose.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    targets
        .map(|target| target.split(['#', ' ']).next().unwrap_or_default())
        .filter(|target| !target.is_empty() && !target.contains(':'))
        .filter(|target| !exists(&folder.join(target)))
        .map(|target| format!("{}: the link to {target} is dead", source.path))
        .collect()
}

/// Markdown without its fenced and indented code and without its code spans.
fn without_code(text: &str) -> String {
    let mut prose = String::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced && !line.starts_with("    ") {
            let spans = line.split('`').step_by(2);
            prose.push_str(&spans.collect::<Vec<_>>().join("``"));
            prose.push('\n');
        }
    }
    prose
}

/// The keys of the suite file: the raw types' fields, by the names that serde gives them.
pub fn keys(text: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut renamed = None;
    for line in production(text).lines().map(str::trim) {
        if let Some((_, rest)) = line.split_once("rename = \"") {
            renamed = rest.split_once('"').map(|(name, _)| name.to_owned());
        } else if let Some(name) = field(line) {
            keys.push(renamed.take().unwrap_or_else(|| name.to_owned()));
        }
    }
    keys
}

/// The name of the public field that a line declares.
fn field(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix("pub ")?.split_once(": ")?;
    name.chars().all(|c| c.is_alphanumeric() || c == '_').then_some(name)
}

/// Those of the texts wanted that are not in `text`.
pub fn missing(text: &str, wanted: &[&str]) -> Vec<String> {
    let absent = wanted.iter().filter(|wanted| !text.contains(**wanted));
    absent.map(|wanted| format!("not there: {}", wanted.trim_end())).collect()
}

mod tests {
    use super::*;

    #[test]
    fn links() {
        let text = "[a](there.md#part) [b](gone.md) [c](https://x.y/z) [d](#here) `[e](code.md)`\n\
                    ```\n[f](fenced.md)\n```\n";
        let exists = |path: &Path| path == Path::new("/r/docs/there.md");
        let faults = dead_links(&Source::sample("docs/a.md", text), Path::new("/r"), &exists);
        assert_eq!(faults, ["docs/a.md: the link to gone.md is dead"]);
    }

    #[test]
    fn words_in_documents() {
        let raw = "pub struct Raw {\n    pub name: String,\n    #[serde(rename = \"ref\")]\n    \
                   pub reference: u8,\n}\npub fn read(text: &str) {}";
        assert_eq!(keys(raw), ["name", "ref"]);
        assert_eq!(missing("`name`", &["`name`", "`ref`"]), ["not there: `ref`"]);
    }
}
