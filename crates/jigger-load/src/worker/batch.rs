//! Batching of wake-ups: how long to let answers gather before looking at them.
//!
//! A wake-up costs client and server more than an answer does. Where many answers are due the
//! client naps, and steers the nap by what the server has left to do at its end: long enough to take
//! many answers at once, short enough that the server never runs out of requests while the client
//! wakes up. Additive increase and multiplicative decrease (Chiu & Jain 1989), so that a server that
//! speeds up is never kept waiting for long.

/// Below so many requests under way every answer counts.
const UNDER_WAY_MIN: usize = 8;
const NAP_MIN_NS: u64 = 10_000;
/// Measured at 64 and 256 connections against a server of 20 us an answer: from 100 to 400 us the
/// client's CPU a request falls by a tenth to a fifth, beyond that hardly; rate and percentiles
/// stay, as a closed loop's response time is connections by rate however it is looked at.
const NAP_MAX_NS: u64 = 400_000;
/// Work that the server is to have left at the end of a nap: what a core takes to wake up and to send
/// the first request, 40 to 60 us on a virtual machine (`cargo bench -p jigger-load --bench truth`).
const LEFT_MIN_NS: u64 = 45_000;
/// With more left than this a nap may be longer.
const LEFT_ENOUGH_NS: u64 = 70_000;
/// So many looks in a row that brought one answer or none show a server too slow for batches.
const FRUITLESS_MAX: u32 = 8;
/// Then naps are left out for so many looks.
const PAUSE: u32 = 256;

/// What is known about the pace of the answers.
#[derive(Debug, Default)]
pub(super) struct Batch {
    answers: u64,
    looked_ns: u64,
    nap_ns: u64,
    fruitless: u32,
}

impl Batch {
    /// After a look at the sockets: how long to nap before the next one; `None`: not at all.
    pub(super) fn nap_ns(&mut self, now_ns: u64, answers: u64, under_way: usize) -> Option<u64> {
        let gathered = answers - self.answers;
        let since_ns = now_ns.saturating_sub(self.looked_ns);
        (self.answers, self.looked_ns) = (answers, now_ns);
        if under_way < UNDER_WAY_MIN {
            return None;
        }
        match left_ns(since_ns, gathered, under_way as u64) {
            Some(..LEFT_MIN_NS) => self.nap_ns -= self.nap_ns / 4,
            Some(LEFT_ENOUGH_NS..) => self.nap_ns = (self.nap_ns + NAP_MIN_NS).min(NAP_MAX_NS),
            Some(_) | None => {}
        }
        self.fruitless = if gathered > 1 { 0 } else { (self.fruitless + 1) % PAUSE };
        (self.nap_ns >= NAP_MIN_NS && self.fruitless <= FRUITLESS_MAX).then_some(self.nap_ns)
    }
}

/// What the server still had to do when the client looked, at the pace of the time before; unknown
/// when no answer had come.
fn left_ns(since_ns: u64, gathered: u64, under_way: u64) -> Option<u64> {
    let left = under_way.saturating_sub(gathered);
    since_ns.saturating_mul(left).checked_div(gathered)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at a server that takes so long for an answer, after the nap has settled: how many
    /// answers each brings.
    fn settled(answer_ns: u64, under_way: usize) -> Vec<u64> {
        let (mut batch, mut answers, mut now_ns) = (Batch::default(), 0, 0);
        let mut gathered = Vec::new();
        for _ in 0..200 {
            let nap_ns = batch.nap_ns(now_ns, answers, under_way).unwrap_or_default();
            // Without a nap one look takes what a wake-up does; it lasts until an answer comes.
            let time_ns = (nap_ns + 5_000).max(answer_ns);
            let come = (time_ns / answer_ns).min(under_way as u64);
            now_ns += time_ns;
            answers += come;
            gathered.push(come);
        }
        gathered.split_off(100)
    }

    #[test]
    fn the_server_has_work_for_as_long_as_waking_takes() {
        for (answer_ns, under_way, least) in [(5_000, 64, 40), (26_000, 8, 4), (1_000, 256, 150)] {
            let gathered = settled(answer_ns, under_way);
            let most = *gathered.iter().max().unwrap();
            let left_ns = (under_way as u64 - most) * answer_ns;
            // A nap that has just become too long is shortened at the next look.
            assert!(
                left_ns + NAP_MIN_NS >= LEFT_MIN_NS - answer_ns,
                "{answer_ns} ns: {gathered:?}"
            );
            assert!(gathered.iter().all(|come| *come >= least), "{answer_ns} ns: {gathered:?}");
        }
    }

    #[test]
    fn no_nap_where_it_gathers_nothing_or_keeps_the_server_waiting() {
        let naps = |answer_ns: u64, answers: u64, under_way: usize| {
            let mut batch = Batch::default();
            let look = |n: u64| batch.nap_ns(n * answer_ns, n * answers, under_way).is_some();
            (0..10_000).map(look).filter(|naps| *naps).count()
        };
        assert_eq!(naps(26_000, 1, 7), 0, "few under way");
        assert_eq!(naps(5_000, 1, 8), 0, "all is done before a core is awake");
        assert!(naps(200_000, 1, 64) < 500, "a slow server");
        assert_eq!(naps(40_000, 40, 64), 0, "the client is the slower one");
    }
}
