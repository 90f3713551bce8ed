//! `jigger diff`: two records, and whether anything got worse.

use std::path::Path;

use anyhow::{Result, bail};

use super::{Exit, output};
use crate::analysis::{Analysis, Basis, Difference, has_common_baseline};
use crate::cli::DiffArgs;
use crate::record::Record;
use crate::report::changes;
use crate::suite::check_metrics;

/// Compares two records.
///
/// # Errors
/// When a record cannot be read, or the two cannot be compared.
pub fn run(args: &DiffArgs) -> Result<Exit> {
    let (old, new) = (Record::read(&args.old)?, Record::read(&args.new)?);
    let scenarios: Vec<&str> = new.suite.scenarios.iter().map(|s| s.name.as_str()).collect();
    check_metrics(&args.metric, &scenarios)
        .map_err(|message| anyhow::anyhow!("--metric: {message}"))?;
    let (old, new) = (Analysis::of(&old), Analysis::of(&new));
    let found = Difference::of(&old, &new, basis(args, &old, &new)?, &args.metric);
    if !found.reasons.is_empty() && !args.anyway {
        bail!(
            "these two records cannot be compared:\n  {}\n  measure again under the same \
             conditions, or say --anyway",
            found.reasons.join("\n  ")
        );
    }
    if found.changes.is_empty() && found.lost.is_empty() {
        bail!(
            "{} and {} have no contender with a metric in common",
            shown(&args.old),
            shown(&args.new)
        );
    }
    output::print(&changes::difference(&found, args.format.into(), args.color.look()))?;
    let is_missed = found.is_worse() || new.misses_thresholds(args.strict);
    Ok(if is_missed { Exit::Missed } else { Exit::Fine })
}

fn basis(args: &DiffArgs, old: &Analysis<'_>, new: &Analysis<'_>) -> Result<Basis> {
    let is_possible = has_common_baseline(old, new);
    if args.relative && !is_possible {
        bail!(
            "--relative: the runs have no baseline in common with a contender beside it \
             ({} and {})",
            old.record.suite.baseline,
            new.record.suite.baseline
        );
    }
    Ok(if is_possible && !args.absolute { Basis::Relative } else { Basis::Absolute })
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
