//! The search through a folder and those below it.

use std::path::Path;

use super::{Folder, Found, Port, go, names_in, node, python, rust};

/// Folders below the searched one that are looked into, at most so deep.
const DEPTH: usize = 3;

/// Folders that hold what others wrote, or what builds left.
const SKIPPED: &[&str] =
    &["node_modules", "target", "vendor", "venv", "dist", "build", "site-packages", "__pycache__"];

/// Every server that is found in a folder and below it, in the order of their folders.
#[must_use]
pub fn find(root: &Path) -> Vec<Found> {
    let mut found = Vec::new();
    walk(root, String::new(), &mut found);
    name_apart(&mut found, root);
    found
}

fn walk(path: &Path, dir: String, found: &mut Vec<Found>) {
    let folder = Folder { path: path.to_owned(), files: names_in(path), dir };
    let here = of_folder(&folder);
    // What is below a project is a part of it.
    let is_project = here.is_some();
    found.extend(here);
    let depth = folder.dir.split('/').filter(|part| !part.is_empty()).count();
    if is_project || depth >= DEPTH {
        return;
    }
    for name in folders_in(path) {
        walk(&path.join(&name), folder.place(&name), found);
    }
}

fn of_folder(folder: &Folder) -> Option<Found> {
    let found = go::find(folder)
        .or_else(|| rust::find(folder))
        .or_else(|| node::find(folder))
        .or_else(|| python::find(folder));
    let has_dockerfile = folder.has("Dockerfile");
    found
        .map(|found| Found { has_dockerfile, ..found })
        .or_else(|| has_dockerfile.then(|| only_image(folder)))
}

/// A Dockerfile beside nothing that is known: it can be built, but not started as a process.
fn only_image(folder: &Folder) -> Found {
    let exposed = folder.text("Dockerfile");
    let exposed = exposed.lines().find_map(|line| line.trim().strip_prefix("EXPOSE "));
    let port = exposed.and_then(|port| port.trim().split('/').next()?.parse().ok());
    Found {
        name: String::new(),
        dir: folder.dir.clone(),
        what: format!("An image, found by {}", folder.place("Dockerfile")),
        needs: Vec::new(),
        build: Vec::new(),
        start: None,
        port: port.map_or(Port::Unknown, Port::Fixed),
        path: "/".to_owned(),
        has_dockerfile: true,
    }
}

fn folders_in(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut names: Vec<String> =
        folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.') && !SKIPPED.contains(&name.as_str()));
    names.sort();
    names
}

/// Names from the folders, fit for a suite and each only once.
fn name_apart(found: &mut [Found], root: &Path) {
    let whole = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let mut taken = vec![crate::plan::PLACEBO.to_owned()];
    for server in found {
        let last = server.dir.rsplit('/').next().filter(|name| !name.is_empty());
        let own = last.map(str::to_owned);
        let own = own.or_else(|| Some(whole.file_name()?.to_str()?.to_owned()));
        let plain = fit(&own.unwrap_or_default());
        let mut name = plain.clone();
        let mut count = 1;
        while taken.contains(&name) {
            count += 1;
            name = format!("{plain}-{count}");
        }
        taken.push(name.clone());
        server.name = name;
        if server.dir.is_empty() {
            ".".clone_into(&mut server.dir);
        }
    }
}

fn fit(name: &str) -> String {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || "-_+".contains(c);
    let name: String = name.chars().map(|c| if is_fit(c) { c } else { '-' }).collect();
    if name.is_empty() { "server".to_owned() } else { name }
}
