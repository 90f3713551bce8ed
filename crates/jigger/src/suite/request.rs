//! `[request]`, a scenario's `request` and its `requests_mix`: what is sent, and how it is read.

use std::path::Path;
use std::sync::Arc;

use jigger_load::{Http, Request, RequestError, TemplateError, Url, UrlError};

use super::capture::Capture;
use super::expectation::ExpectationChange;
use super::fault::{Checked, Fault, at, refused, unknown};
use super::file::{self, NOT_TEXT};
use super::placeholder;
use super::raw::{RawExpect, RawRequest};

/// What is sent to a contender's URL. `{env:NAME}` is filled when it is encoded, so that what the
/// environment keeps does not get into the record.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestSpec {
    pub method: String,
    /// Appended to the contender's URL; empty for the URL as it is.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Body,
    /// What `{{line}}` stands for, line by line.
    pub lines: Lines,
    /// Whether `{{counter}}` and its like are filled for each request.
    pub is_template: bool,
    /// What of the contender's expectation it has otherwise.
    pub expectation: ExpectationChange,
    /// What it is sent over, as its scenario says.
    pub http: Http,
    /// What each connection has before it sends this.
    pub setup: Arc<Setup>,
    /// Whether it is a gRPC call, whose message the body is.
    pub is_grpc: bool,
}

/// What each connection has before its load.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Setup {
    /// Sent in this order.
    pub requests: Vec<SetupRequest>,
    /// Whether the connection sends the cookies back that it was given, also by responses under load.
    pub keeps_cookies: bool,
}

/// One request, and what of its response is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct SetupRequest {
    /// Its own setup is what comes before it.
    pub spec: RequestSpec,
    pub captures: Vec<Capture>,
}

impl Setup {
    /// Whether a connection has nothing.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty() && !self.keeps_cookies
    }

    /// The names of what is kept, in the order in which it comes.
    pub fn names(&self) -> Vec<String> {
        let captures = self.requests.iter().flat_map(|request| &request.captures);
        captures.map(|capture| capture.name.clone()).collect()
    }
}

/// A body, and the file that it came from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Body {
    pub bytes: Arc<[u8]>,
    /// As the suite names it.
    pub file: Option<String>,
}

/// The lines of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lines {
    pub texts: Arc<[String]>,
    /// As the suite names it.
    pub file: Option<String>,
}

/// Why a request cannot be sent to a URL.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error("path: {0}")]
    Url(UrlError),
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl Default for RequestSpec {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            path: String::new(),
            headers: Vec::new(),
            body: Body::default(),
            lines: Lines::default(),
            is_template: true,
            expectation: ExpectationChange::default(),
            http: Http::V1,
            setup: Arc::default(),
            is_grpc: false,
        }
    }
}

impl RequestSpec {
    /// The bytes for this URL.
    ///
    /// # Errors
    /// [`EncodeError`] for what could not be sent.
    pub fn encode(&self, url: &Url) -> Result<Request, EncodeError> {
        let url = self.url(url).map_err(EncodeError::Url)?;
        let filled = |(name, value): &(String, String)| (name.clone(), placeholder::filled(value));
        let headers: Vec<(String, String)> = self.headers.iter().map(filled).collect();
        let body = self.body.filled();
        if self.is_grpc {
            return Ok(Request::grpc(&url, &headers, &body)?);
        }
        Ok(match self.is_template {
            true => {
                let (lines, names) = (&self.lines.texts, self.setup.names());
                Request::in_sessions((&self.method, &url), &headers, &body, lines, &names)?
            }
            false => Request::new(&self.method, &url, &headers, &body)?,
        })
    }

    /// The request to a contender with this URL.
    ///
    /// # Errors
    /// [`UrlError`] when the path has what cannot stand in a URL.
    pub fn url(&self, url: &Url) -> Result<Url, UrlError> {
        match placeholder::filled(&self.path).as_str() {
            "" => Ok(url.clone()),
            path => url.join(path),
        }
    }

    /// `POST /orders`, the path as the suite has it.
    pub fn title(&self) -> String {
        format!("{} {}", self.method, self.path).trim_end().to_owned()
    }

    /// Whether it only reads, so that it may be sent any number of times.
    pub fn is_safe(&self) -> bool {
        is_safe(&self.method)
    }

    /// Whether a URL says all of it.
    pub fn is_plain_get(&self) -> bool {
        self.is_get() && self.setup.is_empty()
    }

    /// Whether it is a GET without headers and without a body, the same each time.
    pub fn is_get(&self) -> bool {
        let is_bare = self.headers.is_empty() && self.body.bytes.is_empty();
        self.method == "GET" && is_bare && !self.path.contains("{{")
    }
}

