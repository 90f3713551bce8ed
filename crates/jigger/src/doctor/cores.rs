//! The cores, what changes their speed, who else uses them, and the clock.

use std::fs;
use std::path::Path;

use super::finding::Finding;
use crate::disturbance::{Limits, steal_share_since_start};
use crate::host::{Host, Placement};
use crate::numbers::number;
use crate::report::units::percent;

const SYSTEM_CPU: &str = "/sys/devices/system/cpu";

pub fn examine(host: &Host, placement: &Placement) -> Vec<Finding> {
    let load = read("/proc/loadavg");
    let load = load.split_whitespace().next().and_then(|number| number.parse().ok());
    vec![
        cores(placement),
        siblings(placement, &host.smt_siblings),
        clock(&read("/sys/devices/system/clocksource/clocksource0/current_clocksource")),
        governor(host.governor.as_deref()),
        boost(is_boosted()),
        power(is_on_battery()),
        steal(host.virtual_machine, steal_share_since_start(&placement.cpus())),
        load_average(load, host.cores),
    ]
}

/// Empty where there is no such file.
fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn cores(placement: &Placement) -> Finding {
    let value = format!("{}: {}", placement.cpus().len(), placement.text(","));
    match placement.shared_cpus().is_empty() {
        true => Finding::fine("cores", value, "load generator and servers have separate cores"),
        false => Finding::poor(
            "cores",
            value,
            "load generator and servers slow each other, and the load generator may be the limit",
            Placement::SHARED_REMEDY,
        ),
    }
}

fn siblings(placement: &Placement, siblings: &[Vec<usize>]) -> Finding {
    match placement.siblings_apart(siblings).first() {
        Some((client, server)) => Finding::poor(
            "SMT",
            format!("cores {client} and {server} are threads of one physical core"),
            "load generator and servers slow each other there",
            Placement::SIBLINGS_REMEDY,
        ),
        None if siblings.is_empty() => {
            Finding::fine("SMT", "off, or not shown", "every core seems to be a physical core")
        }
        None => Finding::fine(
            "SMT",
            "on",
            "no physical core runs the load generator on one thread and servers on another",
        ),
    }
}

/// Clocks that are read without a call into the kernel (the vDSO's, by `arch/*/include/asm/vdso`).
const FAST_CLOCKS: &[&str] =
    &["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"];

fn clock(source: &str) -> Finding {
    if source.is_empty() {
        return Finding::unknown(
            "clock source",
            "not shown",
            "jigger reads the clock twice per response",
        );
    }
    if FAST_CLOCKS.contains(&source) {
        return Finding::fine("clock source", source, "the clock is read without a system call");
    }
    Finding::poor(
        "clock source",
        source,
        "reading the clock is a system call of up to a microsecond, twice per response",
        "choose tsc if /sys/devices/system/clocksource/clocksource0/available_clocksource lists \
         it: boot with clocksource=tsc",
    )
}

fn governor(governor: Option<&str>) -> Finding {
    let name = "CPU governor";
    match governor {
        Some("performance") => {
            Finding::fine(name, "performance", "the cores stay at their highest frequency")
        }
        Some(other) => Finding::poor(
            name,
            other,
            "the cores change their frequency with the load, so a slow rate looks slower than it is",
            "as root: cpupower frequency-set --governor performance",
        ),
        None => Finding::unknown(
            name,
            "not shown, as in most virtual machines",
            "the host sets the cores' frequency",
        ),
    }
}

/// Whether cores may run faster than their rated frequency; `None` where the kernel does not say.
/// Sources: the kernel's `Documentation/admin-guide/pm/intel_pstate.rst` and `cpufreq.rst`.
fn is_boosted() -> Option<bool> {
    let file = |name: &str| read(Path::new(SYSTEM_CPU).join(name));
    match (file("intel_pstate/no_turbo").as_str(), file("cpufreq/boost").as_str()) {
        ("0", _) | ("", "1") => Some(true),
        ("1", _) | ("", "0") => Some(false),
        _ => None,
    }
}

fn boost(is_boosted: Option<bool>) -> Finding {
    let name = "turbo or boost";
    match is_boosted {
        Some(false) => Finding::fine(name, "off", "heat and idle cores do not change the speed"),
        Some(true) => Finding::poor(
            name,
            "on",
            "a core's speed depends on heat and on what the other cores do",
            "as root: echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo, or echo 0 > \
             /sys/devices/system/cpu/cpufreq/boost",
        ),
        None => Finding::unknown(
            name,
            "not shown, as in most virtual machines",
            "rounds are interleaved, so slow changes of speed affect all servers alike",
        ),
    }
}

