//! Servers by their language, and what sources say about the port that theirs listens on and the
//! paths that it serves.

use regex::Regex;
use toml::Table;

use super::{Folder, Found, Port};

/// How the sources' server learns its port; a variable counts more than a number.
pub fn port(sources: &[(String, String)]) -> Port {
    let texts = || sources.iter().map(|(_, text)| text.as_str());
    let variable = Regex::new(r#"(?:getenv|Getenv|LookupEnv|environ|env(?:::var(?:_os)?|!)?)\W{1,6}(?:get\W{1,3})?["']?([A-Z_]*PORT)\b"#)
        .expect("a constant pattern that is valid");
    if let Some(found) = texts().find_map(|text| variable.captures(text)) {
        return Port::Variable(found[1].to_owned());
    }
    // A number where sources name a port: listen(3000), ":8080", port = 5000, "0.0.0.0:80".
    let number = Regex::new(
        r#"(?i)(?:listen\(\s*|\bport\b\s*[:=]\s*|["'`](?:[0-9.]+|localhost)?:|["'](?:127\.0\.0\.1|0\.0\.0\.0|localhost)?["'],\s*)([1-9][0-9]{1,4})\b"#,
    )
    .expect("a constant pattern that is valid");
    let found = texts().find_map(|text| number.captures(text)?[1].parse().ok());
    found.map_or(Port::Unknown, Port::Fixed)
}

/// A path that the sources' server serves: `/` where it is named, else the first that has no
/// holes, else `/`.
pub fn path(sources: &[(String, String)]) -> String {
    let route = Regex::new(
        r#"(?:\.(?:GET|Get|get|route|any|all|HandleFunc|Handle)|\b(?:path|get)|#\[get)\(\s*["'`](?:GET )?(/[^"'`\s]*)["'`]"#,
    )
    .expect("a constant pattern that is valid");
    let mut paths: Vec<String> = Vec::new();
    for (_, text) in sources {
        paths.extend(route.captures_iter(text).map(|found| found[1].to_owned()));
    }
    let is_whole = |path: &&String| !path.contains([':', '{', '<', '*']);
    let root = paths.iter().find(|path| *path == "/");
    root.or_else(|| paths.iter().find(is_whole)).cloned().unwrap_or_else(|| "/".to_owned())
}

/// A module with a main package.
pub fn go(folder: &Folder) -> Option<Found> {
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
        port: go_port(&sources),
        path: path(&sources),
        has_dockerfile: false,
    })
}

/// Gin's `Run()` without an address reads PORT itself.
fn go_port(sources: &[(String, String)]) -> Port {
    match port(sources) {
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

/// A package with a binary.
pub fn rust(folder: &Folder) -> Option<Found> {
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
        port: port(&sources),
        path: path(&sources),
        has_dockerfile: false,
    })
}

/// The name of the binary; none for a library or a workspace without a package of its own.
fn binary(folder: &Folder, manifest: &Table) -> Option<String> {
    let package = manifest.get("package")?;
    let text = |value: &toml::Value, key: &str| Some(value.get(key)?.as_str()?.to_owned());
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
            let name = package.and_then(toml::Value::as_str).unwrap_or_default();
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
    members.as_array().into_iter().flatten().filter_map(toml::Value::as_str).any(|member| {
        match member.strip_suffix("/*") {
            Some(parent) => place.rsplit_once('/').is_some_and(|(above, _)| above == parent),
            None => member.trim_start_matches("./") == place,
        }
    })
}

/// Where packages keep their sources.
const NODE_FOLDERS: [&str; 4] = ["src", "lib", "routes", "server"];

/// Files that are started where the package names none.
const USUAL: [&str; 5] = ["server.js", "index.js", "app.js", "main.js", "src/index.js"];

