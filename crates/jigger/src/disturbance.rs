//! What took the machine away from a visit, and how much of it is too much.
//!
//! CPU pressure alone does not tell: it counts the contention that the server and the load engine
//! make themselves, which eight workers on one core are bound to do. So the CPU time of all
//! *other* processes is had besides: what the cores were busy with, less what jigger and its
//! descendants used.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use procfs::process::Process;
use serde::{Deserialize, Serialize};

use crate::cgroup::Group;
use crate::host::monotonic_ns;

/// What disturbed a visit. Shares are 0..1; `None` where the machine does not show it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Disturbance {
    /// Share of the cores' time that the hypervisor kept for others.
    pub steal_share: f64,
    /// Share of the cores' time that processes used which are neither jigger nor a server that
    /// it started. Unknown for a server that was running already or is in a container, since its
    /// time is foreign too.
    #[serde(default)]
    pub foreign_cpu_share: Option<f64>,
    /// Share of the time in which some runnable thread of the machine waited for a core (PSI).
    #[serde(default)]
    pub cpu_pressure_share: Option<f64>,
    /// Share of the time in which a quota of jigger's cgroup, or heat, held the cores back.
    #[serde(default)]
    pub throttled_share: Option<f64>,
    /// Mean frequency of the servers' cores at the end of the last trial.
    #[serde(default)]
    pub frequency_mhz: Option<f64>,
}

/// Above which shares a round is repeated. 1 never is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Limits {
    /// Of [`Disturbance::steal_share`].
    pub steal: f64,
    /// Of [`Disturbance::foreign_cpu_share`].
    pub foreign_cpu: f64,
    /// Of [`Disturbance::cpu_pressure_share`].
    pub cpu_pressure: f64,
    /// Of [`Disturbance::throttled_share`].
    pub throttled: f64,
}

impl Default for Limits {
    /// 5 % for steal and for foreign CPU time, 2 % for throttling. None for CPU pressure, see the
    /// module.
    fn default() -> Self {
        Self { steal: 0.05, foreign_cpu: 0.05, cpu_pressure: 1.0, throttled: 0.02 }
    }
}

impl Limits {
    pub fn none() -> Self {
        Self { steal: 1.0, foreign_cpu: 1.0, cpu_pressure: 1.0, throttled: 1.0 }
    }

    /// What was beyond its limit, in words; `None` when nothing was.
    pub fn exceeded_by(&self, found: &Disturbance) -> Option<String> {
        let checks = [
            ("steal", Some(found.steal_share), self.steal),
            ("foreign CPU time", found.foreign_cpu_share, self.foreign_cpu),
            ("CPU pressure", found.cpu_pressure_share, self.cpu_pressure),
            ("throttling", found.throttled_share, self.throttled),
        ];
        let beyond: Vec<String> = checks
            .into_iter()
            .filter_map(|(name, share, limit)| Some((name, share?, limit)))
            .filter(|(_, share, limit)| share > limit)
            .map(|(name, share, limit)| format!("{name} {} > {}", percent(share), percent(limit)))
            .collect();
        (!beyond.is_empty()).then(|| beyond.join(", "))
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// The counters of some cores of a host at one instant: what they were busy with, and what held
/// them back. What passed between two readings is a [`Disturbance`].
///
/// Sources: proc_stat(5); the kernel's `Documentation/accounting/psi.rst` (/proc/pressure),
/// `Documentation/admin-guide/cgroup-v2.rst` (`cpu.stat`, `throttled_usec`) and
/// `Documentation/scheduler/sched-bwc.rst` (version 1, `throttled_time`); thermal throttling is in
/// /sys/devices/system/cpu/cpuN/thermal_throttle (Intel only).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostReading {
    monotonic_ns: u64,
    time: CoreTime,
    own: Duration,
    pressure_us: Option<u64>,
    throttling: Throttling,
    /// Mean frequency of the cores, where the host shows it.
    pub frequency_mhz: Option<f64>,
}

impl HostReading {
    /// Of these cores of the host that this process runs on.
    pub fn here(cpus: &[usize]) -> Self {
        Self {
            monotonic_ns: monotonic_ns(),
            time: CoreTime::now(cpus),
            own: own_cpu_time(),
            pressure_us: pressure_us(),
            throttling: Throttling::now(cpus),
            frequency_mhz: frequency_mhz(cpus),
        }
    }

