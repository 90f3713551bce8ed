//! What having a better or a worse value is called.

/// What having a better or a worse value is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// Such as "faster".
    pub better: &'static str,
    /// Such as "slower".
    pub worse: &'static str,
}

impl Words {
    /// Of rates and of times that users wait.
    pub const SPEED: Self = Self { better: "faster", worse: "slower" };
    /// Of the time until a server is there.
    pub const START: Self = Self { better: "sooner", worse: "later" };
    /// Of sizes.
    pub const SIZE: Self = Self { better: "smaller", worse: "larger" };
    /// Of CPU time.
    pub const CPU_TIME: Self = Self { better: "less CPU time", worse: "more CPU time" };
}
