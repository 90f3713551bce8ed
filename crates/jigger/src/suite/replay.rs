//! `requests_file`: the requests of a file, which are sent in turn.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use regex::Regex;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::body_expectation::hex;
use super::expectation::ExpectationChange;
use super::fault::{Checked, Fault, at, refused};
use super::file::{self, NOT_TEXT};
use super::raw::{RawExpect, RawRequest};
use super::request::{self, RequestSpec, Setup};
use crate::wording::plain;

/// The requests of a file, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// As the suite names it.
    pub file: String,
    /// Of the file.
    pub sha256: String,
    pub requests: Arc<[RequestSpec]>,
    /// Requests of the file that cannot be sent as they were.
    pub left_out: usize,
}

/// What a file's bytes say, before they are held to the suite.
#[derive(Default)]
struct Found {
    /// Each with its place in the file.
    requests: Vec<(String, RawRequest)>,
    left_out: usize,
}

/// Some editors write it before a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The keys of a JSON line; an object that has none of them is something else, such as a line of a log
/// in a format of its own.
const OF_JSON_LINES: [&str; 9] =
    ["path", "url", "method", "headers", "body", "json", "body_file", "lines", "expect"];

const FORMATS: &str = "it has no key of a request; jigger reads JSON lines with the keys of [request], \
                       URLs or paths, vegeta's targets, HAR archives, and access logs in the common or \
                       combined format";

/// Of a longer file the client would need more memory than of most servers.
const MOST_REQUESTS: usize = 100_000;
/// So many requests stand for all when the responses are verified.
const SAMPLE: usize = 20;

impl Replay {
    /// Reads a file, whose format its content tells; what a request leaves out is `default`'s, and
    /// each connection has what `setup` gives it.
    ///
    /// # Errors
    /// [`Fault`] when it cannot be read, or has no requests or some that cannot be sent.
    pub fn read(
        file: String,
        default: &RawRequest,
        (setup, folder): (&Arc<Setup>, &Path),
    ) -> Checked<Self> {
        let bytes = file::read("requests_file", &file, folder)?;
        let wrong = |what: String| Fault::from(format!("requests_file = '{file}': {what}"));
        let text = std::str::from_utf8(&bytes).map_err(|_| wrong(NOT_TEXT.to_owned()))?;
        let Found { requests, left_out } = Found::read(text).map_err(at(&file))?;
        match (requests.len(), left_out) {
            (0, 0) => Err(wrong(
                "it has no request; write one a line, such as GET /items, or export a HAR file that \
                 has some"
                    .to_owned(),
            )),
            (0, _) => Err(wrong(format!(
                "it has no request that can be sent again ({left_out} cannot, for example because \
                 an access log has no bodies)"
            ))),
            (1..=MOST_REQUESTS, _) => {
                let specs = requests.into_iter().map(|(place, raw)| {
                    spec(raw, default, (setup, folder)).map_err(at(&place)).map_err(at(&file))
                });
                let requests = specs.collect::<Checked<_>>()?;
                Ok(Self { sha256: hex(&Sha256::digest(&bytes)), file, requests, left_out })
            }
            (many, _) => Err(wrong(format!(
                "it has {many} requests, and the maximum is {MOST_REQUESTS}; shorten it"
            ))),
        }
    }

    /// Reads the file that a command names; these headers go with each request that has none of its
    /// own.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn of_command(file: String, headers: Vec<(String, String)>) -> Checked<Self> {
        let headers = (!headers.is_empty()).then(|| headers.into_iter().collect());
        let default = RawRequest { headers, ..RawRequest::default() };
        Self::read(file, &default, (&Arc::default(), Path::new("")))
    }

    /// Some requests from all over the file, each once, which are verified for all.
    pub fn sample(&self) -> Vec<(RequestSpec, u32)> {
        let step = self.requests.len().div_ceil(SAMPLE);
        let mut sample: Vec<(RequestSpec, u32)> = Vec::new();
        for spec in self.requests.iter().step_by(step) {
            if !sample.iter().any(|(known, _)| known == spec) {
                sample.push((spec.clone(), 1));
            }
        }
        sample
    }
}

