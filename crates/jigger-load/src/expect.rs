//! What a correct response is, checked for every response at full speed.

use crate::random::Random;
use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// What a correct response is.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// The status wanted; `None`: any below 400.
    pub status: Option<u16>,
    /// What the body has to be.
    pub body: BodyRule,
}

/// A test of a body.
#[derive(Clone, Default)]
pub enum BodyRule {
    /// Every body is fine.
    #[default]
    Any,
    /// These bytes and no others; compared while they arrive.
    Exact(Arc<[u8]>),
    /// That many bytes.
    Length(u64),
    /// A predicate over the whole body. A body equal to the last one that passed on the same
    /// thread passes without a call. Of the others it is applied to all as long as that takes less than
    /// a tenth of the thread's time, else to a sample of at least one in a hundred;
    /// [`Sample::unchecked`](crate::Sample::unchecked) counts the rest. Bodies above
    /// [`MATCHED_BODY_MAX_BYTES`] fail.
    Matches(Predicate),
}

/// Decides about a whole body; shared by all threads.
pub type Predicate = Arc<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// The longest body that [`BodyRule::Matches`] is applied to.
pub const MATCHED_BODY_MAX_BYTES: usize = 16 << 20;

impl fmt::Debug for BodyRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BodyRule::Any => formatter.write_str("Any"),
            BodyRule::Exact(bytes) => write!(formatter, "Exact({} bytes)", bytes.len()),
            BodyRule::Length(bytes) => write!(formatter, "Length({bytes})"),
            BodyRule::Matches(_) => formatter.write_str("Matches(..)"),
        }
    }
}

/// What correct responses to several requests are, by the request's number.
pub(crate) trait Expectations {
    /// What a correct response to that one is.
    fn of(&self, request: u32) -> &Expect;
}

/// The same for all.
impl Expectations for Expect {
    #[inline]
    fn of(&self, _: u32) -> &Expect {
        self
    }
}

impl Expect {
    pub(crate) fn accepts_status(&self, status: u16) -> bool {
        self.status.map_or(status < 400, |wanted| wanted == status)
    }
}

/// One response's body as far as it has arrived.
#[derive(Debug, Default)]
pub(crate) struct BodyCheck {
    seen_bytes: u64,
    differs: bool,
    kept: Vec<u8>,
}

/// What a thread remembers between responses.
#[derive(Debug, Default)]
pub(crate) struct LastMatches {
    /// For each request the last body that its predicate accepted.
    bodies: Vec<Option<Vec<u8>>>,
    sampling: Sampling,
    unchecked: u64,
}

/// Which bodies a predicate is applied to. Which of them is left to chance, since servers do things
/// every so many responses, too.
#[derive(Debug)]
struct Sampling {
    /// Time since some moment.
    clock: fn() -> Duration,
    begun: Option<Duration>,
    /// Bodies so far, those that the predicate was applied to, and the time that this took.
    seen: u64,
    judged: u64,
    spent: Duration,
    /// Bodies to be passed over.
    left_out: u64,
    random: Random,
}

/// The first bodies are all judged, whatever that costs: what it costs is not known before.
const ALWAYS_JUDGED: u64 = 100;
/// One of so many is judged on the average, if judging is dear. Two that are judged lie less than
/// twice as far apart, so that it is at least one in a hundred.
const RAREST: u64 = 50;
/// Judging may take one part in so many of a thread's time.
const PARTS_OF_TIME: u32 = 10;

impl Default for Sampling {
    fn default() -> Sampling {
        let (clock, begun, random) = (since_the_first as fn() -> Duration, None, Random::new(0));
        Sampling { clock, begun, seen: 0, judged: 0, spent: Duration::ZERO, left_out: 0, random }
    }
}

fn since_the_first() -> Duration {
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    FIRST.elapsed()
}

impl Sampling {
    /// What the predicate says of a body; `None`: it is passed over.
    fn judge(&mut self, predicate: &dyn Fn(&[u8]) -> bool, body: &[u8]) -> Option<bool> {
        self.seen += 1;
        if self.left_out > 0 {
            self.left_out -= 1;
            return None;
        }
        let begin = (self.clock)();
        let accepted = predicate(body);
        let end = (self.clock)();
        self.spent += end - begin;
        self.judged += 1;
        let begun = *self.begun.get_or_insert(begin);
        let is_always = self.seen < ALWAYS_JUDGED || !accepted;
        let one_in = if is_always { 1 } else { self.one_in(end - begun) };
        self.left_out = self.random.below(2 * one_in - 1);
        Some(accepted)
    }

