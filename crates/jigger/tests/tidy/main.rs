//! The repository's layout and style, as tests: what rustfmt and clippy do not look at.
//!
//! Each check is a function from a file's text to what is wrong with it, and beside it a test shows
//! that it fails on a text that is wrong. (The length of functions is clippy's: `too_many_lines`.)

mod code;
mod documents;
mod source;

use std::path::Path;

use source::{Source, read, root, shipped, sources};

/// The lints that the rest relies on, as they stand in the manifest.
const LINTS: &[&str] = &[
    "unsafe_code = \"forbid\"",
    "missing_docs = \"warn\"",
    "unwrap_used = \"deny\"",
    "allow_attributes = \"deny\"",
    "too_many_lines = \"warn\"",
];

#[test]
fn files_are_short_and_begin_with_what_they_are() {
    let sources = sources(".rs");
    assert_none(
        sources
            .iter()
            .flat_map(|source| too_long(source).into_iter().chain(undocumented(source))),
    );
}

#[test]
fn names_say_something() {
    assert_none(sources(".rs").iter().flat_map(empty_names));
}

#[test]
fn nothing_that_is_shipped_unwraps() {
    assert_none(shipped().iter().flat_map(unwraps));
}

#[test]
fn only_their_places_start_processes_and_open_sockets() {
    assert_none(
        shipped()
            .iter()
            .flat_map(|source| misplaced(source, PLACES)),
    );
}

#[test]
fn modules_use_only_what_comes_before_them() {
    assert_none(
        shipped()
            .iter()
            .flat_map(|source| wrong_arrows(source, ARROWS)),
    );
}

#[test]
fn renderers_compute_no_statistics() {
    let sources = shipped();
    let renderers: Vec<&Source> = sources
        .iter()
        .filter(|source| source.path.contains("/src/report"))
        .collect();
    assert!(renderers.len() > 3, "the renderers are elsewhere now");
    assert_none(renderers.into_iter().flat_map(statistics));
}

#[test]
fn links_lead_somewhere() {
    let exists = |path: &Path| path.exists();
    assert_none(
        sources(".md")
            .iter()
            .flat_map(|source| dead_links(source, &root(), &exists)),
    );
}

#[test]
fn every_code_is_explained() {
    let confounders = codes(&read("crates/jigger/src/confounder.rs"));
    let gates = codes(&read("crates/jigger/src/analysis/gate.rs"));
    assert!(
        confounders.len() >= 8 && gates.len() >= 5,
        "{confounders:?} {gates:?}"
    );
    let headings = confounders
        .iter()
        .chain(&gates)
        .map(|code| format!("### `{code}`\n"));
    assert_none(missing(&read("docs/confounders.md"), headings));
}

#[test]
fn every_key_and_metric_is_explained() {
    let keys = keys(&read("crates/jigger/src/suite/raw.rs"));
    assert!(keys.len() > 30, "{keys:?}");
    let metrics = metrics(&read("crates/jigger/src/analysis/metric.rs"));
    assert!(metrics.len() > 10, "{metrics:?}");
    let reference = read("docs/suite.md");
    assert_none(missing(
        &reference,
        keys.iter().map(|key| format!("`{key}`")),
    ));
    assert_none(missing(&reference, metrics));
}

#[test]
fn the_lints_are_on() {
    let manifest = read("Cargo.toml");
    assert_none(missing(&manifest, LINTS.iter().map(ToString::to_string)));
    for source in sources("Cargo.toml")
        .iter()
        .filter(|source| source.path.starts_with("crates/"))
    {
        assert!(
            source.text.contains("[lints]\nworkspace = true"),
            "{}",
            source.path
        );
    }
    assert!(read("clippy.toml").contains("too-many-lines-threshold = 70"));
}

#[track_caller]
fn assert_none(faults: impl IntoIterator<Item = String>) {
    let faults: Vec<String> = faults.into_iter().collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}
