//! The flags that say what is sent: of `load` and of `compare`.

use std::path::PathBuf;

use clap::Args;

/// What is sent.
#[derive(Debug, Clone, Args)]
pub struct RequestArgs {
    /// HTTP method [default: GET, or POST with a body]
    #[arg(short = 'X', long)]
    pub method: Option<String>,
    /// One of several requests, "WEIGHT METHOD /PATH" (repeatable). Their paths replace the path of
    /// the URL. They are sent in proportion to their weights
    #[arg(long, value_name = "REQUEST", conflicts_with = "method")]
    pub request: Vec<String>,
    /// File of requests, sent in turn: JSON lines, URLs, vegeta targets, a HAR archive or an access
    /// log. Their paths replace the path of the URL
    #[arg(long, value_name = "FILE", conflicts_with_all = ["method", "request", "body", "json", "template"])]
    pub requests_file: Option<PathBuf>,
    /// A header, "Name: value" (repeatable)
    #[arg(short = 'H', long, value_name = "HEADER")]
    pub header: Vec<String>,
    /// Request body; @FILE reads it from a file
    #[arg(short, long, value_name = "TEXT")]
    pub body: Option<String>,
    /// Request body with the header Content-Type: application/json; @FILE reads it from a file
    #[arg(long, value_name = "TEXT", conflicts_with = "body")]
    pub json: Option<String>,
    /// Fill {{counter}}, {{random}}, {{random:LOW:HIGH}} and {{line}} in URL, headers and body for
    /// each request
    #[arg(long)]
    pub template: bool,
    /// File whose lines replace {{line}} in turn
    #[arg(long, value_name = "FILE", requires = "template")]
    pub lines: Option<PathBuf>,
}