/// A response is correct below status 400, unless the request says otherwise: the body that one
/// request has is not that of the others.
fn spec(
    mut raw: RawRequest,
    default: &RawRequest,
    (setup, folder): (&Arc<Setup>, &Path),
) -> Checked<RequestSpec> {
    // What was recorded belongs to a session that is over.
    if let Some(headers) = raw.headers.as_mut().filter(|_| setup.keeps_cookies) {
        headers.retain(|name, _| !request::is_cookie(name));
    }
    if raw.weight.is_some() {
        return refused("weight: the requests of a file are sent in turn; leave it out");
    }
    let named = raw.expect.as_ref().map(|raw| ExpectationChange::read(raw, folder));
    let named = named.transpose()?.unwrap_or_default();
    let mut spec = request::spec(raw.over(default)?, setup, folder)?;
    spec.expectation = named.or(std::mem::take(&mut spec.expectation)).or_no_error();
    Ok(spec)
}

impl Found {
    fn read(text: &str) -> Checked<Self> {
        let text = text.trim_start_matches(BYTE_ORDER_MARK);
        let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !is_comment(line));
        let first = first.unwrap_or_default();
        if LOG_LINE.is_match(first) {
            return Ok(Self::of_log(text));
        }
        if !first.starts_with(['{', '[']) {
            return Self::of_targets(text);
        }
        match serde_json::from_str::<Archive>(text) {
            Ok(archive) => Ok(Self::of_archive(archive)),
            Err(_) => Self::of_json_lines(text),
        }
    }

    /// One object a line, with the keys of a request in a suite.
    fn of_json_lines(text: &str) -> Checked<Self> {
        let mut found = Self::default();
        for (place, line) in numbered(text) {
            let request = json_line(line).map_err(at(&place))?;
            found.requests.push((place, request));
        }
        Ok(found)
    }

    /// The lines of vegeta's targets: `METHOD URL`, then headers and `@FILE` for the body; or the
    /// URL alone.
    fn of_targets(text: &str) -> Checked<Self> {
        let mut found = Self::default();
        for (place, line) in numbered(text) {
            let last = found.requests.last_mut().map(|(_, request)| request);
            match (target(line), line.strip_prefix('@'), line.split_once(':'), last) {
                (Some(request), ..) => found.requests.push((place, request)),
                (None, Some(file), _, Some(request)) => request.body_file = Some(file.to_owned()),
                (None, None, Some((name, value)), Some(request)) => {
                    add_header(request, name.trim(), value.trim());
                }
                _ => {
                    let message =
                        format!("'{line}': write METHOD /PATH, a URL, or a header below one");
                    return Err(at(&place)(message.into()));
                }
            }
        }
        Ok(found)
    }

    /// A log has no bodies, so that only what only reads can be sent as it was.
    fn of_log(text: &str) -> Self {
        let mut found = Self::default();
        for (place, line) in numbered(text) {
            let request = LOG_LINE.captures(line).and_then(|parts| {
                let method = parts["method"].to_owned();
                let is_safe = request::is_safe(&method);
                // What the log has escaped was sent otherwise.
                let is_whole = !parts["target"].contains('\\');
                let path = path(&parts["target"]).filter(|_| is_safe && is_whole)?;
                let status = parts["status"].parse().ok();
                let expect = as_recorded(status.filter(|it| *it != CLIENT_GONE)?);
                Some(RawRequest { expect, ..as_it_stands(method, path) })
            });
            match request {
                Some(request) => found.requests.push((place, request)),
                None => found.left_out += 1,
            }
        }
        found
    }

    /// What went to the host of the first entry.
    fn of_archive(archive: Archive) -> Self {
        let entries = archive.log.entries;
        let first = entries.first().map(|entry| host(&entry.request.url).to_owned());
        let mut found = Self::default();
        for (number, entry) in (1..).zip(entries) {
            let path = path(&entry.request.url);
            let is_there = Some(host(&entry.request.url)) == first.as_deref() && entry.is_whole();
            match path.filter(|_| is_there) {
                Some(path) => found.requests.push((format!("entry {number}"), entry.raw(path))),
                None => found.left_out += 1,
            }
        }
        found
    }
}

/// What HAR 1.2 has of a request.
#[derive(Deserialize)]
struct Archive {
    log: ArchiveLog,
}

#[derive(Deserialize)]
struct ArchiveLog {
    entries: Vec<ArchiveEntry>,
}

