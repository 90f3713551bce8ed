//! Batching of wake-ups: how long to let responses gather before looking at them.
//!
//! A wake-up costs client and server more than a response does. Where many responses are due the
//! client naps, and steers the nap by what the server has left to do at its end: long enough to take
//! many responses at once, short enough that the server never runs out of requests while the client
//! wakes up. Additive increase and multiplicative decrease (Chiu & Jain 1989), so that a server that
//! speeds up is never kept waiting for long.

/// Below so many requests under way every response counts.
const UNDER_WAY_MIN: usize = 8;
const NAP_MIN_NS: u64 = 10_000;
/// Measured at 64 and 256 connections against a server of 20 us a response: from 100 to 400 us the
/// client's CPU a request falls by a tenth to a fifth, beyond that hardly; rate and percentiles
/// stay, as a closed loop's response time is connections by rate however it is looked at.
const NAP_MAX_NS: u64 = 400_000;
/// Work that the server is to have left at the end of a nap: what a core takes to wake up and to send
/// the first request, 40 to 60 us on a virtual machine (`cargo bench -p jigger-load --bench truth`).
const LEFT_MIN_NS: u64 = 45_000;
/// With more left than this a nap may be longer.
const LEFT_ENOUGH_NS: u64 = 70_000;
/// So many looks in a row that brought one response or none show a server too slow for batches.
const FRUITLESS_MAX: u32 = 8;
/// Then naps are left out for so many looks.
const PAUSE: u32 = 256;

/// What is known about the pace of the responses.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    responses: u64,
    looked_ns: u64,
    nap_ns: u64,
    fruitless: u32,
}

impl Gathering {
    /// After a look at the sockets: how long to nap before the next one; `None`: not at all.
    pub(super) fn nap_ns(&mut self, now_ns: u64, responses: u64, under_way: usize) -> Option<u64> {
        let gathered = responses - self.responses;
        let since_ns = now_ns.saturating_sub(self.looked_ns);
        (self.responses, self.looked_ns) = (responses, now_ns);
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
/// when no response had come.
fn left_ns(since_ns: u64, gathered: u64, under_way: u64) -> Option<u64> {
    let left = under_way.saturating_sub(gathered);
    since_ns.saturating_mul(left).checked_div(gathered)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at a server that takes so long for a response, after the nap has settled: how many
    /// responses each brings.
    fn settled(response_ns: u64, under_way: usize) -> Vec<u64> {
        let (mut gathering, mut responses, mut now_ns) = (Gathering::default(), 0, 0);
        let mut gathered = Vec::new();
        for _ in 0..200 {
            let nap_ns = gathering.nap_ns(now_ns, responses, under_way).unwrap_or_default();
            // Without a nap one look takes what a wake-up does; it lasts until a response comes.
            let time_ns = (nap_ns + 5_000).max(response_ns);
            let come = (time_ns / response_ns).min(under_way as u64);
            now_ns += time_ns;
            responses += come;
            gathered.push(come);
        }
        gathered.split_off(100)
    }

    #[test]
    fn the_server_has_work_for_as_long_as_waking_takes() {
        for (response_ns, under_way, least) in [(5_000, 64, 40), (26_000, 8, 4), (1_000, 256, 150)]
        {
            let gathered = settled(response_ns, under_way);
            let most = *gathered.iter().max().unwrap();
            let left_ns = (under_way as u64 - most) * response_ns;
            // A nap that has just become too long is shortened at the next look.
            assert!(
                left_ns + NAP_MIN_NS >= LEFT_MIN_NS - response_ns,
                "{response_ns} ns: {gathered:?}"
            );
            assert!(gathered.iter().all(|come| *come >= least), "{response_ns} ns: {gathered:?}");
        }
    }

    #[test]
    fn no_nap_where_it_gathers_nothing_or_keeps_the_server_waiting() {
        let naps = |response_ns: u64, responses: u64, under_way: usize| {
            let mut gathering = Gathering::default();
            let look =
                |n: u64| gathering.nap_ns(n * response_ns, n * responses, under_way).is_some();
            (0..10_000).map(look).filter(|naps| *naps).count()
        };
        assert_eq!(naps(26_000, 1, 7), 0, "few under way");
        assert_eq!(naps(5_000, 1, 8), 0, "all is done before a core is awake");
        assert!(naps(200_000, 1, 64) < 500, "a slow server");
        assert_eq!(naps(40_000, 40, 64), 0, "the client is the slower one");
    }
}