    /// The same when processes that have not ended have used so much CPU time for jigger so far.
    #[must_use]
    pub fn with_own(self, running: Duration) -> Self {
        Self { own: self.own + running, ..self }
    }

    /// What happened since `earlier`, read by the same process of the same cores. `knows_server`
    /// says that the server was among its descendants and has ended, so that the server's CPU time
    /// is in that process's account.
    pub fn since(&self, earlier: &Self, knows_server: bool) -> Disturbance {
        let elapsed = Duration::from_nanos(self.monotonic_ns.saturating_sub(earlier.monotonic_ns));
        let time = self.time.since(earlier.time);
        let own = self.own.saturating_sub(earlier.own);
        let pressure = earlier.pressure_us.zip(self.pressure_us);
        Disturbance {
            steal_share: time.share(time.steal_ticks),
            foreign_cpu_share: knows_server.then(|| time.foreign_share(own)).flatten(),
            cpu_pressure_share: pressure.map(|(before, now)| {
                share(Duration::from_micros(now.saturating_sub(before)), elapsed)
            }),
            throttled_share: self
                .throttling
                .since(earlier.throttling)
                .map(|held_back| share(held_back, elapsed)),
            frequency_mhz: None,
        }
    }
}

/// Share of these cores' time since the host started that the hypervisor kept for others.
pub fn steal_share_since_start(cpus: &[usize]) -> f64 {
    let time = CoreTime::now(cpus);
    time.share(time.steal_ticks)
}

fn frequency_mhz(cpus: &[usize]) -> Option<f64> {
    let found: Vec<f64> =
        cpus.iter().filter_map(|cpu| of_core(*cpu, "cpufreq/scaling_cur_freq")).collect();
    let count = u32::try_from(found.len()).ok().filter(|count| *count > 0)?;
    Some(found.iter().sum::<f64>() / f64::from(count) / 1_000.0)
}

/// A number that the kernel shows of one core.
fn of_core<T: std::str::FromStr>(cpu: usize, file: &str) -> Option<T> {
    let folder = format!("/sys/devices/system/cpu/cpu{cpu}");
    fs::read_to_string(Path::new(&folder).join(file)).ok()?.trim().parse().ok()
}

fn share(part: Duration, whole: Duration) -> f64 {
    if whole.is_zero() { 0.0 } else { (part.as_secs_f64() / whole.as_secs_f64()).min(1.0) }
}

/// CPU time of this process and of all its descendants that have been waited for: the guard waits
/// for the server's tree, and jigger for the guard (getrusage(2), `RUSAGE_CHILDREN`).
fn own_cpu_time() -> Duration {
    let spent = |usage: Usage| (usage.user_time() + usage.system_time()).num_microseconds();
    let spent_us = |who| getrusage(who).ok().and_then(|usage| u64::try_from(spent(usage)).ok());
    let both = [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN];
    Duration::from_micros(both.into_iter().filter_map(spent_us).sum())
}

/// Processor time of some cores so far, in ticks of /proc/stat.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct CoreTime {
    total_ticks: u64,
    /// User, nice and system. Time in interrupts is left out: the kernel adds most of it to the
    /// process that was interrupted too, so it would count as foreign though it is not.
    process_ticks: u64,
    steal_ticks: u64,
}

impl CoreTime {
    /// Reads /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal.
    fn now(cpus: &[usize]) -> Self {
        Self::parse(&fs::read_to_string("/proc/stat").unwrap_or_default(), cpus)
    }