#[derive(Deserialize)]
struct ArchiveEntry {
    request: ArchiveRequest,
    #[serde(default)]
    response: ArchiveResponse,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ArchiveRequest {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<ArchiveHeader>,
    post_data: Option<ArchiveBody>,
}

#[derive(Deserialize)]
struct ArchiveHeader {
    name: String,
    value: String,
}

#[derive(Deserialize)]
struct ArchiveBody {
    text: Option<String>,
}

/// A status of 0: there was no response.
#[derive(Default, Deserialize)]
struct ArchiveResponse {
    status: Option<u16>,
}

impl ArchiveEntry {
    /// Whether it had a response, and its body is there as it was sent: a form may be there as
    /// parameters alone.
    fn is_whole(&self) -> bool {
        let body = self.request.post_data.as_ref();
        self.response.status.is_none_or(|status| status > 0)
            && body.is_none_or(|body| body.text.is_some())
    }

    /// Without the headers that belong to the connection, and those that the engine writes.
    fn raw(self, path: String) -> RawRequest {
        const OF_THE_CONNECTION: [&str; 8] = [
            "host",
            "content-length",
            "connection",
            "keep-alive",
            "proxy-connection",
            "transfer-encoding",
            "upgrade",
            "te",
        ];
        let mut raw = as_it_stands(self.request.method, path);
        raw.body = self.request.post_data.and_then(|body| body.text);
        raw.expect = as_recorded(self.response.status.unwrap_or_default());
        raw.headers = Some(BTreeMap::new());
        for ArchiveHeader { name, value } in self.request.headers {
            let is_kept = !name.starts_with(':')
                && !OF_THE_CONNECTION.iter().any(|other| name.eq_ignore_ascii_case(other));
            if is_kept {
                add_header(&mut raw, &name, &value);
            }
        }
        raw
    }
}

/// The lines that are neither empty nor a comment, with their places.
fn numbered(text: &str) -> impl Iterator<Item = (String, &str)> {
    let lines = (1..).zip(text.lines().map(str::trim));
    let meant = lines.filter(|(_, line)| !line.is_empty() && !is_comment(line));
    meant.map(|(number, line)| (format!("line {number}"), line))
}

fn is_comment(line: &str) -> bool {
    line.starts_with('#')
}

/// What nginx logs where the client did not wait for a response.
const CLIENT_GONE: u16 = 499;

/// The Common Log Format and what begins with it, such as the combined one.
static LOG_LINE: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the expression is fixed, and a test uses it")]
    Regex::new(
        r#"^\S+ \S+ .*?\[[^\]]*\] "(?<method>[A-Z]+) (?<target>\S+)(?: HTTP/[0-9.]+)?" (?<status>[1-9][0-9]{2})\b"#,
    )
    .expect("a regular expression")
});

fn json_line(line: &str) -> Checked<RawRequest> {
    let told = |error: serde_json::Error| {
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or_default();
        Fault::from(format!("{message} (column {})", error.column()))
    };
    let mut keys: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(line).map_err(told)?;
    if let Some(url) = keys.remove("url") {
        if keys.contains_key("path") {
            return refused("give one of path, url");
        }
        let url = url.as_str().unwrap_or_default();
        let path = path(url).ok_or_else(|| {
            format!("url = '{url}': write an absolute URL, or a path as \"path\"")
        })?;
        keys.insert("path".to_owned(), path.into());
    }
    if !keys.is_empty() && !keys.keys().any(|key| OF_JSON_LINES.contains(&key.as_str())) {
        return refused(FORMATS);
    }
    RawRequest::deserialize(serde_json::Value::Object(keys))
        .map_err(|error| Fault::from(plain(&error.to_string(), "an object")))
}

/// `METHOD URL` or a URL alone.
fn target(line: &str) -> Option<RawRequest> {
    let (method, url) = line.split_once(' ').unwrap_or(("GET", line));
    let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    let path = path(url.trim()).filter(|_| is_method)?;
    Some(as_it_stands(method.to_owned(), path))
}

/// Recorded requests have no placeholders, whatever they look like.
fn as_it_stands(method: String, path: String) -> RawRequest {
    let (method, path) = (Some(method), Some(path));
    RawRequest { method, path, template: Some(false), ..RawRequest::default() }
}

/// An error is to be the recorded one; any other status is as good as another.
fn as_recorded(status: u16) -> Option<RawExpect> {
    let status = Some(status).filter(|status| *status >= 400);
    Some(RawExpect { status, ..RawExpect::default() })
}

