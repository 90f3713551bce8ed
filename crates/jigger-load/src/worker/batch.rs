//! Batching of wake-ups: how long to let answers gather before looking at them.
//!
//! A wake-up costs client and server more than an answer does. Where many answers are due the
//! client naps, and steers the nap so that a quarter to a half of the requests under way are
//! answered in it: late enough to take many at once, early enough that the server never runs
//! out of requests. Additive increase and multiplicative decrease (Chiu & Jain 1989), so that a
//! server that speeds up is never kept waiting for long.

/// Below so many requests under way every answer counts.
const UNDER_WAY_MIN: usize = 8;
const NAP_MIN_NS: u64 = 10_000;
/// Measured at 64 and 256 connections against a server of 20 us an answer: from 100 to 400 us the
/// client's CPU a request falls by a tenth to a fifth, beyond that hardly; rate and percentiles
/// stay, as a closed loop's response time is connections by rate however it is looked at.
const NAP_MAX_NS: u64 = 400_000;
/// So many looks in a row that brought one answer or none show a server too slow for batches.
const FRUITLESS_MAX: u32 = 8;
/// Then naps are left out for so many looks.
const PAUSE: u32 = 256;

/// What is known about the pace of the answers.
#[derive(Debug, Default)]
pub(super) struct Batch {
    answers: u64,
    nap_ns: u64,
    fruitless: u32,
}

impl Batch {
    /// After a look at the sockets: how long to nap before the next one; `None`: not at all.
    pub(super) fn nap_ns(&mut self, answers: u64, under_way: usize) -> Option<u64> {
        let gathered = answers - self.answers;
        self.answers = answers;
        if under_way < UNDER_WAY_MIN {
            return None;
        }
        if gathered * 2 > under_way as u64 {
            self.nap_ns -= self.nap_ns / 4;
        } else if gathered * 4 < under_way as u64 {
            self.nap_ns = (self.nap_ns + NAP_MIN_NS).min(NAP_MAX_NS);
        }
        self.fruitless = if gathered > 1 { 0 } else { (self.fruitless + 1) % PAUSE };
        (self.nap_ns >= NAP_MIN_NS && self.fruitless <= FRUITLESS_MAX).then_some(self.nap_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Naps against a server that takes so long for an answer: the last one, or 0.
    fn settled(answer_ns: u64, under_way: usize) -> (Vec<u64>, u64) {
        let (mut batch, mut answers, mut gathered) = (Batch::default(), 0, Vec::new());
        let mut last_ns = 0;
        for _ in 0..200 {
            last_ns = batch.nap_ns(answers, under_way).unwrap_or_default();
            // Without a nap one look takes what a wake-up does.
            let come = ((last_ns + 5_000) / answer_ns).min(under_way as u64);
            answers += come.max(1);
            gathered.push(come);
        }
        (gathered.split_off(100), last_ns)
    }

    #[test]
    fn the_server_never_runs_out_of_requests() {
        for (answer_ns, under_way) in [(5_000, 64), (5_000, 8), (20_000, 8), (1_000, 256)] {
            let (gathered, _) = settled(answer_ns, under_way);
            let most = *gathered.iter().max().unwrap();
            assert!(most * 4 <= under_way as u64 * 3, "{answer_ns} ns, {under_way}: {gathered:?}");
            assert!(most >= 2, "{answer_ns} ns, {under_way}: {gathered:?}");
        }
    }

    #[test]
    fn no_nap_where_it_gathers_nothing() {
        let mut batch = Batch::default();
        assert!((0..100).all(|answers| batch.nap_ns(answers, 7).is_none()), "few under way");
        let (gathered, _) = settled(200_000, 64);
        assert!(gathered.iter().all(|come| *come == 0), "a slow server");
        let mut naps = 0;
        let mut batch = Batch::default();
        (0..10_000).for_each(|answers| naps += u32::from(batch.nap_ns(answers, 64).is_some()));
        assert!(naps < 500, "{naps}");
        let mut batch = Batch::default();
        let busy = (1..100).all(|look| batch.nap_ns(look * 40, 64).is_none());
        assert!(busy, "the client is the slower one");
    }
}
