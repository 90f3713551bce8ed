//! Digests as images write them: `sha256:` or `sha512:`, then hexadecimal digits.

use sha2::{Digest, Sha256, Sha512};

/// The digest of `bytes` by the algorithm that `expected` names, in the same form; None when it is
/// another than the two that the OCI image specification registers.
pub(super) fn digest_like(expected: &str, bytes: &[u8]) -> Option<String> {
    match expected.split_once(':')?.0 {
        "sha256" => Some(digest_of(bytes)),
        "sha512" => Some(text("sha512", &Sha512::digest(bytes))),
        _ => None,
    }
}

/// The SHA-256 digest of `bytes`.
pub(super) fn digest_of(bytes: &[u8]) -> String {
    text("sha256", &Sha256::digest(bytes))
}

/// `algorithm:` and the digest in hexadecimal.
pub(super) fn text(algorithm: &str, digest: &[u8]) -> String {
    digest.iter().fold(format!("{algorithm}:"), |text, byte| text + &format!("{byte:02x}"))
}

/// The beginning of a digest, by which people know it.
pub(super) fn short(digest: &str) -> String {
    let (algorithm, digits) = digest.split_once(':').unwrap_or(("", digest));
    let digits: String = digits.chars().take(12).collect();
    if algorithm.is_empty() { digits } else { format!("{algorithm}:{digits}") }
}
