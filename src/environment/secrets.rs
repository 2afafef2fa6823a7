//! Secrets that were written where everybody can read them.
//!
//! Errs on the side of letting pass: a name counts only when it ends in a word
//! for a secret, a value only when it can be nothing else.

/// Words that a secret's name ends in.
const WORDS: [&str; 11] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "API_KEY",
    "APIKEY",
    "PRIVATE_KEY",
    "SECRET_KEY",
    "ACCESS_KEY",
    "ENCRYPTION_KEY",
];

/// Whether a variable of the environment is most likely a secret.
pub(super) fn is_secret(name: &str, value: &str) -> bool {
    (names_a_secret(name) && may_be_a_secret(value)) || can_be_nothing_else(value)
}

/// `DB_PASSWORD` and `token`, not `PASSWORD_FILE`, `TOKEN_TTL` or `MAX_TOKENS`.
fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace(['-', '.'], "_");
    WORDS.iter().any(|word| {
        name.strip_suffix(word)
            .is_some_and(|before| before.is_empty() || before.ends_with('_'))
    })
}

/// A value that stands for itself: not nothing, not a switch, and not the name
/// or address of something.
fn may_be_a_secret(value: &str) -> bool {
    let value = value.trim();
    let word = value.to_ascii_lowercase();
    let switch = ["", "true", "false", "none", "null", "enabled", "disabled"];
    let address = ["arn:", "/", "./", "http://", "https://", "${"];
    !switch.contains(&word.as_str()) && !address.iter().any(|start| value.starts_with(start))
}

fn can_be_nothing_else(value: &str) -> bool {
    is_access_key_id(value)
        || (value.contains("-----BEGIN ") && value.contains("PRIVATE KEY-----"))
        || is_web_token(value)
        || has_password(value)
}

/// `AKIA…` or `ASIA…`: 20 capitals and digits (IAM user guide, "Unique
/// identifiers").
fn is_access_key_id(value: &str) -> bool {
    let value = value.trim();
    (value.starts_with("AKIA") || value.starts_with("ASIA"))
        && value.len() == 20
        && value
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// Three parts in base64, of which the first two are JSON objects (RFC 7519).
fn is_web_token(value: &str) -> bool {
    let parts: Vec<&str> = value.trim().split('.').collect();
    let base64 = |part: &&str| {
        part.len() > 8
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_=".contains(&b))
    };
    parts.len() == 3
        && parts[..2].iter().all(|part| part.starts_with("eyJ"))
        && parts.iter().all(base64)
}

/// `scheme://user:password@host`.
fn has_password(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else {
        return false;
    };
    let host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let Some((user, _)) = rest[..host].rsplit_once('@') else {
        return false;
    };
    user.split_once(':').is_some_and(|(_, password)| {
        !password.is_empty() && !password.contains(['$', '{', '<', '*'])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_end_in_a_secret_with_a_value_of_their_own() {
        for (name, value) in [
            ("DB_PASSWORD", "hunter2"),
            ("token", "abc"),
            ("stripe-api-key", "abc"),
            ("SPRING.DATASOURCE.PASSWORD", "x"),
            ("AWS_SECRET_ACCESS_KEY", "abc"),
        ] {
            assert!(is_secret(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("PASSWORD_FILE", "hunter2"),
            ("TOKEN_TTL", "3600"),
            ("MAX_TOKENS", "4096"),
            ("DB_PASSWORD", ""),
            ("USE_TOKEN", "true"),
            (
                "DB_SECRET",
                "arn:aws:secretsmanager:us-west-1:123456789012:secret:db",
            ),
            ("AUTH_TOKEN", "/run/secrets/token"),
            ("MONKEY", "abc"),
            ("LOG_LEVEL", "info"),
        ] {
            assert!(!is_secret(name, value), "{name}={value}");
        }
    }

    #[test]
    fn values_that_can_be_nothing_else() {
        for value in [
            "AKIAIOSFODNN7EXAMPLE",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmN",
            "postgres://app:hunter2@db.example:5432/app",
        ] {
            assert!(is_secret("X", value), "{value}");
        }
        for value in [
            "AKIA",
            "-----BEGIN CERTIFICATE-----",
            "a.b.c",
            "https://example.com/a:b@c",
            "postgres://app@db.example/app",
            "postgres://app:${PASSWORD}@db.example/app",
            "redis://cache.example:6379",
        ] {
            assert!(!is_secret("X", value), "{value}");
        }
    }
}
