//! `jigger ab`: two git revisions of a suite's contenders in interleaved rounds.

use anyhow::{Context as _, Result, bail};

use super::{Exit, elsewhere, output, record_path};
use crate::analysis::{Analysis, Compared, is_counted};
use crate::cli::AbArgs;
use crate::host::allowed_cores;
use crate::interrupt::Interrupt;
use crate::pipeline::{self, RunContext};
use crate::plan::{Options, Revisions, RunPlan};
use crate::prepare::Images;
use crate::prepare::revisions::{Checkouts, labels, split};
use crate::prepare::worktree::{Repository, Revision, Worktree};
use crate::record::{Ended, Record};
use crate::report::changes;
use crate::server::Diagnostic as _;
use crate::suite::{Selection, Suite, check_metrics};
use crate::temporary::TemporaryFolder;

/// Compares two revisions.
///
/// # Errors
/// When there is no repository, no such revision or nothing to compare, or a file cannot be
/// written.
pub fn run(args: &AbArgs) -> Result<Exit> {
    let suite = Suite::read(&args.suite, &options(args).selection)?;
    let scenarios: Vec<&str> = suite.scenarios.iter().map(|s| s.name.as_str()).collect();
    check_metrics(&args.metric, &scenarios).context("--metric")?;
    let repository = Repository::containing(&std::env::current_dir()?)?;
    let (base, head) = (repository.resolve(&args.base)?, repository.resolve(&args.head)?);
    if base.commit == head.commit {
        bail!(
            "{} and {} are both {}: there is nothing to compare",
            args.base,
            args.head,
            base.short()
        );
    }
    // From here on a signal is noted, so that what follows is cleared away.
    let interrupt = Interrupt::listen()?;
    let checked_out = CheckedOut::of(&repository, &base, &head)?;
    let (base_label, head_label) = labels((&base.name, base.short()), (&head.name, head.short()));
    let checkouts = Checkouts {
        root: &repository.root,
        base: (&checked_out.base.path, &base_label),
        head: (&checked_out.head.path, &head_label),
    };
    let (suites, left_out) = split(&suite, &checkouts);
    for (contender, reason) in &left_out {
        output::note(&format!("{contender}: left out: {}", reason.in_full()));
    }
    if suites.is_empty() {
        bail!(
            "{} has no contender that can be compared at two revisions of {}",
            args.suite,
            repository.root.display()
        );
    }
    let records = measure_all(args, suites, &interrupt)?;
    drop(checked_out);
    report(args, &records, (&base, &head), &interrupt)
}

fn options(args: &AbArgs) -> Options {
    let (base, head, metrics) = (args.base.clone(), args.head.clone(), args.metric.clone());
    Options {
        revisions: Some(Revisions { base, head, metrics }),
        method: args.method.clone(),
        selection: Selection { only: args.only.clone(), ..Selection::default() },
        cores: args.cores.clone(),
        ..Options::default()
    }
}

/// Both revisions in a temporary folder; removed on drop, the checkouts before the folder.
struct CheckedOut {
    base: Worktree,
    head: Worktree,
    _place: TemporaryFolder,
}

impl CheckedOut {
    /// The two folders' names are equally long, so that paths weigh the same in both
    /// (Mytkowicz et al. 2009, "Producing wrong data without doing anything obviously wrong!",
    /// ASPLOS).
    fn of(repository: &Repository, base: &Revision, head: &Revision) -> Result<Self> {
        let place = TemporaryFolder::new("ab")
            .context("cannot make a folder for the two checkouts; set TMPDIR")?;
        let path = place.path().canonicalize()?;
        Ok(Self {
            base: repository.check_out(base, path.join("base"))?,
            head: repository.check_out(head, path.join("head"))?,
            _place: place,
        })
    }
}

/// Measures one contender after the other; a signal ends it after the one at work.
fn measure_all(args: &AbArgs, suites: Vec<Suite>, interrupt: &Interrupt) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for suite in suites {
        if interrupt.is_raised() {
            break;
        }
        let plan = RunPlan::new(suite, options(args), &allowed_cores())?;
        let path = record_path(&args.records, &plan);
        output::note(&format!("record: {}", path.display()));
        let context = RunContext {
            interrupt,
            images: Images::Skip,
            record: Some(path),
            verbosity: args.shown.verbosity(),
            settled: &|record: &Record| compared(&Analysis::of(record), args).is_settled(),
        };
        let file = pipeline::run(&plan, &context);
        records.push(file.map_err(|error| elsewhere(error, "--records FOLDER"))?.record);
    }
    Ok(records)
}

fn compared<'a>(analysis: &'a Analysis<'a>, args: &AbArgs) -> Compared<'a> {
    Compared::of(analysis, &|metric| is_counted(analysis.record, metric, &args.metric))
}

fn report(
    args: &AbArgs,
    records: &[Record],
    (base, head): (&Revision, &Revision),
    interrupt: &Interrupt,
) -> Result<Exit> {
    let analyses: Vec<Analysis<'_>> = records.iter().map(Analysis::of).collect();
    let compared: Vec<Compared<'_>> = analyses.iter().map(|it| compared(it, args)).collect();
    let described = |revision: &Revision| match revision.name == revision.commit {
        true => revision.short().to_owned(),
        false => format!("{} ({})", revision.name, revision.short()),
    };
    let revisions =
        changes::Revisions { base: &described(base), head: &described(head), compared: &compared };
    output::print(&changes::revisions(&revisions, args.format, args.shown.look()))?;
    let is_missed = compared.iter().any(|compared| compared.is_missed(args.method.strict));
    let is_interrupted = records.iter().any(|record| record.ended == Ended::Interrupted);
    Ok(match () {
        () if is_interrupted || interrupt.is_raised() => Exit::Interrupted,
        () if analyses.iter().any(Analysis::has_failures) => Exit::NotMeasured,
        () if is_missed => Exit::Missed,
        () => Exit::Fine,
    })
}
