//! The routes that sources show.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What requests a server has a route for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// In capitals.
    pub method: String,
    /// With `1` in the place of each parameter.
    pub path: String,
}

type Sources = [(String, String)];

/// A call that names a path, with what stands before and behind it.
static CALL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?:\.|#\[)(?<call>[A-Za-z]+)\(\s*["'`](?:(?<verb>[A-Z]+) )?(?<path>/[^"'`\s]*)["'`](?<rest>[^\n]*)"#,
    )
});

/// Methods that are named behind a path: `methods=["POST"]`, `get(list).post(create)`.
static NAMED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(?i:(get|post|put|patch|delete|head|options))\b"));

/// `:id`, `{id}`, `<int:id>`, `*rest`.
static PARAMETER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\{[^}/]*\}|<[^>/]*>|[:*][A-Za-z_][A-Za-z0-9_]*"));

#[expect(clippy::expect_used, reason = "each pattern is a constant, and the tests use it")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern that is valid")
}

const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

/// Each route once, in the order of the sources: of FastAPI, Flask, Express, Gin, axum, net/http and
/// what looks like them.
pub fn routes(sources: &Sources) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for call in sources.iter().flat_map(|(_, text)| CALL.captures_iter(text)) {
        let path = PARAMETER.replace_all(&call["path"], "1").into_owned();
        for method in methods(&call) {
            let route = Route { method, path: path.clone() };
            if !routes.contains(&route) {
                routes.push(route);
            }
        }
    }
    routes
}

fn methods(call: &Captures<'_>) -> Vec<String> {
    let name = call["call"].to_lowercase();
    let named = || {
        let found = NAMED.captures_iter(&call["rest"]).map(|found| found[1].to_uppercase());
        Vec::from_iter(found)
    };
    match name.as_str() {
        name if METHODS.contains(&name) => vec![name.to_uppercase()],
        "route" if named().is_empty() => vec!["GET".to_owned()],
        "route" => named(),
        "handlefunc" | "handle" | "any" | "all" => {
            vec![call.name("verb").map_or("GET", |verb| verb.as_str()).to_owned()]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let routes = routes(&[("a".to_owned(), text.to_owned())]);
        routes.iter().map(|route| format!("{} {}", route.method, route.path)).collect()
    }

    #[test]
    fn each_framework_has_its_way_to_say_a_route() {
        for (text, wanted) in [
            (
                "@app.get(\"/items/{id:int}\")\n@app.post('/items')",
                &["GET /items/1", "POST /items"][..],
            ),
            (
                "@app.route('/a/<int:id>')\n@app.route(\"/b\", methods=[\"POST\", \"put\"])",
                &["GET /a/1", "POST /b", "PUT /b"],
            ),
            ("app.get('/users/:id', f); app.delete(`/x`, g)", &["GET /users/1"]),
            ("r.GET(\"/ping\", pong)\n\tr.POST(\"/o/*rest\", f)", &["GET /ping", "POST /o/1"]),
            (
                ".route(\"/\", get(list).post(create))\n.route(\"/{id}\", delete(gone))",
                &["GET /", "POST /", "DELETE /1"],
            ),
            (
                "mux.HandleFunc(\"PUT /hello/{id}\", f)\nhttp.Handle(\"/b\", g)",
                &["PUT /hello/1", "GET /b"],
            ),
            ("#[get(\"/pong\")]\nasync fn pong()", &["GET /pong"]),
            (
                "open(\"/etc/passwd\"); x.join(\"/a\")\nr.GET(\"/a\", f)\nr.GET(\"/a\", g)",
                &["GET /a"],
            ),
        ] {
            assert_eq!(shown(text), wanted, "{text}");
        }
    }
}
