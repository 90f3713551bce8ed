//! Checks of what the packaged crate carries.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Where a contender's source is linked from, both by their paths below their `contenders`.
/// `cargo package` leaves out a folder that has a Cargo.toml.
fn link_of(source: &str) -> String {
    source.replace("/Cargo.toml", "/Cargo.toml.in")
}

/// What of the contenders' `sources` is not among the `links`, and what is there besides.
pub fn wrongly_linked(sources: &BTreeSet<String>, links: &BTreeSet<String>) -> Vec<String> {
    let linked: BTreeSet<String> = sources.iter().map(|source| link_of(source)).collect();
    let missing = sources.iter().filter(|source| !links.contains(&link_of(source)));
    let missing = missing.map(|source| {
        format!("contenders/{source}: link it as crates/jigger/contenders/{}", link_of(source))
    });
    let besides = links.difference(&linked);
    let besides = besides.map(|link| {
        format!("crates/jigger/contenders/{link}: link sources only, not what builds leave behind")
    });
    missing.chain(besides).collect()
}

/// Every file below a folder, by its path from there; links are followed. Entries of the folders
/// in it are left out when they are among `built`.
pub fn files_below(root: &Path, built: &[String]) -> BTreeSet<String> {
    let (mut folders, mut found) = (vec![root.to_owned()], BTreeSet::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the folder was just listed") {
            let path = entry.expect("a folder can be listed to its end").path();
            let name = path.strip_prefix(root).expect("the walk began there").display().to_string();
            let below_contender = name.split_once('/').map_or("", |(_, rest)| rest);
            if built.iter().any(|built| built == below_contender) {
                continue;
            } else if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(name);
            }
        }
    }
    found
}

/// What builds leave in a contender's folder, by the lines of `.gitignore`.
pub fn built(gitignore: &str) -> Vec<String> {
    let lines = gitignore.lines().filter_map(|line| line.strip_prefix("/contenders/*/"));
    lines.map(str::to_owned).collect()
}

/// What a package needs to be found and used, as keys of its manifest.
const STATED: &[&str] = &[
    "description",
    "license",
    "repository",
    "readme",
    "keywords",
    "categories",
    "rust-version",
    "version",
    "edition",
];

/// The keys that a crate's manifest lacks.
pub fn unstated(manifest: &str) -> Vec<String> {
    let package = manifest.split("\n[").next().unwrap_or_default();
    let states = |key: &&&str| {
        package.lines().any(|line| line.split([' ', '.']).next().is_some_and(|word| word == **key))
    };
    let absent = STATED.iter().filter(|key| !states(key));
    absent.map(|key| format!("[package] does not state {key}")).collect()
}

#[test]
fn a_manifest_that_lacks_a_key_is_found() {
    let keys: String = STATED.iter().map(|key| format!("{key} = 1\n")).collect();
    assert!(unstated(&format!("[package]\n{keys}\n[features]")).is_empty());
    let fewer = keys.replace("readme = ", "[lints]\nreadme = ");
    assert_eq!(unstated(&format!("[package]\n{fewer}")).len(), 6);
}

#[test]
fn a_source_without_a_link_and_a_link_to_something_else_are_found() {
    let set = |paths: &[&str]| paths.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    let sources = set(&["a/Cargo.toml", "a/main.rs", "a/src/x.rs"]);
    assert!(
        wrongly_linked(&sources, &set(&["a/Cargo.toml.in", "a/main.rs", "a/src/x.rs"])).is_empty()
    );
    let faults = wrongly_linked(&sources, &set(&["a/Cargo.toml.in", "a/src/x.rs", "a/target/b"]));
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].starts_with("contenders/a/main.rs: link it"), "{faults:?}");
    assert!(faults[1].starts_with("crates/jigger/contenders/a/target/b: "), "{faults:?}");
}

#[test]
fn what_builds_leave_behind_is_read_off_gitignore() {
    assert_eq!(built("/target\n/contenders/*/app\n/contenders/*/.venv\n"), ["app", ".venv"]);
}
