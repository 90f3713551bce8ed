//! What `done` gets: the summary, and the statistics as objects.

use mlua::{Lua, MetaMethod, Result, Table, UserData, UserDataFields, UserDataMethods};

use super::super::report::Counts;
use super::super::statistics::Statistics;

/// The run in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// How long it took.
    pub duration_us: u64,
    /// Complete answers.
    pub requests: u64,
    /// Bytes received.
    pub bytes: u64,
    /// What failed.
    pub counts: Counts,
}

impl Summary {
    /// As the script sees it.
    pub(super) fn table(&self, lua: &Lua) -> Result<Table> {
        let Counts { connect, read, write, timeout, status, .. } = self.counts;
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
        summary.set("duration", self.duration_us)?;
        summary.set("requests", self.requests)?;
        summary.set("bytes", self.bytes)?;
        summary.set("errors", errors)?;
        Ok(summary)
    }
}

/// Statistics, as the script sees them.
pub(super) struct Figures(pub(super) Statistics);

impl UserData for Figures {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("min", |_, figures| Ok(figures.0.min()));
        fields.add_field_method_get("max", |_, figures| Ok(figures.0.max()));
        fields.add_field_method_get("mean", |_, figures| Ok(figures.0.mean()));
        fields.add_field_method_get("stdev", |_, figures| Ok(figures.0.stdev()));
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods
            .add_method("percentile", |_, figures, percent: f64| Ok(figures.0.percentile(percent)));
        methods.add_meta_method(MetaMethod::Len, |_, figures, ()| Ok(figures.0.distinct()));
        // The different values in order, from 1 on, each with its count.
        methods.add_meta_method(MetaMethod::Call, |_, figures, at: usize| {
            Ok(at.checked_sub(1).and_then(|at| figures.0.value(at)).unwrap_or((0, 0)))
        });
    }
}