    fn parse(text: &str, cpus: &[usize]) -> Self {
        let mut sum = Self::default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let core = words.next().and_then(|name| name.strip_prefix("cpu")?.parse().ok());
            if !core.is_some_and(|core: usize| cpus.contains(&core)) {
                continue;
            }
            let ticks: Vec<u64> = words.take(8).filter_map(|word| word.parse().ok()).collect();
            sum.total_ticks += ticks.iter().sum::<u64>();
            sum.process_ticks += ticks.iter().take(3).sum::<u64>();
            sum.steal_ticks += ticks.get(7).copied().unwrap_or(0);
        }
        sum
    }

    fn since(self, earlier: Self) -> Self {
        Self {
            total_ticks: self.total_ticks.saturating_sub(earlier.total_ticks),
            process_ticks: self.process_ticks.saturating_sub(earlier.process_ticks),
            steal_ticks: self.steal_ticks.saturating_sub(earlier.steal_ticks),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "ticks of one visit are far below 2^53")]
    fn share(self, ticks: u64) -> f64 {
        if self.total_ticks == 0 { 0.0 } else { ticks as f64 / self.total_ticks as f64 }
    }

    /// The share that processes other than `own` used.
    #[expect(clippy::cast_precision_loss, reason = "ticks of one visit are far below 2^53")]
    fn foreign_share(self, own: Duration) -> Option<f64> {
        let per_second = procfs::ticks_per_second() as f64;
        let foreign_ticks = self.process_ticks as f64 - own.as_secs_f64() * per_second;
        (self.total_ticks > 0).then(|| (foreign_ticks / self.total_ticks as f64).clamp(0.0, 1.0))
    }
}

/// Time in which some thread waited for a core.
fn pressure_us() -> Option<u64> {
    parse_pressure_us(&fs::read_to_string("/proc/pressure/cpu").ok()?)
}

fn parse_pressure_us(text: &str) -> Option<u64> {
    let some = text.lines().find(|line| line.starts_with("some "))?;
    some.split_whitespace().find_map(|word| word.strip_prefix("total="))?.parse().ok()
}

/// How long a quota or heat has held the cores back so far; `None` where the host does not show it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Throttling {
    by_quota: Option<Duration>,
    by_heat: Option<Duration>,
}

impl Throttling {
    fn now(cpus: &[usize]) -> Self {
        let heat_ms = |cpu: &usize| of_core(*cpu, "thermal_throttle/core_throttle_total_time_ms");
        let by_heat = cpus.iter().filter_map(heat_ms).max().map(Duration::from_millis);
        Self { by_quota: by_quota(), by_heat }
    }

    /// The time since `earlier`, the greater of the two.
    fn since(self, earlier: Self) -> Option<Duration> {
        let passed = |now: Option<Duration>, before: Option<Duration>| {
            now.zip(before).map(|(now, before)| now.saturating_sub(before))
        };
        let by_quota = passed(self.by_quota, earlier.by_quota);
        by_quota.max(passed(self.by_heat, earlier.by_heat))
    }
}

/// Of this process's own cgroup and those above it, one of which may have the quota.
fn by_quota() -> Option<Duration> {
    let own = Process::myself().ok()?;
    let groups = [Some("cpu"), None].into_iter().filter_map(|it| Group::of(&own, it));
    let of_group = |group: Group| {
        let folders =
            group.folder.ancestors().take_while(|folder| folder.starts_with(&group.mount_point));
        let texts = folders.filter_map(|folder| fs::read_to_string(folder.join("cpu.stat")).ok());
        texts.filter_map(|text| parse_quota(&text)).max()
    };
    groups.filter_map(of_group).max()
}

