//! wrk's Lua scripts: a state for the whole run and one for each thread, and the phases in which
//! the script is asked.
//!
//! Scripts run in LuaJIT, as in wrk, without what could break the program's memory: `ffi`,
//! `debug` and C modules are not there.

mod hooks;
mod table;
mod thread;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use jigger_load::{Address, Load, LoadError, Progress, Request, Sample, run_with_hooks};
use mlua::{Function, Lua, MetaMethod, Table, UserData, UserDataFields, UserDataMethods};

pub use hooks::LuaHooks;
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

/// A script that has been set up for all threads.
pub struct Script {
    main: Lua,
    threads: Vec<ThreadState>,
    failure: hooks::Failure,
}

/// One thread's state.
struct ThreadState {
    lua: Lua,
    shared: Arc<Shared>,
    /// The request as it stood after `init`, for a script that does not make each one.
    fixed: Vec<u8>,
}

impl Script {
    /// Loads the script once for the run and once for each thread, and runs `setup` and `init`.
    ///
    /// # Errors
    /// [`ScriptError`] names the script's file and line.
    pub fn load(setting: &Setting<'_>) -> Result<Self, ScriptError> {
        let text = std::fs::read(setting.path)
            .map_err(|source| ScriptError::Read { path: setting.path.to_owned(), source })?;
        let main = state(setting, &text)?;
        let threads = (0..setting.threads)
            .map(|_| thread_state(setting, &text, &main))
            .collect::<Result<_, _>>()?;
        let script = Self { main, threads, failure: hooks::Failure::default() };
        script.check_request()?;
        Ok(script)
    }

    /// Runs the load as the script wants it.
    ///
    /// # Errors
    /// As [`jigger_load::run`]. What the script did wrong is told by [`Self::done`].
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
        let globals = self.threads.first()?.lua.globals();
        let has = |name: &str| globals.get::<Function>(name).is_ok();
        if !["request", "response", "delay"].into_iter().any(has) {
            return None;
        }
        let hooks = |state: &ThreadState| {
            let (lua, shared) = (state.lua.clone(), Arc::clone(&state.shared));
            LuaHooks::new(lua, shared, state.fixed.clone(), self.failure.clone())
        };
        Some(self.threads.iter().map(hooks).collect())
    }

    /// Where each thread connects.
    fn addresses(&self) -> Vec<Address> {
        self.threads.iter().map(|state| Address::Tcp(state.shared.address())).collect()
    }

    /// What each thread asks when there are no hooks.
    fn requests(&self) -> Vec<[(Request, u32); 1]> {
        self.threads.iter().map(|state| [(Request::from_bytes(&state.fixed), 1)]).collect()
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
        Ok(done.call::<()>((summary, found.latency, found.rates))?)
    }

    /// wrk asks the first thread for one request beforehand, which is never sent. Scripts count
    /// with that.
    fn check_request(&self) -> Result<(), ScriptError> {
        if let Some(hooks) = self.hooks().as_deref_mut() {
            hooks[0].check_request();
        }
        self.failure.get().map_or(Ok(()), |error| Err(ScriptError::Lua(message(error))))
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

/// A state with the script's top level run in it.
fn state(setting: &Setting<'_>, text: &[u8]) -> Result<Lua, ScriptError> {
    let lua = Lua::new();
    // Lines that scripts print come in order with the report's.
    lua.load("io.stdout:setvbuf('line')").exec()?;
    table::install(&lua, setting)?;
    let text = without_shebang(text);
    lua.load(text).set_name(format!("@{}", setting.path.display())).exec()?;
    Ok(lua)
}

/// As `lua` itself does: a first line that begins with `#` is skipped.
fn without_shebang(text: &[u8]) -> &[u8] {
    match text.iter().position(|byte| *byte == b'\n') {
        Some(end) if text.starts_with(b"#") => &text[end..],
        _ => text,
    }
}

fn thread_state(
    setting: &Setting<'_>,
    text: &[u8],
    main: &Lua,
) -> Result<ThreadState, ScriptError> {
    let lua = state(setting, text)?;
    let shared = Arc::new(Shared::new(setting.address, lua.weak()));
    lua.globals().get::<Table>("wrk")?.set("thread", Thread(Arc::clone(&shared)))?;
    if let Ok(setup) = main.globals().get::<Function>("setup") {
        setup.call::<()>(Thread(Arc::clone(&shared)))?;
    }
    table::add_host(&lua, setting)?;
    if let Ok(init) = lua.globals().get::<Function>("init") {
        let arguments = lua.create_table()?;
        for (at, argument) in setting.arguments.iter().enumerate() {
            arguments.raw_set(at, argument.as_str())?;
        }
        init.call::<()>(arguments)?;
    }
    let format: Function = lua.globals().get::<Table>("wrk")?.get("format")?;
    let fixed = format.call::<mlua::LuaString>(())?.as_bytes().to_vec();
    shared.clear_stop();
    Ok(ThreadState { lua, shared, fixed })
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
    let is_own = |line: &&str| !line.starts_with("[C]") && !line.starts_with("__mlua");
    let place = lines.filter(is_own).find_map(|line| {
        let (place, _) = line.split_once(": in ")?;
        Some(place.to_owned())
    });
    place.map_or_else(|| text.to_owned(), |place| format!("{place}: {text}"))
}

#[cfg(test)]
mod tests;