impl Body {
    /// A file is sent as it is.
    fn filled(&self) -> Vec<u8> {
        match (self.file.is_none(), std::str::from_utf8(&self.bytes)) {
            (true, Ok(text)) => placeholder::filled(text).into_bytes(),
            _ => self.bytes.to_vec(),
        }
    }
}

impl RawRequest {
    /// This request, with `default` for the keys that it leaves out.
    ///
    /// # Errors
    /// [`Fault`] where a method that has no body by itself meets a body of the other one's.
    pub fn over(self, default: &Self) -> Checked<Self> {
        let inherits = default.has_body() && !self.names_body();
        if let Some(method) = self.bodiless_method().filter(|_| inherits) {
            return refused(format!(
                "method = '{method}' has the body of the request that it overrides; write \
                 body = \"\" to send none, or the body itself"
            ));
        }
        let is_inherited = self.method.is_none() && self.has_body();
        if let Some(method) = default.bodiless_method().filter(|_| is_inherited) {
            return refused(format!(
                "its body would be sent with the method '{method}' of the request that it \
                 overrides; write the method as well, such as method = \"POST\""
            ));
        }
        let body = if self.names_body() { &self } else { default };
        let (text, json, file) = (body.body.clone(), body.json.clone(), body.body_file.clone());
        let default = default.clone();
        Ok(Self {
            weight: self.weight,
            method: self.method.or(default.method),
            path: self.path.or(default.path),
            headers: self.headers.or(default.headers),
            body: text,
            json,
            body_file: file,
            lines: self.lines.or(default.lines),
            template: self.template.or(default.template),
            cookies: self.cookies.or(default.cookies),
            capture: self.capture.or(default.capture),
            expect: match (self.expect, default.expect) {
                (Some(own), Some(default)) => Some(own.over(default)),
                (own, default) => own.or(default),
            },
        })
    }

    fn names_body(&self) -> bool {
        self.body.is_some() || self.json.is_some() || self.body_file.is_some()
    }

    fn has_body(&self) -> bool {
        self.names_body() && self.body.as_ref().is_none_or(|body| !body.is_empty())
    }

    fn bodiless_method(&self) -> Option<&str> {
        self.method.as_deref().filter(|method| ["GET", "HEAD"].contains(method))
    }
}

impl RawExpect {
    /// This expectation, with `default` for what it leaves out.
    fn over(self, default: Self) -> Self {
        let names_body = self.json.is_some()
            || self.text.is_some()
            || self.regex.is_some()
            || self.sha256.is_some()
            || self.length.is_some()
            || self.html.is_some()
            || self.schema.is_some()
            || self.jsonpath.is_some();
        let body = if names_body { self.clone() } else { default.clone() };
        Self {
            status: self.status.or(default.status),
            headers: self.headers.or(default.headers),
            command: self.command.or(default.command),
            ..body
        }
    }
}

/// What a scenario sends, with weights: the mix over its request.
pub fn validated(
    request: RawRequest,
    mix: Option<Vec<RawRequest>>,
    (setup, folder): (&Arc<Setup>, &Path),
) -> Checked<Vec<(RequestSpec, u32)>> {
    let Some(mix) = mix else {
        return Ok(vec![(spec(request, setup, folder).map_err(at("request"))?, 1)]);
    };
    if mix.is_empty() {
        return refused("requests_mix is empty; write a request into it, or leave it out");
    }
    let weighed = |raw: RawRequest| {
        let weight = raw.weight.unwrap_or(1);
        if weight == 0 {
            return refused("weight = 0 would never be sent; leave the request out");
        }
        Ok((spec(raw.over(&request)?, setup, folder)?, weight))
    };
    let numbered = mix
        .into_iter()
        .zip(1..)
        .map(|(raw, number)| weighed(raw).map_err(at(&format!("requests_mix, request {number}"))));
    numbered.collect()
}

/// A scenario's own request over the suite's.
pub fn default(own: Option<RawRequest>, default: &RawRequest) -> Checked<RawRequest> {
    let own = own.unwrap_or_default();
    if own.weight.is_some() {
        return Err(at("request")(lone_weight()));
    }
    own.over(default).map_err(at("request"))
}

/// A request of `[request]` has no part in a mix by itself.
pub fn lone_weight() -> Fault {
    Fault::from("weight is for several requests; write them into requests_mix".to_owned())
}

