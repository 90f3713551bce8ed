//! What an image may weigh, for those who let a build fail by it.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

use super::Image;
use super::describe::{plain, size};
use crate::metric::parse_bytes;

/// The limits that are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Of the unpacked bytes.
    pub size: Option<Allowance>,
    /// Of the wasted bytes.
    pub wasted: Option<Allowance>,
}

/// So many bytes, or a share of the unpacked bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Allowance {
    Bytes(u64),
    Share(f64),
}

/// A limit that an image exceeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Exceeded {
    pub reference: String,
    /// What of it: `unpacked_bytes` or `wasted_bytes`.
    pub what: &'static str,
    pub bytes: u64,
    pub limit_bytes: u64,
}

impl Limits {
    /// Those that the image exceeds.
    pub fn exceeded_by(self, image: &Image) -> Vec<Exceeded> {
        let found = [
            ("unpacked_bytes", image.unpacked_bytes, self.size),
            ("wasted_bytes", image.wasted_bytes, self.wasted),
        ];
        let of = |(what, bytes, limit): (&'static str, u64, Option<Allowance>)| {
            let limit_bytes = limit?.bytes_of(image);
            let reference = image.reference.clone();
            (bytes > limit_bytes).then_some(Exceeded { reference, what, bytes, limit_bytes })
        };
        found.into_iter().filter_map(of).collect()
    }
}

impl Exceeded {
    /// The sentence for people.
    pub fn message(&self) -> String {
        let what = if self.what == "wasted_bytes" { "wasted" } else { "unpacked" };
        format!(
            "{}: {} {what} ({} bytes) exceeds the limit of {} ({} bytes)",
            plain(&self.reference),
            size(self.bytes),
            self.bytes,
            size(self.limit_bytes),
            self.limit_bytes
        )
    }
}

impl Allowance {
    /// A size alone, as `--max-size` takes it.
    ///
    /// # Errors
    /// It is none.
    pub fn of_size(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(Self::Bytes(bytes)) => Ok(Self::Bytes(bytes)),
            _ => Err("write a size such as \"50 MB\"".to_owned()),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of at most 1 of a size; beyond 9 PB a byte does not matter"
    )]
    fn bytes_of(self, image: &Image) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Share(share) => (image.unpacked_bytes as f64 * share) as u64,
        }
    }
}

impl FromStr for Allowance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(percent) = text.trim().strip_suffix('%') {
            let percent = percent.trim().parse::<f64>().ok();
            let share = percent.filter(|it| (0.0..=100.0).contains(it)).map(|it| it / 100.0);
            return share.map(Self::Share).ok_or_else(fault);
        }
        // No waste at all may be asked for, where a size of nothing has no meaning elsewhere.
        if text.trim() == "0" {
            return Ok(Self::Bytes(0));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a size is positive, and one beyond 16 EB is no limit"
        )]
        parse_bytes(text).map(|bytes| Self::Bytes(bytes as u64)).ok_or_else(fault)
    }
}

fn fault() -> String {
    "write a size such as \"50 MB\" or a share such as \"5%\"".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowances_are_sizes_or_shares() {
        assert_eq!("50 MB".parse(), Ok(Allowance::Bytes(50_000_000)));
        assert_eq!("0".parse(), Ok(Allowance::Bytes(0)));
        assert_eq!("5%".parse(), Ok(Allowance::Share(0.05)));
        assert_eq!(Allowance::of_size("1MiB"), Ok(Allowance::Bytes(1 << 20)));
        for wrong in ["", "5 apples", "-1", "101%", "NaN%"] {
            assert!(wrong.parse::<Allowance>().unwrap_err().contains("\"5%\""), "{wrong}");
        }
        assert!(Allowance::of_size("5%").unwrap_err().contains("\"50 MB\""));
    }

    #[test]
    fn what_exceeds_a_limit_is_told_in_bytes() {
        let image = Image {
            reference: "t".to_owned(),
            unpacked_bytes: 1_001,
            wasted_bytes: 51,
            ..Image::default()
        };
        let limits = |size: &str, wasted: &str| Limits {
            size: Some(size.parse().unwrap()),
            wasted: Some(wasted.parse().unwrap()),
        };
        assert_eq!(limits("1001", "51").exceeded_by(&image), []);
        assert_eq!(limits("1001", "6%").exceeded_by(&image), []);
        let exceeded = limits("1 kB", "5%").exceeded_by(&image);
        let messages: Vec<_> = exceeded.iter().map(Exceeded::message).collect();
        assert_eq!(
            messages,
            [
                "t: 1.00 kB unpacked (1001 bytes) exceeds the limit of 1.00 kB (1000 bytes)",
                "t: 51 B wasted (51 bytes) exceeds the limit of 50 B (50 bytes)"
            ]
        );
    }
}
