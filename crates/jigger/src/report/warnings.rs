//! What a reader must know before believing a figure: the cause, and the remedy where there is one.

use crate::analysis::Analysis;
use crate::record::Status;

/// One warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Its code, or `note`, `skipped`, `failed` or `no image size`.
    pub code: String,
    /// Whose figures, and of which scenarios; empty for the run as a whole.
    pub place: String,
    /// What is the matter. Several lines where a log is quoted.
    pub cause: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// All warnings of a report: the run's, then each contender's.
pub fn warnings(analysis: &Analysis<'_>) -> Vec<Warning> {
    let notes = analysis.notes().into_iter().map(|note| of_run(note.0));
    let of_contenders = (0..analysis.contenders.len()).flat_map(|at| of_contender(analysis, at));
    let of_all = analysis.confounders.iter().map(|found| Warning {
        code: found.code.to_owned(),
        place: "all contenders (all scenarios)".to_owned(),
        cause: found.detail.clone(),
        remedy: Some(found.remedy.to_string()),
    });
    notes.chain(of_all).chain(of_contenders).collect()
}

fn of_run(cause: String) -> Warning {
    Warning { code: "note".to_owned(), place: String::new(), cause, remedy: None }
}

fn of_contender(analysis: &Analysis<'_>, at: usize) -> Vec<Warning> {
    let contender = &analysis.contenders[at];
    let record = contender.record;
    let warning = |code: &str, place: String, cause: &str, remedy: Option<&str>| Warning {
        code: code.to_owned(),
        place,
        cause: cause.to_owned(),
        remedy: remedy.map(str::to_owned),
    };
    let status = match record.status {
        Status::Measured => None,
        Status::Skipped => Some("skipped"),
        Status::Failed => Some("failed"),
    };
    let status = status.zip(record.reason.as_deref());
    let image = record.image_reason.as_deref().map(|reason| ("no image size", reason));
    let of_record = status.into_iter().chain(image);
    let of_record = of_record.map(|(code, why)| warning(code, record.name.clone(), why, None));
    let gates = contender.gates.iter().map(|gate| {
        let scenario =
            if gate.scenario.is_empty() { "all scenarios" } else { gate.scenario.as_str() };
        warning(gate.code, format!("{} ({scenario})", record.name), &gate.detail, Some(gate.remedy))
    });
    let confounders = contender.confounders.iter().map(|found| {
        let all = found.touches.len() == analysis.record.suite.scenarios.len();
        let touches = if all { "all scenarios".to_owned() } else { found.touches.join(", ") };
        let place = format!("{} ({touches})", record.name);
        warning(found.code, place, &found.detail, Some(found.remedy))
    });
    of_record.chain(gates).chain(confounders).collect()
}
