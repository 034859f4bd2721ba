//! [`unlinked`] and [`linked`]: strings of annotations without the cross references of AsciiDoc.
//!
//! The annotations of Conforma's policies are also the source of its web pages, in AsciiDoc. A report shows a reference
//! as its label, or as the address of the page, in the way of `ec`.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// `xref:MODULE:ROOT:FILE.adoc#ANCHOR[label]`, or a shorter reference within the page.
static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let whole = r"([^:]+):ROOT:(.+?)\.adoc(#[^\[]+)?";
    Regex::new(&format!(r"xref:(?:{whole}|[\w.$#/]+)\[([\w\s/.]+)\]")).ok()
});

/// The text with every reference shown as its label.
pub(crate) fn unlinked(text: &str) -> String {
    replaced(text, &label)
}

/// The text with full references shown as the address of their page, others as their label.
pub(crate) fn linked(text: &str) -> String {
    replaced(text, &|reference| {
        let part = |at| reference.get(at).map(|part| part.as_str());
        match (part(1), part(2), part(3)) {
            (Some(module), Some(file), Some(anchor)) => {
                format!("https://conforma.dev/docs/{module}/{file}.html{anchor}")
            }
            _ => label(reference),
        }
    })
}

fn label(reference: &Captures<'_>) -> String {
    reference.get(4).map(|label| label.as_str().to_owned()).unwrap_or_default()
}

fn replaced(text: &str, by: &dyn Fn(&Captures<'_>) -> String) -> String {
    // Most texts have none, and nothing is looked for then.
    match if text.contains("xref:") { REFERENCE.as_ref() } else { None } {
        Some(expression) => expression.replace_all(text, by).into_owned(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_shown_as_labels_or_addresses() {
        for (text, without, with) in [
            ("", "", ""),
            ("plain xref: text", "plain xref: text", "plain xref: text"),
            ("See xref:page.adoc#a[the page].", "See the page.", "See the page."),
            ("xref:a[b] and xref:c$d/e[f g]", "b and f g", "b and f g"),
            (
                "xref:cli:ROOT:conf.adoc#_data[data sources]",
                "data sources",
                "https://conforma.dev/docs/cli/conf.html#_data",
            ),
            ("xref:cli:ROOT:conf.adoc[data]", "data", "data"),
            ("xref:[empty] xref:a[]", "xref:[empty] xref:a[]", "xref:[empty] xref:a[]"),
        ] {
            assert_eq!((unlinked(text).as_str(), linked(text).as_str()), (without, with), "{text}");
        }
    }
}
