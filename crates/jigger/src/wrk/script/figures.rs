//! What `done` gets: the summary, and the statistics as objects.

use jigger_load::Sample;
use mlua::{Lua, MetaMethod, Result, Table, UserData, UserDataFields, UserDataMethods};

use super::super::report::{Counts, Figures};
use super::super::statistics::Statistics;

/// The run in numbers.
pub(super) fn summary(lua: &Lua, sample: &Sample, figures: &Figures) -> Result<Table> {
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

/// Statistics, as the script sees them.
pub(super) struct Shown(pub(super) Statistics);

impl UserData for Shown {
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