fn parse_quota(text: &str) -> Option<Duration> {
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse::<u64>().ok()
    };
    let second = value("throttled_usec ").map(Duration::from_micros);
    second.or_else(|| value("throttled_time ").map(Duration::from_nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_and_beyond_its_limit_counts() {
        let limits = Limits::default();
        let quiet = Disturbance { steal_share: 0.05, ..Disturbance::default() };
        assert_eq!(limits.exceeded_by(&quiet), None);
        let loud = Disturbance {
            steal_share: 0.071,
            foreign_cpu_share: Some(0.5),
            cpu_pressure_share: Some(0.99),
            throttled_share: Some(0.0),
            frequency_mhz: Some(800.0),
        };
        let found = limits.exceeded_by(&loud).unwrap();
        assert_eq!(found, "steal 7.1 % > 5.0 %, foreign CPU time 50.0 % > 5.0 %");
        assert_eq!(Limits::none().exceeded_by(&loud), None);
    }

    const EARLIER: &str = "cpu  0 0 0 0 0 0 0 0\ncpu0 10 0 10 80 0 0 0 0 0 0\ncpu1 5 5 5 5 5 5 5 5";
    const LATER: &str = "cpu  0 0 0 0 0 0 0 0\ncpu0 30 5 25 120 0 4 6 10 0 0\ncpu1 9 9 9 9 9 9 9 9";

    #[test]
    fn shares_are_of_the_cores_watched() {
        let passed = CoreTime::parse(LATER, &[0]).since(CoreTime::parse(EARLIER, &[0]));
        assert_eq!(passed, CoreTime { total_ticks: 100, process_ticks: 40, steal_ticks: 10 });
        assert!((passed.share(passed.steal_ticks) - 0.1).abs() < 1e-12);
        let both = CoreTime::parse(LATER, &[0, 1]).since(CoreTime::parse(EARLIER, &[0, 1]));
        assert_eq!(both.total_ticks, 132);
        assert!(CoreTime::default().share(0).abs() < 1e-12);
    }

    #[test]
    fn foreign_is_what_own_processes_did_not_use() {
        let passed = CoreTime { total_ticks: 100, process_ticks: 40, steal_ticks: 0 };
        let tick = Duration::from_secs(1) / u32::try_from(procfs::ticks_per_second()).unwrap();
        let foreign = |own_ticks: u32| passed.foreign_share(tick * own_ticks).unwrap();
        assert!((foreign(30) - 0.1).abs() < 1e-9);
        assert!(foreign(50).abs() < 1e-12);
        assert_eq!(CoreTime::default().foreign_share(Duration::ZERO), None);
    }

    #[test]
    fn pressure_is_the_line_of_some() {
        let text = "some avg10=0.00 avg60=0.00 total=311\nfull avg10=0.00 total=7\n";
        assert_eq!(parse_pressure_us(text), Some(311));
        assert_eq!(parse_pressure_us(""), None);
    }

    #[test]
    fn both_versions_of_cpu_stat_are_read() {
        let second = "usage_usec 9\nnr_throttled 2\nthrottled_usec 1500\n";
        assert_eq!(parse_quota(second), Some(Duration::from_micros(1_500)));
        let first = "nr_periods 9\nnr_throttled 2\nthrottled_time 1500\n";
        assert_eq!(parse_quota(first), Some(Duration::from_nanos(1_500)));
        assert_eq!(parse_quota("usage_usec 9\n"), None);
    }

    #[test]
    fn the_greater_of_quota_and_heat_counts() {
        let at = |quota, heat| Throttling {
            by_quota: Some(Duration::from_millis(quota)),
            by_heat: Some(Duration::from_millis(heat)),
        };
        assert_eq!(at(30, 15).since(at(10, 10)), Some(Duration::from_millis(20)));
        let unknown = Throttling { by_quota: None, ..at(0, 20) };
        assert_eq!(unknown.since(at(10, 10)), Some(Duration::from_millis(10)));
        let nothing = Throttling { by_quota: None, by_heat: None };
        assert_eq!(nothing.since(nothing), None);
    }

    #[test]
    fn two_readings_of_this_host_have_shares_between_them() {
        let cpus = crate::host::allowed_cores();
        let earlier = HostReading::here(&cpus);
        let before = own_cpu_time();
        while own_cpu_time().saturating_sub(before) < Duration::from_millis(20) {
            std::hint::black_box(0);
        }
        let later = HostReading::here(&cpus);
        let found = later.since(&earlier, true);
        assert!((0.0..=1.0).contains(&found.steal_share));
        assert!(found.foreign_cpu_share.is_some_and(|share| (0.0..=1.0).contains(&share)));
        assert_eq!(later.since(&earlier, false).foreign_cpu_share, None);
    }
}
