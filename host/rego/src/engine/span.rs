//! [`Span`]: where in the source something stands; [`Source`]: a file and the places in it.

/// The file of a query: it is none of the policy's.
pub(crate) const QUERY: u32 = u32::MAX;

/// A range of bytes of one source file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    /// Index of the file in the compilation.
    pub file: u32,
    /// First byte.
    pub start: u32,
    /// The byte behind the last.
    pub end: u32,
}

impl Span {
    /// From the start of this one to the end of the other.
    pub(crate) fn to(self, other: Self) -> Self {
        Self { file: self.file, start: self.start, end: other.end.max(self.end) }
    }
}

/// One source file: its name, its text and where its lines begin.
#[derive(Debug)]
pub(crate) struct Source {
    /// The name shown in reports.
    pub name: String,
    /// The text.
    pub text: String,
    lines: Vec<u32>,
}

impl Source {
    /// Takes a text and finds its lines.
    pub(crate) fn new(name: String, text: String) -> Self {
        let starts = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| u32::try_from(at + 1).unwrap_or(u32::MAX));
        let lines = std::iter::once(0).chain(starts).collect();
        Self { name, text, lines }
    }

    /// The row, counted from 1, of a byte.
    pub(crate) fn row(&self, offset: u32) -> u32 {
        u32::try_from(self.lines.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX).max(1)
    }

    /// Row and column, both counted from 1, of a byte; a tab is one column.
    pub(crate) fn line_column(&self, offset: u32) -> (u32, u32) {
        let row = self.row(offset);
        let start = self.lines.get(row as usize - 1).copied().unwrap_or(0);
        (row, offset.saturating_sub(start) + 1)
    }

    /// The text of a row without its line end.
    pub(crate) fn line(&self, row: u32) -> &str {
        let row = row as usize;
        let start = row.checked_sub(1).and_then(|row| self.lines.get(row)).copied();
        let end = self.lines.get(row).map_or(self.text.len(), |end| *end as usize);
        let line = start.and_then(|start| self.text.get(start as usize..end)).unwrap_or("");
        let line = line.strip_suffix('\n').unwrap_or(line);
        line.strip_suffix('\r').unwrap_or(line)
    }

    /// The text of a span.
    pub(crate) fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_counted_from_one() {
        let source = Source::new("a.rego".into(), "one\ntwo\n".into());
        assert_eq!(source.line_column(0), (1, 1));
        assert_eq!(source.line_column(5), (2, 2));
        assert_eq!([0, 1, 2, 3, 4].map(|row| source.line(row)), ["", "one", "two", "", ""]);
        let source = Source::new("a.rego".into(), "a\r\n\nb".into());
        assert_eq!([1, 2, 3].map(|row| source.line(row)), ["a", "", "b"]);
    }
}
