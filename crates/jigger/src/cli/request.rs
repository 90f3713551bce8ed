//! The flags that say what is asked: of `load` and of `compare`.

use std::path::PathBuf;

use clap::Args;

/// What is asked.
#[derive(Debug, Clone, Args)]
pub struct RequestArgs {
    /// Method [default: GET, or POST with a body]
    #[arg(short, long)]
    pub method: Option<String>,
    /// One of several requests, "WEIGHT METHOD /PATH" (repeatable); they are asked instead of the
    /// URL's own path, as often as their weights say
    #[arg(long, value_name = "REQUEST", conflicts_with = "method")]
    pub request: Vec<String>,
    /// A header, "Name: value" (repeatable)
    #[arg(short = 'H', long, value_name = "HEADER")]
    pub header: Vec<String>,
    /// The body; @FILE takes it from a file
    #[arg(short, long, value_name = "TEXT")]
    pub body: Option<String>,
    /// The body, with the header Content-Type: application/json; @FILE takes it from a file
    #[arg(long, value_name = "TEXT", conflicts_with = "body")]
    pub json: Option<String>,
    /// Fill {{counter}}, {{random}}, {{random:LOW:HIGH}} and {{line}} in URL, headers and body for
    /// each request
    #[arg(long)]
    pub template: bool,
    /// The lines that {{line}} takes in turn
    #[arg(long, value_name = "FILE", requires = "template")]
    pub lines: Option<PathBuf>,
}
