//! A drop-in for wrk: its flags, its numbers' meaning, its report.
//!
//! The layout and the meaning of each number were taken from wrk 4.1.0 and 4.2.0
//! (<https://github.com/wg/wrk>) as they print them; see docs/wrk.md.

pub mod numbers;
pub mod report;
#[cfg(feature = "lua")]
pub mod script;
pub mod spectrum;
pub mod statistics;

use std::path::Path;

use jigger_load::Url;

/// What a script is run with.
#[derive(Debug)]
pub struct Setting<'a> {
    /// The script's file.
    pub path: &'a Path,
    /// What is sent.
    pub url: &'a Url,
    /// The headers from the command line.
    pub headers: &'a [(String, String)],
    /// What `init` gets: the URL as typed, then the arguments for the script.
    pub arguments: &'a [String],
    /// Load threads.
    pub threads: usize,
}

impl Setting<'_> {
    /// The URL as typed.
    #[must_use]
    pub fn typed_url(&self) -> &str {
        self.arguments.first().map_or("", String::as_str)
    }
}

/// In the place of scripts in a jigger without Lua: each is refused.
#[cfg(not(feature = "lua"))]
pub(crate) mod script {
    use std::ops::ControlFlow;

    use jigger_load::{Address, Load, LoadError, Progress, Sample};

    use super::Setting;
    use super::report::Figures;

    pub enum Script {}

    #[derive(Debug, thiserror::Error)]
    #[error("-s {0}: scripts are not in this jigger, which was built without its feature `lua`")]
    pub struct ScriptError(String);

    impl Script {
        pub fn load(setting: &Setting<'_>) -> Result<Self, ScriptError> {
            Err(ScriptError(setting.path.display().to_string()))
        }

        pub fn address(&self) -> Option<Address> {
            match *self {}
        }

        pub fn print(&self, _: &str) -> Result<(), ScriptError> {
            match *self {}
        }

        pub fn flush(&self) -> Result<(), ScriptError> {
            match *self {}
        }

        pub fn run(
            &self,
            _: &mut Load,
            _: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
        ) -> Result<Sample, LoadError> {
            match *self {}
        }

        pub fn done(&self, _: &Sample, _: Figures) -> Result<(), ScriptError> {
            match *self {}
        }
    }
}
