//! wrk's Lua scripts: a state for the whole run and one for each thread, and the phases in which
//! the script is called.
//!
//! Scripts run in LuaJIT, as in wrk, without what could break the program's memory: `ffi`, most of
//! `debug` and C modules are not there.

mod hooks;
mod modules;
mod output;
mod table;
mod thread;

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use jigger_load::{Address, Load, LoadError, Progress, Request, Sample, run_with_hooks};
use mlua::{
    AnyUserData, Function, Lua, LuaString, MetaMethod, Table, UserData, UserDataFields,
    UserDataMethods,
};

pub use hooks::LuaHooks;
use output::Output;
use thread::{Shared, Thread};

use super::Setting;
use super::report::{Counts, Figures};
use super::statistics::Statistics;

/// Why a script cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// Its file.
    #[error("cannot read the script {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// None of the addresses that `wrk.resolve` has found takes connections.
    #[error("unable to connect to {host}:{port}: nothing listens there; start the server first")]
    Unreachable {
        /// Of the URL.
        host: String,
        /// Of the URL.
        port: u16,
    },
    /// What could not be written to standard output.
    #[error("cannot write to standard output: {0}")]
    Output(String),
    /// What the script itself did wrong: file, line and message.
    #[error("{0}")]
    Lua(String),
    /// The same, while the load ran.
    #[error("the script failed, and the run ended with what was measured: {0}")]
    Ended(String),
}

impl From<mlua::Error> for ScriptError {
    fn from(error: mlua::Error) -> Self {
        Self::Lua(message(&error))
    }
}

/// Makes `latency` and `requests` of statistics.
const STATISTICS: &str = include_str!("script/statistics.lua");

/// A script that has been set up for all threads.
pub struct Script {
    main: Lua,
    output: Output,
    threads: Vec<ThreadState>,
    failure: hooks::Failure,
}

/// One thread's state.
struct ThreadState {
    lua: Lua,
    shared: Arc<Shared>,
    address: SocketAddr,
    /// What `wrk.request` gives, for a script that does not make each request.
    fixed: Vec<u8>,
}

impl Script {
    /// Loads the script once for the run and once for each thread, and runs `wrk.resolve`,
    /// `wrk.setup` and `wrk.init`.
    ///
    /// # Errors
    /// [`ScriptError`] names the script's file and line.
    pub fn load(setting: &Setting<'_>) -> Result<Self, ScriptError> {
        let text = std::fs::read(setting.path)
            .map_err(|source| ScriptError::Read { path: setting.path.to_owned(), source })?;
        let main = bare_state(setting)?;
        let output = Output::new(&main)?;
        execute(&main, setting, &text)?;
        if !table::resolve(&main, setting)? {
            let (host, port) = (setting.url.host().to_owned(), setting.url.port());
            return Err(ScriptError::Unreachable { host, port });
        }
        let failure = hooks::Failure::default();
        let mut script = Self { main, output, threads: Vec::new(), failure };
        for _ in 0..setting.threads {
            let thread = script.thread(setting, &text)?;
            script.threads.push(thread);
        }
        Ok(script)
    }

    /// Sets a thread up.
    fn thread(&self, setting: &Setting<'_>, text: &[u8]) -> Result<ThreadState, ScriptError> {
        let lua = bare_state(setting)?;
        execute(&lua, setting, text)?;
        let shared = Arc::new(Shared::new(lua.weak()));
        lua.globals().get::<Table>("wrk")?.set("thread", Thread(Arc::clone(&shared)))?;
        table::function(&self.main, "setup")?.call::<()>(Thread(Arc::clone(&shared)))?;
        table::function(&lua, "init")?.call::<()>(arguments(&lua, setting)?)?;
        let unset = || {
            let text = "wrk.setup has not set thread.addr, for instance to wrk.addrs[1]";
            ScriptError::Lua(text.to_owned())
        };
        let address = shared.address().ok_or_else(unset)?;
        let mut thread = ThreadState { fixed: fixed(&lua)?, lua, shared, address };
        self.hooks_of(&thread).check_request(self.threads.is_empty())?;
        // The first request was for a look only.
        if self.threads.is_empty() {
            thread.fixed = fixed(&thread.lua)?;
        }
        thread.shared.clear_stop();
        Ok(thread)
    }

    /// The address of the first thread.
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        self.addresses().into_iter().next()
    }

    /// Writes a text to the stream to which the script writes.
    ///
    /// # Errors
    /// When the script has closed it.
    pub fn print(&self, text: &str) -> Result<(), ScriptError> {
        self.output.write(text)
    }

    /// Hands all that was written to the system.
    ///
    /// # Errors
    /// When it could not be written.
    pub fn flush(&self) -> Result<(), ScriptError> {
        self.output.flush()
    }

    /// Runs the load as the script wants it.
    ///
    /// # Errors
    /// As [`jigger_load::run`]. [`Self::done`] returns what the script did wrong.
    pub fn run(
        &self,
        load: &mut Load,
        observe: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<Sample, LoadError> {
        load.thread_addresses = self.addresses();
        if let Some(hooks) = self.hooks() {
            return run_with_hooks(load, hooks, observe);
        }
        load.thread_requests = self.requests();
        jigger_load::run(load, observe)
    }

    /// The hooks of each thread; `None` when the script has none, so that the requests are the
    /// same all the time.
    fn hooks(&self) -> Option<Vec<LuaHooks>> {
        let first = self.threads.first()?;
        let has_hooks = ["request", "response", "delay"].iter().any(|name| has(&first.lua, name));
        let messages = || self.hooks_of(first).check_request(false).unwrap_or_default();
        (has_hooks || messages() > 1)
            .then(|| self.threads.iter().map(|thread| self.hooks_of(thread)).collect())
    }

    fn hooks_of(&self, thread: &ThreadState) -> LuaHooks {
        let (lua, shared) = (thread.lua.clone(), Arc::clone(&thread.shared));
        LuaHooks::new(lua, shared, thread.fixed.clone(), self.failure.clone())
    }

    /// Where each thread connects.
    fn addresses(&self) -> Vec<Address> {
        self.threads.iter().map(|thread| Address::Tcp(thread.address)).collect()
    }

    /// What each thread sends when there are no hooks.
    fn requests(&self) -> Vec<[(Request, u32); 1]> {
        self.threads.iter().map(|thread| [(Request::from_bytes(&thread.fixed), 1)]).collect()
    }

    /// Calls `done`, if there is one.
    ///
    /// # Errors
    /// [`ScriptError`] names the script's file and line, also when it failed while the load ran.
    pub fn done(&self, sample: &Sample, found: Figures) -> Result<(), ScriptError> {
        if let Some(error) = self.failure.get() {
            return Err(ScriptError::Ended(message(error)));
        }
        let Ok(done) = self.main.globals().get::<Function>("done") else {
            return Ok(());
        };
        let summary = summary(&self.main, sample, &found)?;
        let statistics = |of| self.main.load(STATISTICS).call::<AnyUserData>(of);
        Ok(done.call::<()>((summary, statistics(found.latency)?, statistics(found.rates)?))?)
    }
}