/// Several of one name are one list (RFC 9110, section 5.3), but for cookies (RFC 6265, section 5.4).
fn add_header(request: &mut RawRequest, name: &str, value: &str) {
    let headers = request.headers.get_or_insert_default();
    let between = if name.eq_ignore_ascii_case("cookie") { "; " } else { ", " };
    headers
        .entry(name.to_owned())
        .and_modify(|known| *known = format!("{known}{between}{value}"))
        .or_insert_with(|| value.to_owned());
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// The path of a URL, with its query; `None` for what is neither an absolute URL nor a path.
fn path(url: &str) -> Option<String> {
    let url = url.split('#').next().unwrap_or_default();
    let target = match url.split_once("://") {
        Some(("http" | "https", rest)) => &rest[rest.find(['/', '?']).unwrap_or(rest.len())..],
        Some(_) if !url.starts_with('/') => return None,
        _ if url.starts_with('/') => url,
        _ => return None,
    };
    Some(if target.starts_with('/') { target.to_owned() } else { format!("/{target}") })
}

#[cfg(test)]
mod tests {
    use super::super::expectation::StatusRule;
    use super::*;

    fn read(text: &str) -> Result<Replay, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("f"), text).unwrap();
        std::fs::write(folder.path().join("body.json"), "{}").unwrap();
        let default = RawRequest::default();
        let setup = Arc::default();
        Replay::read("f".to_owned(), &default, (&setup, folder.path()))
            .map_err(|error| error.to_string())
    }

    /// Method, path, body and whether the status below 400 is enough.
    fn found(text: &str) -> Vec<(String, String, StatusRule)> {
        let replay = read(text).unwrap();
        let told = |spec: &RequestSpec| {
            let body = String::from_utf8_lossy(&spec.body.bytes).into_owned();
            (spec.title(), body, spec.expectation.status.unwrap())
        };
        replay.requests.iter().map(told).collect()
    }

    fn fine(title: &str, body: &str) -> (String, String, StatusRule) {
        (title.to_owned(), body.to_owned(), StatusRule::BelowError)
    }

    #[test]
    fn json_lines_have_the_keys_of_a_suite() {
        let text = "{\"path\": \"/a\"}\n\n\
                    {\"url\": \"https://h:1/b?c#d\", \"json\": {\"n\": 1}, \
                    \"headers\": {\"X\": \"y\"}, \"expect\": {\"status\": 201}}\n";
        let created = ("POST /b?c".to_owned(), "{\"n\":1}".to_owned(), StatusRule::Is(201));
        assert_eq!(found(text), [fine("GET /a", ""), created]);
        let replay = read(text).unwrap();
        assert_eq!(replay.requests[1].headers[0], ("X".to_owned(), "y".to_owned()));
    }

    #[test]
    fn targets_have_headers_and_bodies_below_them() {
        let text =
            "# comment\nPOST http://h/a\nX-One: 1\nX-Two: 2\n@body.json\n\nGET /b\nhttp://h\n";
        assert_eq!(found(text), [fine("POST /a", "{}"), fine("GET /b", ""), fine("GET /", "")]);
        assert_eq!(read(text).unwrap().requests[0].headers.len(), 2);
    }

    #[test]
    fn a_log_says_what_failed_before_and_leaves_out_what_it_does_not_have() {
        let text = "127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /a?b={{c}} HTTP/1.0\" 200 2326\n\
                    ::1 - jo [x] \"GET /gone HTTP/1.1\" 404 9 \"-\" \"curl/8\"\n\
                    ::1 - - [x] \"POST /b HTTP/1.1\" 200 9 \"-\" \"curl/8\"\n\
                    ::1 - - [x] \"\\x16\\x03\" 400 9 \"-\" \"-\"\n";
        let gone = ("GET /gone".to_owned(), String::new(), StatusRule::Is(404));
        assert_eq!(found(text), [fine("GET /a?b={{c}}", ""), gone]);
        assert_eq!(read(text).unwrap().left_out, 2);
    }

    #[test]
    fn what_was_not_sent_so_or_had_no_response_is_left_out() {
        let text = "\u{feff}::1 - - [x] \"GET /a HTTP/1.1\" 200 1\n\
                    ::1 - - [x] \"GET /q\\x22r HTTP/1.1\" 200 1\n\
                    ::1 - - [x] \"GET /s HTTP/1.1\" 499 0\n";
        assert_eq!(found(text), [fine("GET /a", "")]);
        let entry = |more: &str, status: u16| {
            format!(
                "{{\"request\": {{\"method\": \"POST\", \"url\": \"http://h/\"{more}}}, \
                 \"response\": {{\"status\": {status}}}}}"
            )
        };
        let form = ", \"postData\": {\"params\": [{\"name\": \"a\", \"value\": \"b\"}]}";
        let entries = [entry("", 200), entry(form, 200), entry("", 0)].join(", ");
        let archive = format!("{{\"log\": {{\"entries\": [{entries}]}}}}");
        assert_eq!(found(&archive), [fine("POST /", "")]);
        assert_eq!(read(&archive).unwrap().left_out, 2);
    }

    #[test]
    fn of_an_archive_come_the_requests_of_its_first_host() {
        let entry = |url: &str, more: &str| {
            format!(
                "{{\"request\": {{\"method\": \"PUT\", \"url\": \"{url}\", \"headers\": [\
                 {{\"name\": \"Host\", \"value\": \"h\"}}, {{\"name\": \":path\", \"value\": \"/\"}}, \
                 {{\"name\": \"Cookie\", \"value\": \"a=1\"}}, \
                 {{\"name\": \"Cookie\", \"value\": \"b=2\"}}]{more}}}}}"
            )
        };
        let text = format!(
            "{{\"log\": {{\"version\": \"1.2\", \"entries\": [{}, {}]}}}}",
            entry("https://h/a", ", \"postData\": {\"text\": \"b\"}"),
            entry("https://other/b", "")
        );
        assert_eq!(found(&text), [fine("PUT /a", "b")]);
        let replay = read(&text).unwrap();
        assert_eq!(replay.left_out, 1);
        assert_eq!(replay.requests[0].headers, [("Cookie".to_owned(), "a=1; b=2".to_owned())]);
    }

    #[test]
    fn what_is_verified_comes_from_all_over_the_file() {
        let many: String = (0..100).map(|number| format!("/{number}\n")).collect();
        let sample = read(&many).unwrap().sample();
        assert_eq!((sample.len(), sample[0].0.path.as_str()), (20, "/0"));
        assert_eq!(sample[19].0.path, "/95");
        assert_eq!(read("/a\n/a\n/a\n").unwrap().sample().len(), 1);
    }

    #[test]
    fn each_wrong_file_has_its_message() {
        let many = "/a\n".repeat(MOST_REQUESTS + 1);
        for (text, wanted) in [
            ("", "requests_file = 'f': the file is empty"),
            ("# nothing\n", "it has no request; write one a line"),
            (
                "::1 - - [x] \"POST /b HTTP/1.1\" 200 9\n",
                "it has no request that can be sent again (1 cannot",
            ),
            ("{\"log\": {\"entries\": []}}", "it has no request"),
            ("/a\nno request\n", "f: line 2: 'no request': write METHOD /PATH"),
            ("X: y\n", "f: line 1: 'X: y': write METHOD /PATH"),
            ("/a\n@gone\n", "f: line 1: body_file = 'gone': cannot read it"),
            ("{\"pat\": \"/\", \"body\": \"\"}\n", "f: line 1: unknown key 'pat'"),
            (
                "{\"level\": \"info\", \"request\": {\"uri\": \"/\"}, \"status\": 200}\n",
                "f: line 1: it has no key of a request; jigger reads JSON lines with the keys",
            ),
            ("{\"path\": \"/\"}\n{\"path\"\n", "f: line 2: EOF while parsing"),
            ("{\"path\": \"/\", \"weight\": 2}\n", "f: line 1: weight: the requests of a file"),
            ("{\"url\": \"/a\", \"path\": \"/b\"}\n", "f: line 1: give one of path, url"),
            ("{\"url\": \"ftp://h/\"}\n", "f: line 1: url = 'ftp://h/': write an absolute URL"),
            ("/{{conter\n{\n", "f: line 2: '{'"),
            (many.as_str(), "it has 100001 requests, and the maximum is 100000"),
        ] {
            let message = read(text).unwrap_err();
            assert!(message.contains(wanted), "{message}");
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("f"), b"\xe9").unwrap();
        let error =
            Replay::read("f".to_owned(), &RawRequest::default(), (&Arc::default(), folder.path()));
        assert!(error.unwrap_err().to_string().contains("not UTF-8 text"));
    }
}