/// A package that can be started.
pub fn node(folder: &Folder) -> Option<Found> {
    if !folder.has("package.json") {
        return None;
    }
    let package: serde_json::Value = serde_json::from_str(&folder.text("package.json")).ok()?;
    let start = node_start(folder, &package)?;
    let sources = folder.sources(&[".js", ".mjs", ".cjs", ".ts"], &NODE_FOLDERS);
    let mut needs = vec!["node"];
    let build = node_build(folder, &package);
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
        port: port(&sources),
        path: path(&sources),
        has_dockerfile: false,
    })
}

/// A script that only calls node is called without npm, whose own processes would be measured too.
fn node_start(folder: &Folder, package: &serde_json::Value) -> Option<String> {
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

fn node_build(folder: &Folder, package: &serde_json::Value) -> Vec<String> {
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

/// Names of a project's own packages.
const PYTHON_FOLDERS: [&str; 2] = ["app", "src"];

/// FastAPI, Flask, Django, or a script that listens.
pub fn python(folder: &Folder) -> Option<Found> {
    let sources = folder.sources(&[".py"], &PYTHON_FOLDERS);
    let (start, port) = python_start(folder, &sources)?;
    let build = python_build(folder);
    let python = if build.is_empty() { "python3" } else { ".venv/bin/python" };
    Some(Found {
        name: String::new(),
        dir: folder.dir.clone(),
        what: format!("Python, found by {}", folder.place(&start.file)),
        needs: vec!["python3"],
        build,
        start: Some(format!("{python} {}", start.arguments)),
        port,
        path: path(&sources),
        has_dockerfile: false,
    })
}

/// By which file a server was found, and what Python is given to start it.
struct Start {
    file: String,
    arguments: String,
}

fn python_start(folder: &Folder, sources: &[(String, String)]) -> Option<(Start, Port)> {
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
    let port = port(&[(file.clone(), text.clone())]);
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
fn python_build(folder: &Folder) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(String, String)> {
        vec![("a".to_owned(), text.to_owned())]
    }

    #[test]
    fn variables_are_found_in_every_language() {
        for text in [
            "os.Getenv(\"PORT\")",
            "os.environ.get(\"PORT\", 8000)",
            "os.environ['PORT']",
            "int(os.getenv('PORT', '5000'))",
            "process.env.PORT || 3000",
            "std::env::var(\"PORT\")",
            "env::var_os(\"PORT\")",
        ] {
            assert_eq!(port(&of(text)), Port::Variable("PORT".to_owned()), "{text}");
        }
        assert_eq!(port(&of("env::var(\"APP_PORT\")")), Port::Variable("APP_PORT".to_owned()));
    }

    #[test]
    fn numbers_are_found_where_a_port_stands() {
        for (text, wanted) in [
            ("http.ListenAndServe(\":8080\", nil)", 8080),
            ("app.listen(3000, () => {})", 3000),
            ("app.run(port=5001)", 5001),
            ("TcpListener::bind(\"127.0.0.1:7000\")", 7000),
            ("HTTPServer((\"\", 8000), Handler)", 8000),
            ("HTTPServer(('127.0.0.1', 8001), Handler)", 8001),
            ("const port = 4000;", 4000),
        ] {
            assert_eq!(port(&of(text)), Port::Fixed(wanted), "{text}");
        }
        assert_eq!(port(&of("let answer = 42; // see page 8080")), Port::Unknown);
    }

    #[test]
    fn a_path_that_is_answered() {
        for (text, wanted) in [
            ("r.GET(\"/ping\", pong)", "/ping"),
            ("@app.route(\"/users/<id>\")\n@app.get('/health')", "/health"),
            ("app.get('/a', f); app.get('/', g)", "/"),
            ("mux.HandleFunc(\"GET /hello\", hello)", "/hello"),
            ("Router::new().route(\"/pong\", get(pong))", "/pong"),
            ("nothing", "/"),
        ] {
            assert_eq!(path(&of(text)), wanted, "{text}");
        }
    }
}
