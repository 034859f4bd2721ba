//! [`split`]: the documents of a text, as `kubectl` separates them: at lines that begin with `---`.

/// One document of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'t> {
    /// Its text, with the separator before it.
    pub text: &'t str,
    /// The lines of the file before [`text`](Self::text).
    pub lines_before: usize,
    /// The line on which its content begins, from 1.
    pub line: usize,
}

/// The documents of a text in order, without those that hold nothing but comments. They are separated before they are
/// parsed, so that one that is malformed does not hide the others.
pub fn split(text: &str) -> impl Iterator<Item = Part<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Split { rest: text, lines: 0 }
}

struct Split<'t> {
    rest: &'t str,
    lines: usize,
}

impl<'t> Iterator for Split<'t> {
    type Item = Part<'t>;

    fn next(&mut self) -> Option<Part<'t>> {
        while !self.rest.is_empty() {
            let lines_before = self.lines;
            let mut end = 0;
            let mut content = None;
            // A directive belongs to the separator behind it.
            let mut is_open = false;
            for line in self.rest.split_inclusive('\n') {
                let separator = line
                    .strip_prefix("---")
                    .filter(|behind| behind.is_empty() || behind.starts_with([' ', '\t', '\r', '\n']));
                if separator.is_some() && end > 0 && !is_open {
                    break;
                }
                let shown = separator.unwrap_or(line).trim();
                match shown.chars().next() {
                    None | Some('#') => {}
                    Some('%') if content.is_none() && separator.is_none() => is_open = true,
                    Some(_) => {
                        content.get_or_insert(self.lines + 1);
                    }
                }
                if separator.is_some() {
                    is_open = false;
                }
                end += line.len();
                self.lines += 1;
            }
            let (text, rest) = self.rest.split_at_checked(end)?;
            self.rest = rest;
            if let Some(line) = content {
                return Some(Part { text, lines_before, line });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_separated_by_lines_and_empty_ones_are_left_out() {
        for (text, want) in [
            ("", vec![]),
            ("# only\n---\n---\n", vec![]),
            ("a: 1\n", vec![("a: 1\n", 0, 1)]),
            ("---\na: 1\n---\n# x\n\nb: 2", vec![("---\na: 1\n", 0, 2), ("---\n# x\n\nb: 2", 2, 6)]),
            ("\u{feff}a: 1\r\n---\r\nb: 2\r\n", vec![("a: 1\r\n", 0, 1), ("---\r\nb: 2\r\n", 1, 3)]),
            ("%YAML 1.1\n---\na: 1\n", vec![("%YAML 1.1\n---\na: 1\n", 0, 3)]),
            ("--- {a: 1}\n--- # x\nb: 1\n", vec![("--- {a: 1}\n", 0, 1), ("--- # x\nb: 1\n", 1, 3)]),
            ("a: |\n  ---\n  b\n---x: 1\n", vec![("a: |\n  ---\n  b\n---x: 1\n", 0, 1)]),
        ] {
            let parts: Vec<_> = split(text).map(|part| (part.text, part.lines_before, part.line)).collect();
            assert_eq!(parts, want, "{text:?}");
        }
    }
}
