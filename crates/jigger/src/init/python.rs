//! Servers in Python: FastAPI, Flask, Django, or a script that listens.

use regex::Regex;

use super::{Folder, Found, Port, listening};

/// Names of a project's own packages.
const FOLDERS: [&str; 2] = ["app", "src"];

pub fn find(folder: &Folder) -> Option<Found> {
    let sources = folder.sources(&[".py"], &FOLDERS);
    let (start, port) = start(folder, &sources)?;
    let build = build(folder);
    let python = if build.is_empty() { "python3" } else { ".venv/bin/python" };
    Some(Found {
        name: String::new(),
        dir: folder.dir.clone(),
        what: format!("Python, found by {}", folder.place(&start.file)),
        needs: vec!["python3"],
        build,
        start: Some(format!("{python} {}", start.arguments)),
        port,
        path: listening::path(&sources),
        has_dockerfile: false,
    })
}

/// By which file a server was found, and what Python is given to start it.
struct Start {
    file: String,
    arguments: String,
}

fn start(folder: &Folder, sources: &[(String, String)]) -> Option<(Start, Port)> {
    let needs = folder.text("requirements.txt") + &folder.text("pyproject.toml");
    let needs = needs.to_lowercase();
    if let Some((file, app)) = application(sources, "FastAPI|Starlette|Quart") {
        let arguments = format!("-m uvicorn {app} --host 127.0.0.1 --port {{port}}");
        return Some((Start { file, arguments }, Port::Argument));
    }
    if let Some((file, app)) = application(sources, "Flask") {
        let arguments = if needs.contains("gunicorn") {
            format!("-m gunicorn --bind 127.0.0.1:{{port}} {app}")
        } else {
            format!("-m flask --app {app} run --port {{port}}")
        };
        return Some((Start { file, arguments }, Port::Argument));
    }
    if folder.has("manage.py") {
        let arguments = "manage.py runserver --noreload 127.0.0.1:{port}".to_owned();
        return Some((Start { file: "manage.py".to_owned(), arguments }, Port::Argument));
    }
    let listens = |text: &str| {
        ["serve_forever", "run_app(", ".listen(", "uvicorn.run("]
            .iter()
            .any(|call| text.contains(call))
    };
    let (file, text) = sources.iter().find(|(_, text)| listens(text))?;
    let port = listening::port(&[(file.clone(), text.clone())]);
    Some((Start { file: file.clone(), arguments: file.clone() }, port))
}

/// The file in which an application is made, and its name as servers take it: `main:app`.
fn application(sources: &[(String, String)], class: &str) -> Option<(String, String)> {
    let made = Regex::new(&format!(r"(?m)^(\w+)\s*(?::\s*\w+\s*)?=\s*(?:\w+\.)?(?:{class})\("))
        .expect("a pattern of constants that is valid");
    sources.iter().find_map(|(file, text)| {
        let name = &made.captures(text)?[1];
        let module = file.trim_end_matches(".py").trim_start_matches("src/").replace('/', ".");
        Some((file.clone(), format!("{module}:{name}")))
    })
}

/// An environment of its own where there is something to install.
fn build(folder: &Folder) -> Vec<String> {
    let install = if folder.has("requirements.txt") {
        "-r requirements.txt"
    } else if folder.has("pyproject.toml") {
        "."
    } else {
        return Vec::new();
    };
    vec![
        "python3 -m venv .venv".to_owned(),
        format!(".venv/bin/python -m pip install --quiet {install}"),
    ]
}
