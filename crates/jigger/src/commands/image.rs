//! `jigger image`: what container images weigh, layer by layer, and how they differ.

use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Exit, output};
use crate::cli::ImageArgs;
use crate::image::{
    Engine, Exceeded, ImageReport, Limits, Measured, Program, Progress, describe,
    describe_difference, markdown, measure, plain,
};
use crate::report::{Format, to_json};

pub fn run(args: &ImageArgs) -> Result<Exit> {
    // An unknown name is a slip of the command line, whatever the images are.
    args.engine.as_deref().map(Program::of_name).transpose()?;
    let measured = args.references.iter().map(|reference| {
        let engines = |wanted: Option<Program>| {
            Engine::detect_all(wanted.map(Program::name).or(args.engine.as_deref()))
        };
        let bar = progress_bar(args.quiet, reference);
        let outcome = measure(reference, engines, &|progress| show(&bar, progress));
        bar.finish_and_clear();
        (reference.clone(), Measured::of(outcome))
    });
    let limits = Limits { size: args.max_size, wasted: args.max_wasted };
    let report = ImageReport::new(measured.collect(), limits);
    for note in &report.notes {
        output::note(&format!("jigger: note: {}", plain(note)));
    }
    for failure in &report.failures {
        output::note(&format!(
            "jigger: cannot measure {}: {}",
            plain(&failure.reference),
            failure.reason
        ));
    }
    let format = if args.json { Format::Json } else { args.format };
    // What fails as a whole has no report but for programs.
    if !report.images.is_empty() || format == Format::Json {
        output::print(&rendered(&report, format))?;
    }
    for exceeded in &report.exceeded {
        output::note(&format!("jigger: {}", Exceeded::message(exceeded)));
    }
    Ok(match () {
        () if report.images.is_empty() => Exit::Usage,
        () if !report.failures.is_empty() => Exit::NotMeasured,
        () if !report.exceeded.is_empty() => Exit::Missed,
        () => Exit::Fine,
    })
}

fn rendered(report: &ImageReport, format: Format) -> String {
    match format {
        Format::Json => to_json(report),
        Format::Markdown => markdown(report),
        _ => {
            let images = report.images.iter().map(describe);
            let differences = report.differences.iter().map(describe_difference);
            images.chain(differences).collect::<Vec<_>>().join("\n")
        }
    }
}

/// A bar on a terminal, which is not drawn for what is quickly done.
fn progress_bar(quiet: bool, reference: &str) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
    let style = ProgressStyle::with_template("{spinner} {decimal_bytes} read of {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.set_message(plain(reference));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn show(bar: &ProgressBar, progress: Progress) {
    if let (Some(total), None) = (progress.total_bytes, bar.length()) {
        let style = ProgressStyle::with_template(
            "{bar:20} {decimal_bytes} of {decimal_total_bytes}, {wide_msg}",
        );
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_length(total);
    }
    bar.set_position(progress.read_bytes);
}
