//! The sizes of a task. ECS takes them with a unit and answers with integers
//! (API reference, RegisterTaskDefinition, `cpu` and `memory`).

use serde_json::Value;

/// What a size is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// CPU units; 1024 of them are a vCPU.
    Cpu,
    /// MiB; 1024 of them are a GB.
    Memory,
}

impl Unit {
    /// The unit of 1024 small ones, in lower case.
    fn large(self) -> &'static str {
        match self {
            Unit::Cpu => "vcpu",
            Unit::Memory => "gb",
        }
    }

    /// A size as the integer in a string that ECS makes of it: `1 vCPU`,
    /// `.25 vcpu`, `2GB`, `512`. `None` for what is no whole number of units,
    /// so that nobody guesses how ECS would round it.
    pub fn normal(self, value: &Value) -> Option<String> {
        let text = match value {
            Value::String(text) => text.to_ascii_lowercase(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        match text.trim().strip_suffix(self.large()) {
            Some(number) => thousandfold(number.trim_end()).map(|units| units.to_string()),
            None => {
                let number: u64 = digits(&text)?.parse().ok()?;
                Some(number.to_string())
            }
        }
    }
}

fn digits(text: &str) -> Option<&str> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    plain.then_some(text)
}

/// 1024 times a decimal number, if that is whole.
fn thousandfold(number: &str) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let part = |text: &str| -> Option<u64> {
        match text {
            "" => Some(0),
            text => digits(text)?.parse().ok(),
        }
    };
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let units = part(fraction)?.checked_mul(1024)?;
    (units % scale == 0)
        .then(|| part(whole)?.checked_mul(1024)?.checked_add(units / scale))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_become_integers() {
        for (unit, text, normal) in [
            (Unit::Cpu, "1 vCPU", "1024"),
            (Unit::Cpu, ".25 vcpu", "256"),
            (Unit::Cpu, "0.5vCPU", "512"),
            (Unit::Cpu, "1024", "1024"),
            (Unit::Memory, "1GB", "1024"),
            (Unit::Memory, "1 GB", "1024"),
            (Unit::Memory, "30.50 gb", "31232"),
        ] {
            assert_eq!(unit.normal(&text.into()).as_deref(), Some(normal), "{text}");
        }
        assert_eq!(Unit::Memory.normal(&512.into()).as_deref(), Some("512"));
    }

    #[test]
    fn what_is_no_size_stays_as_it_is() {
        for text in [
            "",
            ".",
            "vCPU",
            " vCPU",
            ". vCPU",
            "1 GB",
            "-1",
            "+1",
            "1.5",
            "0.3 vCPU",
            "1e3",
            "1 v CPU",
            "１",
            "99999999999999999999",
            "1.00000000000000000000 vCPU",
        ] {
            assert_eq!(Unit::Cpu.normal(&text.into()), None, "{text}");
        }
        assert_eq!(Unit::Cpu.normal(&Value::Null), None);
        assert_eq!(Unit::Cpu.normal(&serde_json::json!(0.5)), None);
    }
}
