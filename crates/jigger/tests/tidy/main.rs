//! The repository's layout and style, as tests: what rustfmt and clippy do not look at.
//!
//! Each check is a function from a file's text to what is wrong with it, and beside it a test shows
//! that it fails on a text that is wrong. (The length of functions is clippy's: `too_many_lines`.)

mod code;
mod documents;
mod modules;
mod packaged;
mod source;

use std::path::Path;

use code::PLACES;
use documents::{keys, missing};
use jigger::caveat::Code;
use jigger::metric::Kind;
use modules::{Crate, declared};
use source::{Source, read, root, shipped, sources};

/// The lints that the rest relies on, as they stand in the manifest.
const LINTS: &[&str] = &[
    "unsafe_code = \"forbid\"",
    "unwrap_used = \"deny\"",
    "allow_attributes = \"deny\"",
    "too_many_lines = \"warn\"",
];

#[test]
fn files_are_short_and_begin_with_what_they_are() {
    let sources = sources(".rs");
    assert_none(sources.iter().filter_map(code::too_long));
    assert_none(sources.iter().filter_map(code::undocumented));
}

#[test]
fn names_say_something() {
    assert_none(sources(".rs").iter().flat_map(code::empty_names));
}

#[test]
fn nothing_that_is_shipped_unwraps() {
    assert_none(shipped().iter().filter_map(code::unwraps));
}

#[test]
fn only_their_places_start_processes_and_open_sockets() {
    let faults = |source: &Source| code::misplaced(source, PLACES);
    assert_none(shipped().iter().flat_map(faults));
}

#[test]
fn a_cause_is_told_once() {
    assert_none(shipped().iter().flat_map(code::causes_told_twice));
}

#[test]
fn modules_stand_in_no_circle() {
    for name in ["jigger-stats", "jigger-load", "jigger"] {
        let found = Crate::read(&shipped(), &format!("crates/{name}/src/"));
        assert_none(found.circles());
    }
}

#[test]
fn modules_of_the_tool_use_only_what_is_declared_before_them() {
    let root = Source::sample("lib.rs", &read("crates/jigger/src/lib.rs"));
    let found = Crate::read(&shipped(), "crates/jigger/src/");
    assert_none(found.backward(&declared(&root)));
}

#[test]
fn renderers_compute_no_statistics() {
    let mut renderers = shipped();
    renderers.retain(|source| source.path.contains("/src/report"));
    assert!(renderers.len() > 3, "the renderers are elsewhere now");
    assert_none(renderers.iter().flat_map(code::statistics));
}

#[test]
fn links_lead_somewhere() {
    let exists = |path: &Path| path.exists();
    let faults = |source: &Source| documents::dead_links(source, &root(), &exists);
    assert_none(sources(".md").iter().flat_map(faults));
}

#[test]
fn every_code_is_explained() {
    let page = read("docs/confounders.md");
    let headings: Vec<String> = Code::all().map(|code| format!("### `{code}`\n")).collect();
    assert_none(missing(&page, &headings.iter().map(String::as_str).collect::<Vec<_>>()));
}

#[test]
fn every_key_is_explained() {
    let keys = keys(&read("crates/jigger/src/suite/raw.rs"));
    assert!(keys.len() > 30, "{keys:?}");
    let reference = read("docs/suite.md");
    for key in keys {
        let forms = [format!("`{key}`"), format!("`[{key}]`"), format!("`[[{key}]]`")];
        let is_there = forms.iter().any(|form| reference.contains(form));
        assert!(is_there, "docs/suite.md does not explain the key {key}");
    }
}

#[test]
fn every_metric_is_explained() {
    let names: Vec<&str> = Kind::all().map(|kind| kind.descriptor().name).collect();
    assert_none(missing(&read("docs/suite.md"), &names));
}

#[test]
fn every_source_of_a_contender_is_packaged() {
    let built = packaged::built(&read(".gitignore"));
    let sources = packaged::files_below(&root().join("contenders"), &built);
    assert!(sources.len() > 20, "{sources:?}");
    let links = packaged::files_below(&root().join("crates/jigger/contenders"), &[]);
    assert_none(packaged::wrongly_linked(&sources, &links));
}

#[test]
fn every_crate_says_what_it_is_and_carries_its_licences() {
    for name in ["jigger", "jigger-load", "jigger-stats"] {
        let manifest = read(&format!("crates/{name}/Cargo.toml"));
        assert_none(packaged::unstated(&manifest));
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            assert_eq!(read(&format!("crates/{name}/{licence}")), read(licence));
        }
    }
}

#[test]
fn the_lints_are_on() {
    assert_none(missing(&read("Cargo.toml"), LINTS));
    assert_none(missing(&read("clippy.toml"), &["too-many-lines-threshold = 70"]));
    for name in ["jigger-load", "jigger-stats"] {
        let root = read(&format!("crates/{name}/src/lib.rs"));
        assert_none(missing(&root, &["#![warn(missing_docs)]"]));
    }
    for name in ["jigger", "jigger-load", "jigger-stats"] {
        let root = read(&format!("crates/{name}/src/lib.rs"));
        assert_none(missing(&root, &["#![deny(clippy::print_stdout, clippy::print_stderr)]"]));
        let manifest = read(&format!("crates/{name}/Cargo.toml"));
        assert_none(missing(&manifest, &["[lints]\nworkspace = true"]));
    }
}

#[track_caller]
fn assert_none(faults: impl IntoIterator<Item = String>) {
    let faults: Vec<String> = faults.into_iter().collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}
