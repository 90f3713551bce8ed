//! What a correct response is, checked for every response at full speed.

use std::fmt;
use std::sync::Arc;

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
    /// thread passes without a call. Bodies above [`MATCHED_BODY_MAX_BYTES`] fail.
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

/// What a thread remembers between responses: for each request the last body that its predicate
/// accepted.
#[derive(Debug, Default)]
pub(crate) struct LastMatches(Vec<Option<Vec<u8>>>);

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
    fn accept(&mut self, request: usize, predicate: &dyn Fn(&[u8]) -> bool, body: &[u8]) -> bool {
        if request >= self.0.len() {
            self.0.resize(request + 1, None);
        }
        let last = &mut self.0[request];
        if last.as_deref() == Some(body) {
            return true;
        }
        let accepted = predicate(body);
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

    #[test]
    fn status_rules() {
        let any = Expect::default();
        assert!(any.accepts_status(204) && any.accepts_status(302) && !any.accepts_status(404));
        let teapot = Expect { status: Some(418), body: BodyRule::Any };
        assert!(teapot.accepts_status(418) && !teapot.accepts_status(200));
    }
}
