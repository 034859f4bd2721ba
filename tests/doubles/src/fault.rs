//! [`Fault`]: how a double breaks.

use std::{collections::BTreeMap, str::FromStr};

/// The names of faults that count how often they happen, with `:N`; once without.
const COUNTED: [&str; 4] = ["429", "503", "lost-post", "half"];
/// Faults with a number of seconds.
const SECONDS: [&str; 2] = ["slow", "clock-skew"];
/// Faults that last.
const LASTING: [&str; 16] = [
    "expired",
    "vanish",
    "never",
    "orphan",
    "queued-for-ever",
    "html",
    "error-inside",
    "other-tenant",
    "redirect",
    "unknown-state",
    "entity-bomb",
    "many-cases",
    "no-report",
    "endless-log",
    "slash-id",
    "echo",
];

/// How a double breaks, as `NAME` or `NAME:N`.
///
/// | fault | what happens |
/// | --- | --- |
/// | `429:N`, `503:N` | the first N requests are refused, with `Retry-After: 1` |
/// | `lost-post:N` | the first N jobs are made, and the connection ends without a response |
/// | `half:N` | the first N responses to GET end in the middle |
/// | `slow:S` | every response takes S seconds |
/// | `expired` | every credential is refused |
/// | `vanish` | jobs are gone at the second request for their status |
/// | `never` | jobs never end by themselves |
/// | `orphan` | jobs go on until they were canceled three times |
/// | `queued-for-ever` | jobs never start |
/// | `clock-skew:S` | the clock of the service is S seconds ahead |
/// | `html`, `error-inside` | a status is a page, or 200 with an error inside |
/// | `other-tenant` | a status is that of a job with another ID |
/// | `redirect` | a status leads to the address where clouds keep secrets |
/// | `unknown-state` | a job is in a state that nobody has heard of |
/// | `entity-bomb`, `many-cases`, `no-report` | the report expands without end, has 10⁶ cases, or is not there |
/// | `endless-log` | the log never ends |
/// | `slash-id` | IDs have slashes |
/// | `echo` | responses and logs contain the credential that came |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    name: &'static str,
    number: u64,
}

/// A text is not a [`Fault`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseFaultError(String);

impl std::fmt::Display for ParseFaultError {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = COUNTED.iter().chain(&SECONDS).chain(&LASTING).copied().collect();
        write!(to, "`{}` is no fault; there are {}", self.0, names.join(", "))
    }
}

impl std::error::Error for ParseFaultError {}

impl FromStr for Fault {
    type Err = ParseFaultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseFaultError(text.to_owned());
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, Some(number.parse().map_err(|_| error())?)),
            None => (text, None),
        };
        let find = |names: &[&'static str]| names.iter().find(|known| **known == name).copied();
        if let Some(name) = find(&COUNTED) {
            return Ok(Self { name, number: number.unwrap_or(1) });
        }
        if let Some(name) = find(&SECONDS) {
            return Ok(Self { name, number: number.ok_or_else(error)? });
        }
        find(&LASTING).filter(|_| number.is_none()).map(|name| Self { name, number: u64::MAX }).ok_or_else(error)
    }
}

/// The faults of one double, with how often each still happens.
#[derive(Debug, Default)]
pub(crate) struct Faults(BTreeMap<&'static str, u64>);

impl Faults {
    pub(crate) fn new(faults: &[Fault]) -> Self {
        Self(faults.iter().map(|fault| (fault.name, fault.number)).collect())
    }

    /// Whether a fault that lasts is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether a fault that is counted happens now.
    pub(crate) fn happens(&mut self, name: &str) -> bool {
        self.0.get_mut(name).filter(|left| **left > 0).map(|left| *left -= 1).is_some()
    }

    /// The number of a fault, or nought.
    pub(crate) fn number(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_have_names_and_some_have_numbers() {
        let mut faults = Faults::new(&["429:2", "slow:3", "never"].map(|text| text.parse().unwrap()));
        assert_eq!([faults.happens("429"), faults.happens("429"), faults.happens("429")], [true, true, false]);
        assert_eq!((faults.number("slow"), faults.has("never"), faults.happens("half")), (3, true, false));
        for text in ["", "slow", "slow:x", "never:1", "fire"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
