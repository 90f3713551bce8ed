//! What the command line asks for: as the engine's requests for `load`, as a suite's keys for
//! `compare`.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use jigger_load::{BodyRule, Expect, Request, Url};
use toml::{Table, Value};

use super::tls::absolute;
use crate::cli::RequestArgs;
use crate::suite::{ExpectationChange, NOT_TEXT, Replay, RequestSpec, StatusRule};

/// The flags, read as far as both need them.
pub struct Asked<'a> {
    args: &'a RequestArgs,
    headers: Vec<(String, String)>,
    /// The text, or what follows the @ of a file.
    body: Option<Source<'a>>,
}

enum Source<'a> {
    Text(&'a str),
    File(&'a str),
}

/// `WEIGHT METHOD /PATH`.
struct Weighed<'a> {
    weight: u32,
    method: &'a str,
    path: &'a str,
}

/// Requests, each with what a correct response is.
type Replayed = Vec<(Request, Expect)>;

impl<'a> Asked<'a> {
    /// # Errors
    /// When a flag has what cannot be meant.
    pub fn read(args: &'a RequestArgs) -> Result<Self> {
        let mut headers: Vec<(String, String)> =
            args.header.iter().map(|text| header(text)).collect::<Result<_>>()?;
        let is_typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if args.json.is_some() && !is_typed {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        let given = args.json.as_deref().or(args.body.as_deref());
        let body = given.map(|text| match text.strip_prefix('@') {
            Some(path) => Source::File(path),
            None => Source::Text(text),
        });
        if let (Some(text), None, false) = (&args.json, typed_file(args), args.template) {
            serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|error| {
                anyhow!(
                    "--json '{text}': it is not valid JSON (column {}); quote it for the shell, or send it \
                     with --body",
                    error.column()
                )
            })?;
        }
        Ok(Self { args, headers, body })
    }

    /// The body's bytes.
    fn body(&self) -> Result<Vec<u8>> {
        match self.body {
            Some(Source::File(path)) => {
                std::fs::read(path).with_context(|| format!("cannot read the body {path}"))
            }
            Some(Source::Text(text)) => Ok(text.as_bytes().to_vec()),
            None => Ok(Vec::new()),
        }
    }

    /// The gRPC call whose message is the body.
    ///
    /// # Errors
    /// When a file cannot be read, or the URL names no method.
    pub fn call(&self, url: &Url) -> Result<Request> {
        Ok(Request::grpc(url, &self.headers, &self.body()?)?)
    }

    /// The engine's requests, with weights.
    ///
    /// # Errors
    /// When a file cannot be read, or a request cannot be sent.
    pub fn requests(&self, url: &Url) -> Result<Vec<(Request, u32)>> {
        let body = self.body()?;
        let lines = self.args.lines.as_deref().map(lines).transpose()?.unwrap_or_default();
        let request = |method: &str, url: &Url| -> Result<Request> {
            Ok(match self.args.template {
                false => Request::new(method, url, &self.headers, &body)?,
                true => Request::template(method, url, &self.headers, &body, &lines)?,
            })
        };
        if self.args.request.is_empty() {
            let usual = if body.is_empty() { "GET" } else { "POST" };
            let method = self.args.method.as_deref().unwrap_or(usual);
            return Ok(vec![(request(method, url)?, 1)]);
        }
        let weighed = |text: &String| {
            let Weighed { weight, method, path } = weighed(text)?;
            let url = Url::parse(&format!("{}{path}", url.origin()))?;
            Ok((request(method, &url)?, weight))
        };
        self.args.request.iter().map(weighed).collect()
    }

    /// Whether several requests take the place of the URL's own path.
    pub fn replaces_path(&self) -> bool {
        !self.args.request.is_empty() || self.args.requests_file.is_some()
    }

