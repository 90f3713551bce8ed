//! Servers in Go: a module with a main package.

use super::{Folder, Found, Port, listening};

pub fn find(folder: &Folder) -> Option<Found> {
    if !folder.has("go.mod") {
        return None;
    }
    let (package, sources) = main_package(folder)?;
    Some(Found {
        name: String::new(),
        dir: folder.dir.clone(),
        what: format!("Go, found by {}", folder.place("go.mod")),
        needs: vec!["go"],
        build: vec![format!("go build -o app {package}")],
        start: Some("./app".to_owned()),
        port: port(&sources),
        path: listening::path(&sources),
        has_dockerfile: false,
    })
}

/// Gin's `Run()` without an address reads PORT itself.
fn port(sources: &[(String, String)]) -> Port {
    match listening::port(sources) {
        Port::Unknown if sources.iter().any(|(_, text)| text.contains(".Run()")) => {
            Port::Variable("PORT".to_owned())
        }
        port => port,
    }
}

/// The main package, in the module's folder or below `cmd/`, and its sources.
fn main_package(folder: &Folder) -> Option<(String, Vec<(String, String)>)> {
    let is_main = |sources: &[(String, String)]| {
        sources.iter().any(|(_, text)| text.lines().any(|line| line.trim() == "package main"))
    };
    let of_module = folder.sources(&[".go"], &[]);
    if is_main(&of_module) {
        return Some((".".to_owned(), of_module));
    }
    let entries = std::fs::read_dir(folder.path.join("cmd")).ok()?;
    let mut names: Vec<String> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names.into_iter().find_map(|name| {
        let place = format!("cmd/{name}");
        let mut sources = folder.sources(&[".go"], &[&place]);
        sources.retain(|(file, _)| file.starts_with(&place));
        is_main(&sources).then(|| (format!("./{place}"), sources))
    })
}
