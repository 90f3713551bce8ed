//! Contenders in containers against themselves as processes of the host.

use super::ContenderResult;
use super::compare::{Comparison, compare_with};
use crate::record::Record;

/// Every metric of each contender that was measured in both ways: in its container, divided by the
/// bare process's of the same rounds.
pub fn containers(record: &Record, contenders: &[ContenderResult<'_>]) -> Vec<Comparison> {
    let pairs = contenders.iter().filter_map(|contained| {
        let of = contained.record.second_entry_of()?;
        let process = contenders.iter().find(|other| other.record.name == of)?;
        Some((contained, process))
    });
    pairs.flat_map(|(contained, process)| compare_with(record, contained, process)).collect()
}