/// Whether every mains adapter is unplugged; `None` where there is none.
/// Source: the kernel's `Documentation/ABI/testing/sysfs-class-power`.
fn is_on_battery() -> Option<bool> {
    let entries = fs::read_dir("/sys/class/power_supply").ok()?;
    let folders = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mains: Vec<_> = folders.filter(|folder| read(folder.join("type")) == "Mains").collect();
    (!mains.is_empty()).then(|| mains.iter().all(|folder| read(folder.join("online")) == "0"))
}

fn power(is_on_battery: Option<bool>) -> Finding {
    match is_on_battery {
        Some(true) => Finding::poor(
            "power supply",
            "battery",
            "cores are slowed down to save power",
            "plug the machine in",
        ),
        Some(false) => {
            Finding::fine("power supply", "mains", "nothing is slowed down to save power")
        }
        None => Finding::fine("power supply", "no battery shown", "so there is no power saving"),
    }
}

fn steal(is_virtual: bool, share: f64) -> Finding {
    let kept = format!(
        "{} of the cores' time since the start went to other virtual machines",
        percent(share)
    );
    let limit = percent(Limits::default().steal);
    match (is_virtual, share > Limits::default().steal) {
        (false, _) => {
            Finding::fine("virtual machine", "no", "no other virtual machine can take the cores")
        }
        (true, false) => Finding::fine(
            "virtual machine",
            format!("yes; {kept}"),
            format!("a round in which others get more than {limit} is repeated"),
        ),
        (true, true) => Finding::poor(
            "virtual machine",
            format!("yes; {kept}"),
            format!("rounds in which others get more than {limit} are repeated, and many will be"),
            "measure at another time, or on a machine whose cores are not shared",
        ),
    }
}

/// Held against the limit of a round: so many cores' time may others use.
fn load_average(load: Option<f64>, cores: usize) -> Finding {
    let name = "load average";
    let Some(load) = load else {
        return Finding::unknown(name, "not shown", "it is not known what else runs");
    };
    let value = format!("{load:.2} in the last minute, on {cores} cores");
    let limit = Limits::default().foreign_cpu;
    match load > limit * number(cores as u64) {
        false => Finding::fine(name, value, "the machine is nearly idle"),
        true => Finding::poor(
            name,
            value,
            format!(
                "rounds in which others use more than {} of the cores are repeated; too many, and \
                 no verdict is given",
                percent(limit)
            ),
            "stop other programs, or wait until they end",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::super::finding::tests::assert_states;
    use super::*;

    #[test]
    fn cores_are_fine_when_nobody_shares_one() {
        let (two, one) = (Placement::split(&[0, 1]), Placement::split(&[0]));
        assert_states([
            (State::Fine, cores(&two)),
            (State::Poor, cores(&one)),
            (State::Poor, siblings(&two, &[vec![0, 1]])),
            (State::Fine, siblings(&two, &[])),
            (State::Fine, siblings(&Placement::split(&[0, 2, 3]), &[vec![2, 3]])),
        ]);
    }

    #[test]
    fn a_steady_machine_is_fine_and_one_whose_speed_changes_is_not() {
        assert_states([
            (State::Fine, clock("tsc")),
            (State::Poor, clock("hpet")),
            (State::Unknown, clock("")),
            (State::Fine, governor(Some("performance"))),
            (State::Poor, governor(Some("schedutil"))),
            (State::Unknown, governor(None)),
            (State::Fine, boost(Some(false))),
            (State::Poor, boost(Some(true))),
            (State::Unknown, boost(None)),
            (State::Fine, power(Some(false))),
            (State::Poor, power(Some(true))),
            (State::Fine, power(None)),
        ]);
    }

    #[test]
    fn others_are_held_against_the_limits_of_a_round() {
        assert_states([
            (State::Fine, steal(false, 0.0)),
            (State::Fine, steal(true, 0.01)),
            (State::Poor, steal(true, 0.06)),
            (State::Fine, load_average(Some(0.1), 2)),
            (State::Poor, load_average(Some(0.11), 2)),
            (State::Unknown, load_average(None, 2)),
        ]);
    }
}
