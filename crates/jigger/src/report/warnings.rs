//! What a reader must know before believing a figure: the cause, and the remedy where there is one.

use std::fmt;

use crate::analysis::{Analysis, ContenderResult};
use crate::record::{ContenderRecord, Status};

/// What [`unmeasured`] calls the lack of an image's size.
pub const NO_IMAGE_SIZE: &str = "no image size";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Its code, or `note`, `skipped`, `failed` or `no image size`.
    pub code: String,
    /// Whose figures, and of which scenarios; empty for the run as a whole.
    pub place: String,
    /// What is the matter. Several lines where a log is quoted.
    pub cause: String,
    pub remedy: Option<String>,
}

impl fmt::Display for Warning {
    /// On one line, but for a log that is quoted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, place, cause, remedy } = self;
        write!(f, "{code}: {place}{}{cause}", if place.is_empty() { "" } else { ": " })?;
        remedy.iter().try_for_each(|remedy| write!(f, "; {remedy}"))
    }
}

/// All warnings of a report: the run's, then each contender's.
pub fn warnings(analysis: &Analysis<'_>) -> Vec<Warning> {
    let notes = analysis.notes().into_iter().map(|cause| Warning {
        code: "note".to_owned(),
        place: String::new(),
        cause,
        remedy: None,
    });
    let of_contenders = analysis.contenders.iter().flat_map(|it| of_contender(analysis, it));
    let of_all = analysis.confounders.iter().map(|found| Warning {
        code: found.code.to_string(),
        place: "all servers (all scenarios)".to_owned(),
        cause: found.detail.clone(),
        remedy: Some(found.remedy.to_string()),
    });
    notes.chain(of_all).chain(of_contenders).collect()
}

fn of_contender(analysis: &Analysis<'_>, contender: &ContenderResult<'_>) -> Vec<Warning> {
    let record = contender.record;
    let warning = |code: &str, place: String, cause: &str, remedy: Option<&str>| Warning {
        code: code.to_owned(),
        place,
        cause: cause.to_owned(),
        remedy: remedy.map(str::to_owned),
    };
    let of_record = unmeasured(record);
    let of_record = of_record.map(|(code, why)| warning(code, record.name.clone(), why, None));
    let gates = contender.gates.iter().map(|gate| {
        let scenario =
            if gate.scenario.is_empty() { "all scenarios" } else { gate.scenario.as_str() };
        warning(
            gate.code.name(),
            format!("{} ({scenario})", record.name),
            &gate.detail,
            Some(gate.remedy),
        )
    });
    let confounders = contender.confounders.iter().map(|found| {
        let all = found.touches.len() == analysis.record.suite.scenarios.len();
        let touches = if all { "all scenarios".to_owned() } else { found.touches.join(", ") };
        let place = format!("{} ({touches})", record.name);
        warning(found.code.name(), place, &found.detail, Some(found.remedy))
    });
    of_record.chain(gates).chain(confounders).collect()
}

/// What there is no figure of, and why.
pub fn unmeasured(record: &ContenderRecord) -> impl Iterator<Item = (&'static str, &str)> {
    let status = match record.status {
        Status::Measured => None,
        Status::Skipped => Some("skipped"),
        Status::Failed => Some("failed"),
    };
    let image = record.image_reason.as_deref().map(|reason| (NO_IMAGE_SIZE, reason));
    status.zip(record.reason.as_deref()).into_iter().chain(image)
}