/// Reads a request that leaves nothing to another.
pub fn spec(raw: RawRequest, setup: &Arc<Setup>, folder: &Path) -> Checked<RequestSpec> {
    if raw.capture.is_some() {
        return refused(
            "capture is for what is sent before the load; write it in a [[setup_request]]",
        );
    }
    if raw.cookies.is_some_and(|keeps| keeps != setup.keeps_cookies) {
        return refused(
            "cookies: all requests of a scenario share its connections; write it in [request], or in \
             the scenario's request",
        );
    }
    let mut headers: Vec<(String, String)> = raw.headers.into_iter().flatten().collect();
    if raw.json.is_some() && !headers.iter().any(|(name, _)| is_content_type(name)) {
        headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
    }
    if setup.keeps_cookies && headers.iter().any(|(name, _)| is_cookie(name)) {
        return refused("headers: with cookies = true jigger sends Cookie itself; leave it out");
    }
    let expectation =
        raw.expect.as_ref().map(|raw| ExpectationChange::read(raw, folder)).transpose()?;
    let body = body(raw.body, raw.json.as_ref(), raw.body_file, folder)?;
    let usual = if body.bytes.is_empty() { "GET" } else { "POST" };
    let path = path(raw.path.unwrap_or_default())?;
    let texts = headers.iter().map(|(_, value)| value.as_bytes());
    let has_holes = texts
        .chain([path.as_bytes(), &body.bytes])
        .any(|text| text.windows(2).any(|pair| pair == b"{{"));
    let spec = RequestSpec {
        method: raw.method.unwrap_or_else(|| usual.to_owned()),
        path,
        headers,
        body,
        lines: raw.lines.map(|name| lines(name, folder)).transpose()?.unwrap_or_default(),
        is_template: raw.template.unwrap_or(true) || !has_holes,
        expectation: expectation.unwrap_or_default(),
        http: Http::V1,
        setup: Arc::clone(setup),
        is_grpc: false,
    };
    check(&spec)?;
    Ok(spec)
}

/// Finds at once what could not be sent to any contender.
pub fn check(spec: &RequestSpec) -> Checked<()> {
    let somewhere = Url::parse("http://127.0.0.1/").map_err(|error| error.to_string())?;
    spec.encode(&somewhere).map_err(|error| told(&error, &spec.setup))?;
    Ok(())
}

/// Whether a header is the one that a jar of cookies writes.
pub fn is_cookie(name: &str) -> bool {
    name.eq_ignore_ascii_case("cookie")
}

/// Whether a header says what the body is.
pub fn is_content_type(name: &str) -> bool {
    name.eq_ignore_ascii_case("content-type")
}

/// In the words of the suite's keys.
fn told(error: &EncodeError, setup: &Setup) -> String {
    match error {
        EncodeError::Request(RequestError::Template(TemplateError::Unknown(name))) => {
            let own = ["counter", "random", "random:LOW:HIGH", "line"].map(str::to_owned);
            let known = own.into_iter().chain(setup.names());
            let known: Vec<String> = known.map(|name| format!("{{{{{name}}}}}")).collect();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let told = unknown("placeholder", &format!("{{{{{name}}}}}"), &known);
            format!("{told}; template = false sends it as it stands")
        }
        EncodeError::Request(RequestError::Method(_) | RequestError::Connect) => {
            format!("method: {error}")
        }
        EncodeError::Request(RequestError::HeaderName(name)) => {
            format!("headers: '{name}' is not a header name; names have letters, digits and '-'")
        }
        EncodeError::Request(RequestError::Template(template)) => {
            format!("{template}; template = false sends it literally")
        }
        EncodeError::Request(_) => format!("headers: {error}"),
        EncodeError::Url(_) => error.to_string(),
    }
}

/// A path that can follow a contender's url.
pub fn path(path: String) -> Checked<String> {
    if !path.is_empty() && !path.starts_with(['/', '?']) {
        return refused(format!("path = '{path}': begin it with / or ?, such as '/{path}'"));
    }
    if path.contains('#') {
        return refused(format!("path = '{path}': what follows # is never sent; leave it out"));
    }
    Ok(path)
}

fn body(
    text: Option<String>,
    json: Option<&toml::Value>,
    file: Option<String>,
    folder: &Path,
) -> Checked<Body> {
    let given = usize::from(text.is_some()) + usize::from(json.is_some());
    if given + usize::from(file.is_some()) > 1 {
        return refused("give one of body, json, body_file");
    }
    if let Some(name) = file {
        let bytes = file::read("body_file", &name, folder)?;
        return Ok(Body { bytes: bytes.into(), file: Some(name) });
    }
    let json = json.map(serde_json::to_string).transpose();
    let json = json.map_err(|error| format!("json: {error}"))?;
    let bytes = text.or(json).unwrap_or_default().into_bytes();
    Ok(Body { bytes: bytes.into(), file: None })
}

