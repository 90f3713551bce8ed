//! What sources say about the port that their server listens on and the paths that it answers.

use regex::Regex;

use super::Port;

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

/// A path that the sources' server answers: `/` where it is named, else the first that has no
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