    /// The requests of a file; `None` where none was given.
    ///
    /// # Errors
    /// When it cannot be read, or a request cannot be sent.
    pub fn replay(&self, url: &Url) -> Result<Option<Replayed>> {
        let Some(file) = &self.args.requests_file else { return Ok(None) };
        let root = Url::parse(&url.origin())?;
        let name = file.display().to_string();
        let replay = Replay::of_command(name.clone(), self.headers.clone())?;
        let encoded = |spec: &RequestSpec| {
            let ExpectationChange { status, headers, body, command } = &spec.expectation;
            let has = |list: &Option<Vec<_>>| list.as_ref().is_some_and(|it| !it.is_empty());
            if has(headers) || command.as_ref().is_some_and(|it| !it.is_empty()) {
                bail!(
                    "{name}: {}: `load` checks the status and the body of a response; leave out \
                     headers and command of expect, or use the file in a suite",
                    spec.title()
                );
            }
            let body = body.as_ref().map_or(BodyRule::Any, |body| body.rule(&[]));
            Ok((spec.encode(&root)?, Expect { status: status.and_then(StatusRule::code), body }))
        };
        replay.requests.iter().map(encoded).collect::<Result<_>>().map(Some)
    }

    /// The keys of a suite's `[request]`.
    ///
    /// # Errors
    /// When a file's place is not known.
    pub fn request_keys(&self) -> Result<Table> {
        let mut keys = Table::new();
        let mut set = |key: &str, value: Value| keys.insert(key.to_owned(), value);
        if let Some(method) = &self.args.method {
            set("method", method.as_str().into());
        }
        if !self.headers.is_empty() {
            let headers = self.headers.iter().cloned();
            set(
                "headers",
                headers.map(|(name, value)| (name, value.into())).collect::<Table>().into(),
            );
        }
        match self.body {
            Some(Source::Text(text)) => drop(set("body", text.into())),
            Some(Source::File(path)) => drop(set("body_file", absolute(Path::new(path))?)),
            None => {}
        }
        if let Some(path) = &self.args.lines {
            set("lines", absolute(path)?);
        }
        set("template", self.args.template.into());
        Ok(keys)
    }

    /// A suite's `requests_mix`; `None` for one request.
    ///
    /// # Errors
    /// When a request is not as it should be.
    pub fn mix_keys(&self) -> Result<Option<Value>> {
        let keys = |text: &String| -> Result<Value> {
            let Weighed { weight, method, path } = weighed(text)?;
            let keys: [(&str, Value); 3] =
                [("weight", weight.into()), ("method", method.into()), ("path", path.into())];
            Ok(keys
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<Table>()
                .into())
        };
        let mix: Vec<Value> = self.args.request.iter().map(keys).collect::<Result<_>>()?;
        Ok((!mix.is_empty()).then_some(Value::Array(mix)))
    }

    /// A suite's `requests_file`.
    ///
    /// # Errors
    /// When the file's place is not known.
    pub fn replay_key(&self) -> Result<Option<Value>> {
        self.args.requests_file.as_deref().map(absolute).transpose()
    }
}

/// The file of `--json @FILE`.
fn typed_file(args: &RequestArgs) -> Option<&str> {
    args.json.as_deref()?.strip_prefix('@')
}

fn weighed(text: &str) -> Result<Weighed<'_>> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let ([weight, method, path], true) = (words.as_slice(), text.contains('/')) else {
        bail!("--request '{text}': write \"WEIGHT METHOD /PATH\", such as \"3 GET /items\"");
    };
    let number = weight.parse().ok().filter(|weight| *weight > 0);
    let weight = number.ok_or_else(|| {
        anyhow!(
            "--request '{text}': the weight '{weight}' is not a whole number above zero; write \
             for instance \
             \"3 {method} {path}\""
        )
    })?;
    Ok(Weighed { weight, method, path })
}

fn lines(path: &Path) -> Result<Vec<String>> {
    let bytes =
        std::fs::read(path).with_context(|| format!("cannot read the lines {}", path.display()))?;
    let text =
        String::from_utf8(bytes).map_err(|_| anyhow!("--lines {}: {NOT_TEXT}", path.display()))?;
    Ok(text.lines().map(str::to_owned).collect())
}

fn header(text: &str) -> Result<(String, String)> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => bail!("-H '{text}': write \"Name: value\""),
    }
}
