//! A contender's `headers` and `path`: what its requests have otherwise than those of the suite.

use std::collections::BTreeMap;

use super::fault::Checked;
use super::request::{self, RequestSpec};

/// What a contender's requests have otherwise than those of the suite.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OwnRequest {
    /// Added, or in place of those of the same name.
    pub headers: Vec<(String, String)>,
    pub path: Option<String>,
}

impl OwnRequest {
    /// Reads a contender's `headers` and `path`.
    pub fn read(headers: Option<BTreeMap<String, String>>, path: Option<String>) -> Checked<Self> {
        let headers = headers.into_iter().flatten().collect();
        Ok(Self { headers, path: path.map(request::path).transpose()? })
    }

    /// The request with all of this.
    pub fn over(&self, spec: &RequestSpec) -> RequestSpec {
        let spec = self.with_headers(spec);
        RequestSpec { path: self.path.clone().unwrap_or(spec.path), ..spec }
    }

    /// The request with these headers and its own path, as one of a setup is sent.
    pub fn with_headers(&self, spec: &RequestSpec) -> RequestSpec {
        let mut spec = spec.clone();
        for (name, value) in &self.headers {
            let same = |(known, _): &&mut (String, String)| known.eq_ignore_ascii_case(name);
            match spec.headers.iter_mut().find(same) {
                Some((_, known)) => known.clone_from(value),
                None => spec.headers.push((name.clone(), value.clone())),
            }
        }
        spec
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jigger_load::Url;

    use crate::suite::Suite;

    fn parse(contender: &str, scenario: &str) -> Result<Suite, String> {
        let text = format!(
            "[suite]\nname = \"s\"\n[[contender]]\nname = \"a\"\nurl = \"http://h/\"\n{contender}\n\
             [request]\npath = \"/items\"\nheaders = {{ A = \"1\" }}\n\
             [[scenario]]\nname = \"q\"\nrequests = 1\n{scenario}\n"
        );
        Suite::parse(&text, "s", Path::new("/")).map_err(|error| error.to_string())
    }

    #[test]
    fn it_takes_the_place_of_what_the_suite_has() {
        let keys = "path = \"/v2/items\"\nheaders = { a = \"{env:NO_SUCH:-2}\", B = \"3\" }";
        let suite = parse(keys, "").unwrap();
        let spec = suite.contenders[0].own_request.over(&suite.scenarios[0].requests[0].0);
        let request = spec.encode(&Url::parse("http://h/").unwrap()).unwrap();
        let wanted = "GET /v2/items HTTP/1.1\r\nHost: h\r\nA: 2\r\nB: 3\r\n\r\n";
        assert_eq!(String::from_utf8(request.bytes()).unwrap(), wanted);
        assert_eq!(suite.contenders[0].own_request.headers[1].1, "{env:NO_SUCH:-2}");
    }

    #[test]
    fn each_that_makes_no_request_has_its_message() {
        let mix = "requests_mix = [{}, { path = \"/b\" }]";
        for (contender, scenario, wanted) in [
            ("path = \"x\"", "", "contender 'a': path = 'x': begin it with / or ?"),
            ("path = \"/x\"", mix, "the scenario 'q' has several requests"),
            ("headers = { a = \"b\\nc\" }", "", "contender 'a': headers: the value of header `A`"),
            ("headers = { A = \"{{tokn}}\" }", "", "unknown placeholder '{{tokn}}'"),
            (
                "headers = { Cookie = \"a=1\" }",
                "request = { cookies = true }",
                "jigger sends Cookie itself",
            ),
        ] {
            let message = parse(contender, scenario).unwrap_err();
            assert!(message.contains(wanted), "{message}");
        }
        assert!(parse("headers = { B = \"1\" }", mix).is_ok());
    }
}
