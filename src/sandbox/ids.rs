//! Ids that look like AWS's and are derived, never drawn: the same history
//! gives the same ids.

use sha2::{Digest as _, Sha256};

pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// 32 hex digits, as task ids have.
pub(super) fn hex(seed: &str) -> String {
    sha256_hex(seed.as_bytes())[..32].to_owned()
}

/// A number below 2^64 that depends on the seed alone.
pub(super) fn number(seed: &str) -> u64 {
    let digest = Sha256::digest(seed.as_bytes());
    digest
        .iter()
        .take(8)
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// 19 digits, as the ids of deployments have.
pub(super) fn digits(seed: &str) -> String {
    (1_000_000_000_000_000_000 + number(seed) % 8_000_000_000_000_000_000).to_string()
}

pub(super) fn uuid(seed: &str) -> String {
    let hex = hex(seed);
    format!(
        "{}-{}-4{}-a{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_length_of_awss() {
        assert_eq!(hex("a").len(), 32);
        assert_eq!(digits("a").len(), 19);
        assert_eq!(uuid("a").len(), 36);
        assert_ne!(digits("a"), digits("b"));
    }
}
