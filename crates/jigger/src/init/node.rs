//! Servers for Node.js: a package that can be started.

use serde_json::Value;

use super::{Folder, Found, listening};

/// Where packages keep their sources.
const FOLDERS: [&str; 4] = ["src", "lib", "routes", "server"];

/// Files that are started where the package names none.
const USUAL: [&str; 5] = ["server.js", "index.js", "app.js", "main.js", "src/index.js"];

pub fn find(folder: &Folder) -> Option<Found> {
    if !folder.has("package.json") {
        return None;
    }
    let package: Value = serde_json::from_str(&folder.text("package.json")).ok()?;
    let start = start(folder, &package)?;
    let sources = folder.sources(&[".js", ".mjs", ".cjs", ".ts"], &FOLDERS);
    let mut needs = vec!["node"];
    let build = build(folder, &package);
    if start.starts_with("npm") || !build.is_empty() {
        needs.push("npm");
    }
    Some(Found {
        name: String::new(),
        dir: folder.dir.clone(),
        what: format!("Node.js, found by {}", folder.place("package.json")),
        needs,
        build,
        start: Some(start),
        port: listening::port(&sources),
        path: listening::path(&sources),
        has_dockerfile: false,
    })
}

/// A script that only calls node is called without npm, whose own processes would be measured too.
fn start(folder: &Folder, package: &Value) -> Option<String> {
    let script = package["scripts"]["start"].as_str();
    let is_plain = |script: &&str| script.starts_with("node ") && !script.contains(['&', '|', ';']);
    if let Some(plain) = script.filter(is_plain) {
        return Some(plain.to_owned());
    }
    if script.is_some() {
        return Some("npm start".to_owned());
    }
    let named = package["main"].as_str();
    let mut candidates = named.into_iter().chain(USUAL);
    let file = candidates.find(|file| folder.path.join(file).is_file())?;
    Some(format!("node {file}"))
}

fn build(folder: &Folder, package: &Value) -> Vec<String> {
    let some = |key: &str| package[key].as_object().is_some_and(|found| !found.is_empty());
    let mut build = Vec::new();
    if some("dependencies") || some("devDependencies") {
        let verb = if folder.has("package-lock.json") { "ci" } else { "install" };
        build.push(format!("npm {verb}"));
    }
    if package["scripts"]["build"].is_string() {
        build.push("npm run build".to_owned());
    }
    build
}