fn lines(name: String, folder: &Path) -> Checked<Lines> {
    let bytes = file::read("lines", &name, folder)?;
    let text = String::from_utf8(bytes).map_err(|_| format!("lines = '{name}': {NOT_TEXT}"))?;
    Ok(Lines { texts: text.lines().map(str::to_owned).collect(), file: Some(name) })
}

/// Whether a method only reads (RFC 9110, section 9.2.1).
pub fn is_safe(method: &str) -> bool {
    ["GET", "HEAD", "OPTIONS"].contains(&method)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::{Scenario, Suite};

    const HEAD: &str = "[suite]\nname = \"s\"\n[[contender]]\nname = \"a\"\nurl = \"http://h/\"\n";

    fn parse(lines: &str, folder: &Path) -> Result<Suite, String> {
        Suite::parse(&format!("{HEAD}{lines}"), "s", folder).map_err(|error| error.to_string())
    }

    fn scenario(lines: &str) -> Scenario {
        parse(lines, Path::new("/")).unwrap().scenarios.remove(0)
    }

    fn bytes(spec: &RequestSpec) -> String {
        let request = spec.encode(&Url::parse("http://h/base/").unwrap()).unwrap();
        String::from_utf8(request.bytes()).unwrap()
    }

    const SCENARIO: &str = "[[scenario]]\nname = \"q\"\nrequests = 1\n";

    #[test]
    fn without_a_key_it_is_a_bare_get_of_the_url() {
        let found = scenario(SCENARIO);
        assert_eq!(found.requests, [(RequestSpec::default(), 1)]);
        assert_eq!(bytes(&found.requests[0].0), "GET /base/ HTTP/1.1\r\nHost: h\r\n\r\n");
        assert!(found.requests[0].0.is_plain_get());
    }

    #[test]
    fn a_scenario_overrides_each_key_of_the_suites_request() {
        let found = scenario(&format!(
            "[request]\nmethod = \"PUT\"\npath = \"/x?n={{{{counter}}}}\"\njson = {{ a = 1 }}\n\
             headers = {{ X = \"y\" }}\nexpect = {{ status = 201, text = \"ok\" }}\n\
             {SCENARIO}request = {{ path = \"/z\", expect = {{ status = 204 }} }}\n"
        ));
        let [(spec, 1)] = &found.requests[..] else { panic!("{found:?}") };
        assert_eq!(
            bytes(spec),
            "PUT /base/z HTTP/1.1\r\nHost: h\r\nX: y\r\nContent-Type: application/json\r\n\
             Content-Length: 7\r\n\r\n{\"a\":1}"
        );
        let expectation = super::super::Expectation::default().with(&spec.expectation);
        assert_eq!(expectation.status, super::super::StatusRule::Is(204));
        assert!(expectation.fault(204, &[], b"no").is_some(), "the body's rule is inherited");
    }

    #[test]
    fn a_body_makes_a_post_and_an_explicit_get_keeps_its_own() {
        let of = |keys: &str| {
            let found = scenario(&format!("{SCENARIO}request = {{ {keys} }}\n"));
            bytes(&found.requests[0].0)
        };
        assert!(of("body = \"b\"").starts_with("POST /base/ HTTP"));
        assert!(of("method = \"GET\", body = \"b\"").ends_with("Content-Length: 1\r\n\r\nb"));
    }

    #[test]
    fn a_mix_takes_what_it_leaves_out_from_the_scenario_and_the_suite() {
        let found = scenario(&format!(
            "[request]\nheaders = {{ X = \"y\" }}\n{SCENARIO}request = {{ path = \"/r\" }}\n\
             requests_mix = [{{ weight = 8 }}, {{ method = \"DELETE\", path = \"/d\" }}]\n"
        ));
        let weights: Vec<u32> = found.requests.iter().map(|(_, weight)| *weight).collect();
        assert_eq!(weights, [8, 1]);
        assert!(bytes(&found.requests[0].0).starts_with("GET /base/r HTTP/1.1\r\nHost: h\r\nX: y"));
        assert!(bytes(&found.requests[1].0).starts_with("DELETE /base/d "));
    }

    #[test]
    fn files_and_the_environment_are_filled_in() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("b.json"), "{env:HOME}{{line}}").unwrap();
        std::fs::write(folder.path().join("names"), "one\ntwo\n").unwrap();
        let keys = "body_file = \"b.json\", lines = \"names\", \
                    headers = { A = \"Bearer {env:JIGGER_NOT_SET:-t}\" }";
        let suite = parse(&format!("{SCENARIO}request = {{ {keys} }}\n"), folder.path()).unwrap();
        let sent = bytes(&suite.scenarios[0].requests[0].0);
        assert!(sent.contains("A: Bearer t\r\n"), "{sent}");
        assert!(sent.ends_with("\r\n\r\n{env:HOME}one"), "a file is sent as it is: {sent}");
        let kept = &suite.scenarios[0].requests[0].0.headers[0].1;
        assert_eq!(kept, "Bearer {env:JIGGER_NOT_SET:-t}", "no secret is kept");
    }

    #[test]
    fn each_wrong_request_has_its_message() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("empty"), "").unwrap();
        std::fs::write(folder.path().join("latin"), b"\xe9").unwrap();
        let huge = std::fs::File::create(folder.path().join("huge")).unwrap();
        huge.set_len(file::MAX_BYTES + 1).unwrap();
        for (keys, wanted) in [
            ("metod = \"GET\"", "unknown key 'metod'; did you mean 'method'?"),
            ("method = \"G T\"", "request: method: `G T` is not a method"),
            ("method = \"CONNECT\"", "tunnel"),
            ("path = \"x\"", "path = 'x': begin it with / or ?"),
            ("path = \"/a b\"", "request: path: ` ` cannot stand in a URL"),
            ("path = \"/a#b\"", "what follows # is never sent"),
            (
                "path = \"/{{conter}}\"",
                "unknown placeholder '{{conter}}'; did you mean '{{counter}}'?",
            ),
            ("path = \"/{{token}}\"", "{{random:LOW:HIGH}}, {{line}}; template = false"),
            ("capture = { token = \"json:/t\" }", "write it in a [[setup_request]]"),
            ("cookies = true, headers = { cookie = \"a=1\" }", "jigger sends Cookie itself"),
            ("path = \"/{{counter\"", "close the placeholder"),
            ("path = \"/{{line}}\"", "needs a file with at least one line"),
            ("headers = { \"a b\" = \"c\" }", "headers: 'a b' is not a header name"),
            ("headers = { a = \"b\\nc\" }", "control character"),
            ("headers = { Content-Length = \"3\" }", "set by jigger"),
            ("body = \"a\", json = 1", "give one of body, json, body_file"),
            ("body_file = \"gone\"", "body_file = 'gone': cannot read it: No such file"),
            ("body_file = \"empty\"", "the file is empty"),
            ("body_file = \"huge\"", "the maximum is 64 MiB"),
            ("body_file = \".\"", "cannot read it: Is a directory"),
            ("lines = \"latin\"", "not UTF-8 text"),
            ("weight = 2", "write them into requests_mix"),
            ("expect = { statu = 1 }", "did you mean 'status'?"),
            ("expect = { text = \"\", length = 0 }", "give one of json, text"),
        ] {
            let text = format!("{SCENARIO}request = {{ {keys} }}\n");
            let message = parse(&text, folder.path()).unwrap_err();
            assert!(message.contains(wanted), "{keys}: {message}");
            let is_placed = message.starts_with("s: scenario 'q': request: ");
            assert!(is_placed || message.starts_with("s:9: "), "{message}");
        }
    }

    #[test]
    fn each_wrong_mix_has_its_message() {
        for (mix, wanted) in [
            ("[]", "requests_mix is empty"),
            ("[{ weight = 0 }]", "requests_mix, request 1: weight = 0 would never be sent"),
            ("[{}, { path = \"x\" }]", "requests_mix, request 2: path = 'x'"),
            ("[{ method = \"GET\" }]", "write body = \"\" to send none"),
        ] {
            let text = format!(
                "{SCENARIO}request = {{ method = \"POST\", body = \"b\" }}\nrequests_mix = {mix}\n"
            );
            let message = parse(&text, Path::new("/")).unwrap_err();
            assert!(message.contains(wanted), "{message}");
        }
        let text = format!("[request]\nmethod = \"GET\"\n{SCENARIO}request = {{ body = \"b\" }}\n");
        assert!(parse(&text, Path::new("/")).unwrap_err().contains("write the method as well"));
        let none = format!(
            "[request]\nmethod = \"POST\"\nbody = \"b\"\n{SCENARIO}\
             request = {{ method = \"GET\", body = \"\" }}\n"
        );
        assert!(bytes(&scenario(&none).requests[0].0).ends_with("Host: h\r\n\r\n"));
        let lone = parse(&format!("[request]\nweight = 3\n{SCENARIO}"), Path::new("/"));
        assert!(lone.unwrap_err().contains("[request]: weight is for several requests"));
    }
}
