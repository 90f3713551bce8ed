//! Batching of wake-ups: how long to let answers gather before looking at them.
//!
//! A wake-up costs client and server more than an answer does. Where many answers are due the
//! client naps until about a quarter of the requests under way have been answered: late enough
//! to take many at once, early enough that the server never runs out of requests.

/// Below so many requests under way every answer counts.
const UNDER_WAY_MIN: usize = 8;
/// The part of the requests under way that is waited for.
const PART: usize = 4;
const GATHER_MAX: usize = 32;
const NAP_MIN_NS: u64 = 10_000;
const NAP_MAX_NS: u64 = 100_000;

/// What is known about the pace of the answers.
#[derive(Debug, Default)]
pub(super) struct Batch {
    answers: u64,
    looked_ns: u64,
    /// Time between answers, smoothed over about eight looks.
    interval_ns: u64,
    gathered: u64,
}

impl Batch {
    /// Takes note of the answers so far, after a look at the sockets.
    pub(super) fn looked(&mut self, answers: u64, now_ns: u64) {
        self.gathered = answers - self.answers;
        if self.gathered > 0 {
            let interval_ns = (now_ns - self.looked_ns) / self.gathered;
            self.interval_ns = if self.interval_ns == 0 {
                interval_ns
            } else {
                (7 * self.interval_ns + interval_ns) / 8
            };
            self.looked_ns = now_ns;
        }
        self.answers = answers;
    }

    /// How long to nap before the next look; `None`: not at all.
    pub(super) fn nap_ns(&self, under_way: usize) -> Option<u64> {
        if under_way < UNDER_WAY_MIN {
            return None;
        }
        let wanted = (under_way / PART).min(GATHER_MAX) as u64;
        // Enough came without a nap: the client, not the server, is the slower one.
        if self.interval_ns == 0 || self.gathered > wanted * 2 {
            return None;
        }
        let nap_ns = (wanted * self.interval_ns).min(NAP_MAX_NS);
        let gathers = nap_ns / self.interval_ns >= 2;
        (gathers && nap_ns >= NAP_MIN_NS).then_some(nap_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(answers: u64, each_ns: u64, looks: u64) -> Batch {
        let mut batch = Batch::default();
        (1..=looks).for_each(|look| batch.looked(look * answers, look * answers * each_ns));
        batch
    }

    #[test]
    fn naps_follow_the_pace_of_the_answers() {
        assert_eq!(
            after(1, 5_000, 50).nap_ns(64),
            Some(80_000),
            "16 answers of 5 us"
        );
        assert_eq!(
            after(1, 5_000, 50).nap_ns(8),
            Some(10_000),
            "2 answers of 5 us"
        );
        assert_eq!(
            after(1, 20_000, 50).nap_ns(256),
            Some(100_000),
            "never longer"
        );
    }

    #[test]
    fn no_nap_where_it_gathers_nothing() {
        assert_eq!(Batch::default().nap_ns(64), None, "nothing is known yet");
        assert_eq!(after(1, 5_000, 50).nap_ns(7), None, "few under way");
        assert_eq!(after(1, 60_000, 50).nap_ns(64), None, "a slow server");
        assert_eq!(after(1, 2_000, 50).nap_ns(8), None, "too short to pay");
        assert_eq!(
            after(40, 2_000, 50).nap_ns(64),
            None,
            "the client is the slower one"
        );
    }
}
