//! Why a tool is not there, or gave no figures.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use crate::prepare::PrepareError;
use crate::server::Diagnostic;
use crate::server::job::JobError;

/// How a Python with requests is had.
const PYTHON_REMEDY: &str = "install requests for the python3 on PATH (Debian: python3-requests), \
                             or python3-venv and a way to PyPI";

#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    #[error("'{program}' is not on PATH")]
    NotOnPath { program: &'static str, remedy: &'static str },
    #[error("{}\n  {PYTHON_REMEDY}", .0.in_full())]
    NoPython(PrepareError),
    #[error("requests cannot be imported from {}", .0.display())]
    NoRequests(PathBuf),
    #[error("cannot make a temporary folder")]
    NoFolder(#[source] io::Error),
    #[error("cannot write {}", .0.display())]
    NotWritten(PathBuf, #[source] io::Error),
    #[error("interrupted")]
    Interrupted,
    #[error("{program}")]
    NotEnded { program: String, source: Box<JobError> },
    #[error("failed: {last_line}")]
    Failed { last_line: String },
    #[error("no figures in its output: {last_line}")]
    NoFigures { last_line: String },
}

impl Diagnostic for ToolError {
    fn remedy(&self) -> Cow<'static, str> {
        match self {
            Self::NotOnPath { remedy, .. } => (*remedy).into(),
            Self::NoRequests(_) => "remove that folder and try again".into(),
            Self::NotEnded { source, .. } => source.remedy(),
            _ => "".into(),
        }
    }

    fn log_tail(&self) -> &str {
        if let Self::NotEnded { source, .. } = self { source.log_tail() } else { "" }
    }
}
