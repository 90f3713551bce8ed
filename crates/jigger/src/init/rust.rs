//! Servers in Rust: a package with a binary.

use toml::{Table, Value};

use super::{Folder, Found, listening};

pub fn find(folder: &Folder) -> Option<Found> {
    if !folder.has("Cargo.toml") {
        return None;
    }
    let manifest: Table = folder.text("Cargo.toml").parse().ok()?;
    let binary = binary(folder, &manifest)?;
    let sources = folder.sources(&[".rs"], &["src", "src/bin"]);
    let locked = if folder.has("Cargo.lock") { " --locked" } else { "" };
    let (above, package) = workspace_above(folder, &manifest);
    Some(Found {
        name: String::new(),
        dir: folder.dir.clone(),
        what: format!("Rust, found by {}", folder.place("Cargo.toml")),
        needs: vec!["cargo"],
        build: vec![format!("cargo build --release{locked}{package}")],
        start: Some(format!("{above}target/release/{binary}")),
        port: listening::port(&sources),
        path: listening::path(&sources),
        has_dockerfile: false,
    })
}

/// The name of the binary; none for a library or a workspace without a package of its own.
fn binary(folder: &Folder, manifest: &Table) -> Option<String> {
    let package = manifest.get("package")?;
    let text = |value: &Value, key: &str| Some(value.get(key)?.as_str()?.to_owned());
    let first_bin = || text(manifest.get("bin")?.as_array()?.first()?, "name");
    let of_main = || folder.path.join("src/main.rs").is_file().then(|| text(package, "name"))?;
    text(package, "default-run").or_else(first_bin).or_else(of_main)
}

/// The way up to the workspace that a package is in, whose `target` it is built into, and the
/// flag that selects the package.
fn workspace_above(folder: &Folder, manifest: &Table) -> (String, String) {
    if manifest.contains_key("workspace") {
        return (String::new(), String::new());
    }
    let mut above = String::new();
    for ancestor in folder.path.ancestors().skip(1) {
        above.push_str("../");
        let text = std::fs::read_to_string(ancestor.join("Cargo.toml")).unwrap_or_default();
        if text.parse::<Table>().is_ok_and(|manifest| is_member(&manifest, ancestor, folder)) {
            let package = manifest.get("package").and_then(|package| package.get("name"));
            let name = package.and_then(Value::as_str).unwrap_or_default();
            return (above, format!(" -p {name}"));
        }
    }
    (String::new(), String::new())
}

fn is_member(workspace: &Table, ancestor: &std::path::Path, folder: &Folder) -> bool {
    let Some(members) = workspace.get("workspace").and_then(|w| w.get("members")) else {
        return false;
    };
    let Ok(place) = folder.path.strip_prefix(ancestor) else {
        return false;
    };
    let place = place.to_string_lossy().into_owned();
    members.as_array().into_iter().flatten().filter_map(Value::as_str).any(|member| {
        match member.strip_suffix("/*") {
            Some(parent) => place.rsplit_once('/').is_some_and(|(above, _)| above == parent),
            None => member.trim_start_matches("./") == place,
        }
    })
}