    /// How many bodies there are for each that may be judged, after so much time.
    fn one_in(&self, elapsed: Duration) -> u64 {
        let (seen, judged) = (u128::from(self.seen), u128::from(self.judged));
        let others_ns = elapsed.saturating_sub(self.spent).as_nanos();
        let allowed_ns = (others_ns * judged / u128::from(PARTS_OF_TIME)).max(1);
        let one_in = (self.spent.as_nanos() * seen).div_ceil(allowed_ns);
        u64::try_from(one_in).unwrap_or(RAREST).clamp(1, RAREST)
    }
}

impl BodyCheck {
    /// Forgets the last response; keeps the memory.
    pub(crate) fn reset(&mut self) {
        self.seen_bytes = 0;
        self.differs = false;
        self.kept.clear();
    }

    /// Takes the next piece of the body.
    #[inline]
    pub(crate) fn take(&mut self, rule: &BodyRule, piece: &[u8]) {
        match rule {
            BodyRule::Any | BodyRule::Length(_) => {}
            BodyRule::Exact(wanted) => {
                let rest = usize::try_from(self.seen_bytes).ok().and_then(|at| wanted.get(at..));
                self.differs |= !rest.is_some_and(|rest| rest.starts_with(piece));
            }
            BodyRule::Matches(_) => {
                if self.kept.len() + piece.len() > MATCHED_BODY_MAX_BYTES {
                    self.differs = true;
                } else {
                    self.kept.extend_from_slice(piece);
                }
            }
        }
        self.seen_bytes += piece.len() as u64;
    }

    /// How long it is so far.
    pub(crate) fn seen_bytes(&self) -> u64 {
        self.seen_bytes
    }

    /// Whether the body, now complete, is as wanted.
    #[inline(always)]
    pub(crate) fn verdict(&self, rule: &BodyRule, request: u32, last: &mut LastMatches) -> bool {
        match rule {
            BodyRule::Any => true,
            BodyRule::Length(wanted) => self.seen_bytes == *wanted,
            BodyRule::Exact(wanted) => !self.differs && self.seen_bytes == wanted.len() as u64,
            BodyRule::Matches(predicate) => {
                !self.differs && last.accept(request as usize, predicate.as_ref(), &self.kept)
            }
        }
    }
}

impl LastMatches {
    /// Bodies that were taken as they came.
    pub(crate) fn unchecked(&self) -> u64 {
        self.unchecked
    }

