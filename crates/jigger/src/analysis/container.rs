//! Contenders in containers against themselves as processes of the host.

use super::ContenderResult;
use super::compare::{Comparison, compare_with};

/// Every metric of each contender that was measured in both ways: in its container, divided by the
/// bare process's of the same rounds.
pub fn containers<'a>(contenders: &[ContenderResult<'a>]) -> Vec<Comparison<'a>> {
    let pair = |(at, contained): (usize, &ContenderResult<'_>)| {
        let of = contained.record.second_entry_of()?;
        let process = contenders.iter().position(|other| other.record.name == of)?;
        Some((at, process))
    };
    let pairs = contenders.iter().enumerate().filter_map(pair);
    pairs.flat_map(|pair| compare_with(contenders, pair)).collect()
}
