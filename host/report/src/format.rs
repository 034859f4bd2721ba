//! [`Format`]: the reports by name, and [`make`], which builds one.

use std::{fmt, io::Write, str::FromStr};

use assay_model::port::Report;

use crate::{Appstudio, Json, Options, Text};

/// A report's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// For people; see [`Text`].
    Text,
    /// Everything; see [`Json`].
    Json,
    /// Konflux's `TEST_OUTPUT`; see [`Appstudio`].
    Appstudio,
}

/// The name is not one of a format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a report format; known are {}", known())]
pub struct UnknownFormat {
    name: String,
}

fn known() -> String {
    Format::ALL.map(Format::as_str).join(", ")
}

impl Format {
    /// Every format, for help and messages.
    pub const ALL: [Self; 3] = [Self::Text, Self::Json, Self::Appstudio];

    /// The name users give.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Appstudio => "appstudio",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    /// Reads a name; `hacbs` is the old name of `appstudio`.
    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        match name {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "appstudio" | "hacbs" => Ok(Self::Appstudio),
            // What a user typed is shown, but not at any length.
            _ => Err(UnknownFormat { name: name.chars().take(60).collect() }),
        }
    }
}

/// A report of that format. It writes to `to` once, when the run has ended, and then drops it.
#[must_use]
pub fn make(format: Format, to: Box<dyn Write + Send>, options: Options) -> Box<dyn Report + Send> {
    match format {
        Format::Text => Box::new(Text::new(to, options)),
        Format::Json => Box::new(Json::new(to, options)),
        Format::Appstudio => Box::new(Appstudio::new(to)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn formats_are_known_by_name_and_a_wrong_name_is_told_the_right_ones() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert_eq!("hacbs".parse(), Ok(Format::Appstudio));
        for wrong in ["", "JSON", "yaml"] {
            let error = wrong.parse::<Format>().unwrap_err().to_string();
            assert_eq!(error, format!("`{wrong}` is not a report format; known are text, json, appstudio"));
        }
        assert!("x".repeat(1 << 20).parse::<Format>().unwrap_err().to_string().len() < 200);
    }

    #[test]
    fn each_format_makes_its_own_report() {
        let run = [sample::component("cart").judged()];
        let begins = |format| sample::written(format, Options::default(), &run).chars().take(9).collect::<String>();
        assert_eq!(Format::ALL.map(begins), ["Success: ", r#"{"success"#, r#"{"timesta"#]);
    }
}