    fn accept(&mut self, request: usize, predicate: &dyn Fn(&[u8]) -> bool, body: &[u8]) -> bool {
        if request >= self.bodies.len() {
            self.bodies.resize(request + 1, None);
        }
        let last = &mut self.bodies[request];
        if last.as_deref() == Some(body) {
            return true;
        }
        let Some(accepted) = self.sampling.judge(predicate, body) else {
            self.unchecked += 1;
            return true;
        };
        if accepted {
            let last = last.get_or_insert_default();
            last.clear();
            last.extend_from_slice(body);
        }
        accepted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn verdict(rule: &BodyRule, pieces: &[&[u8]], last: &mut LastMatches) -> bool {
        let mut check = BodyCheck::default();
        check.take(rule, b"left over from before");
        check.reset();
        for piece in pieces {
            check.take(rule, piece);
        }
        check.verdict(rule, 0, last)
    }

    #[test]
    fn exact_bodies_are_compared_across_pieces() {
        let rule = BodyRule::Exact(Arc::from(&b"pong"[..]));
        let last = &mut LastMatches::default();
        assert!(verdict(&rule, &[b"po", b"", b"ng"], last));
        assert!(!verdict(&rule, &[b"po", b"nG"], last));
        assert!(!verdict(&rule, &[b"pon"], last));
        assert!(!verdict(&rule, &[b"pong", b"!"], last));
        assert!(!verdict(&rule, &[], last));
    }

    #[test]
    fn lengths_are_compared() {
        let last = &mut LastMatches::default();
        assert!(verdict(&BodyRule::Length(3), &[b"a", b"bc"], last));
        assert!(!verdict(&BodyRule::Length(3), &[b"a"], last));
        assert!(verdict(&BodyRule::Any, &[b"a"], last));
    }

    #[test]
    fn a_predicate_sees_each_new_body_whole_and_a_repeated_one_once() {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let rule = BodyRule::Matches(Arc::new(move |body: &[u8]| {
            counted.fetch_add(1, Ordering::Relaxed);
            body.starts_with(b"ok")
        }));
        let last = &mut LastMatches::default();
        assert!(verdict(&rule, &[b"o", b"k"], last));
        assert!(verdict(&rule, &[b"ok"], last));
        assert_eq!(calls.load(Ordering::Relaxed), 1);
        assert!(!verdict(&rule, &[b"no"], last));
        assert!(verdict(&rule, &[b"ok!"], last));
        assert_eq!(calls.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn what_one_request_may_be_answered_with_another_may_not() {
        let only =
            |wanted: &'static [u8]| BodyRule::Matches(Arc::new(move |body: &[u8]| body == wanted));
        let last = &mut LastMatches::default();
        let mut check = BodyCheck::default();
        check.take(&only(b"a"), b"a");
        assert!(check.verdict(&only(b"a"), 0, last));
        assert!(!check.verdict(&only(b"b"), 1, last));
    }

    /// A judge that takes so long, for bodies that come so often; how many of so many it sees.
    fn judged(cost: Duration, gap: Duration, bodies: u64, accepts: bool) -> (u64, u64) {
        thread_local!(static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) });
        let calls = AtomicUsize::new(0);
        let pass = |time: Duration| NOW.set(NOW.get() + time);
        let predicate = |_: &[u8]| {
            calls.fetch_add(1, Ordering::Relaxed);
            pass(cost);
            accepts
        };
        let sampling = Sampling { clock: || NOW.get(), ..Sampling::default() };
        let mut last = LastMatches { sampling, ..LastMatches::default() };
        for body in 0..bodies {
            pass(gap);
            let accepted = last.accept(0, &predicate, &body.to_le_bytes());
            assert!(accepted || !accepts);
        }
        (calls.load(Ordering::Relaxed) as u64, last.unchecked())
    }

    #[test]
    fn a_dear_judge_sees_a_sample_and_what_it_does_not_see_is_counted() {
        let (cost, none) = (Duration::from_micros(20), Duration::ZERO);
        let (calls, unchecked) = judged(cost, none, 10_000, true);
        assert!((200..400).contains(&calls), "one in fifty behind the first hundred: {calls}");
        assert_eq!(calls + unchecked, 10_000);
        assert_eq!(judged(cost, none, 1_000, false), (1_000, 0), "what is wrong is looked at");
        assert_eq!(judged(none, cost, 1_000, true), (1_000, 0), "a cheap one sees all");
    }

    #[test]
    fn at_least_one_in_a_hundred_is_judged_and_at_most_a_tenth_of_the_time_is_spent() {
        let ms = Duration::from_millis;
        let one_in = |spent, judged, seen, elapsed| {
            let sampling = Sampling { seen, judged, spent, ..Sampling::default() };
            sampling.one_in(elapsed)
        };
        assert_eq!(one_in(ms(100), 1_000, 1_000, ms(2_000)), 1, "a twentieth");
        assert_eq!(one_in(ms(500), 1_000, 1_000, ms(1_500)), 5, "each takes half of a gap");
        assert_eq!(one_in(ms(900), 100, 100, ms(901)), RAREST);
        let mut sampling = Sampling { left_out: 2 * RAREST - 2, ..Sampling::default() };
        let seen = (0..100).filter_map(|_| sampling.judge(&|_| true, b"")).count();
        assert!(seen >= 1, "the longest way between two");
    }

    #[test]
    fn status_rules() {
        let any = Expect::default();
        assert!(any.accepts_status(204) && any.accepts_status(302) && !any.accepts_status(404));
        let teapot = Expect { status: Some(418), body: BodyRule::Any };
        assert!(teapot.accepts_status(418) && !teapot.accepts_status(200));
    }
}
