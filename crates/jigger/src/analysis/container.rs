//! Contenders in containers against themselves as processes of the host.

use super::ContenderResult;
use super::compare::{Comparison, compare_with};
use crate::record::{ContenderRecord, Record};

/// Every metric of each contender that was measured in both ways: in its container, divided by the
/// bare process's of the same rounds.
pub fn containers(record: &Record, contenders: &[ContenderResult<'_>]) -> Vec<Comparison> {
    let pairs = contenders.iter().filter_map(|contained| {
        let of = bare(contained.record)?;
        let process = contenders.iter().find(|other| other.record.name == of)?;
        Some((contained, process))
    });
    pairs.flat_map(|(contained, process)| compare_with(record, contained, process)).collect()
}

/// The contender that this one is compared with, when it is its second entry.
fn bare(contender: &ContenderRecord) -> Option<&str> {
    let container = contender.container.as_ref()?;
    (container.of != contender.name).then_some(container.of.as_str())
}
