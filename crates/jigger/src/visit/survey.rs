//! One look at each contender without load: launch, verify, stop.

use crate::event::Listener;
use crate::interrupt::Interrupt;
use crate::plan::Entry;
use crate::record::VisitRecord;
use crate::session::World;
use crate::suite::Suite;

/// Visits those of the suite's contenders whose indexes are in `taking_part`, once each, in a world
/// without scenarios; fewer when the user interrupts.
pub fn survey(
    suite: &Suite,
    taking_part: &[usize],
    world: &mut impl World,
    interrupt: &Interrupt,
    listener: &mut Listener<'_>,
) -> Vec<VisitRecord> {
    let mut visits = Vec::new();
    for &index in taking_part {
        if interrupt.is_raised() {
            break;
        }
        let entry = Entry { contender: index, name: suite.contenders[index].name.clone() };
        visits.push(world.visit(&entry, 0, index, listener));
    }
    visits
}

/// Whether some of the contenders visited close connections that others keep.
#[must_use]
pub fn differ_in_closing(visits: &[VisitRecord]) -> bool {
    let closes = |visit: &VisitRecord| Some(visit.evidence.as_ref()?.closes_connections);
    let mut found: Vec<bool> = visits.iter().filter_map(closes).collect();
    found.sort_unstable();
    found.dedup();
    found.len() > 1
}