impl UserData for Statistics {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("min", |_, statistics| Ok(statistics.min()));
        fields.add_field_method_get("max", |_, statistics| Ok(statistics.max()));
        fields.add_field_method_get("mean", |_, statistics| Ok(statistics.mean()));
        fields.add_field_method_get("stdev", |_, statistics| Ok(statistics.stdev()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("percentile", |_, statistics, percent: f64| {
            Ok(statistics.percentile(percent))
        });
        methods.add_meta_method(MetaMethod::Len, |_, statistics, ()| Ok(statistics.distinct()));
        // The different values in order, from 1 on, each with its count.
        methods.add_meta_method(MetaMethod::Call, |_, statistics, at: usize| {
            Ok(at.checked_sub(1).and_then(|at| statistics.value(at)).unwrap_or((0, 0)))
        });
    }
}

/// The run in numbers.
fn summary(lua: &Lua, sample: &Sample, figures: &Figures) -> mlua::Result<Table> {
    let Counts { connect, read, write, timeout, status, .. } = figures.counts;
    let errors = lua.create_table()?;
    for (name, count) in [
        ("connect", connect),
        ("read", read),
        ("write", write),
        ("status", status),
        ("timeout", timeout),
    ] {
        errors.set(name, count)?;
    }
    let summary = lua.create_table()?;
    summary.set("duration", sample.elapsed_ns / 1_000)?;
    summary.set("requests", figures.requests)?;
    summary.set("bytes", sample.bytes_received)?;
    summary.set("errors", errors)?;
    Ok(summary)
}

/// A state with all that a script finds there.
fn bare_state(setting: &Setting<'_>) -> Result<Lua, ScriptError> {
    let lua = Lua::new();
    modules::install(&lua)?;
    table::install(&lua, setting)?;
    Ok(lua)
}

/// Runs the script's top level.
fn execute(lua: &Lua, setting: &Setting<'_>, text: &[u8]) -> Result<(), ScriptError> {
    let name = format!("@{}", setting.path.display());
    Ok(lua.load(without_shebang(text)).set_name(name).exec()?)
}

/// As `lua` itself does: a first line that begins with `#` is skipped.
fn without_shebang(text: &[u8]) -> &[u8] {
    match text.iter().position(|byte| *byte == b'\n') {
        Some(end) if text.starts_with(b"#") => &text[end..],
        _ => text,
    }
}

/// What `init` gets.
fn arguments(lua: &Lua, setting: &Setting<'_>) -> Result<Table, ScriptError> {
    let arguments = lua.create_table()?;
    for (at, argument) in setting.arguments.iter().enumerate() {
        arguments.raw_set(at, argument.as_str())?;
    }
    Ok(arguments)
}

fn has(lua: &Lua, name: &str) -> bool {
    lua.globals().get::<Function>(name).is_ok()
}

/// The request of a script that does not make each.
fn fixed(lua: &Lua) -> Result<Vec<u8>, ScriptError> {
    if has(lua, "request") {
        return Ok(Vec::new());
    }
    let text: Option<LuaString> = table::function(lua, "request")?.call(())?;
    let none = || ScriptError::Lua("wrk.request() returned no request".to_owned());
    text.map(|text| text.as_bytes().to_vec()).ok_or_else(none)
}

/// What went wrong, without the traceback: `FILE:LINE: ...`.
fn message(error: &mlua::Error) -> String {
    let text = match error {
        mlua::Error::CallbackError { traceback, cause } => located(traceback, &message(cause)),
        mlua::Error::RuntimeError(text) => text.clone(),
        mlua::Error::SyntaxError { message, .. } => message.clone(),
        other => other.to_string(),
    };
    text.split("\nstack traceback:").next().unwrap_or_default().trim_end().to_owned()
}

/// What a function of jigger's says has no place; the traceback has the line that called it.
fn located(traceback: &str, text: &str) -> String {
    let lines = traceback.lines().map(str::trim);
    let is_own = |line: &&str| {
        !["[C]", "__mlua", table::CHUNK].into_iter().any(|start| line.starts_with(start))
    };
    let place = lines.filter(is_own).find_map(|line| {
        let (place, _) = line.split_once(": in ")?;
        Some(place.to_owned())
    });
    place.map_or_else(|| text.to_owned(), |place| format!("{place}: {text}"))
}

#[cfg(test)]
mod tests;
