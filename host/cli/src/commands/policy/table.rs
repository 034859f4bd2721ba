//! [`Table`]: rows and columns in a frame, as `opa` draws them.

/// A table.
pub(super) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Whether numbers stand at the right.
    numbers: bool,
}

impl Table {
    /// With the names of the columns.
    pub(super) fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|name| (*name).to_owned()).collect(), rows: Vec::new(), numbers: false }
    }

    /// One without names of columns, whose numbers stand at the right.
    pub(super) const fn of_numbers() -> Self {
        Self { head: Vec::new(), rows: Vec::new(), numbers: true }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Whether it has no rows.
    pub(super) const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text.
    pub(super) fn text(&self) -> String {
        let all = || std::iter::once(&self.head).chain(&self.rows);
        let columns = all().map(Vec::len).max().unwrap_or(0);
        let width = |at: usize| all().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0);
        let widths: Vec<_> = (0..columns).map(width).collect();
        let rule = |left: &str, middle: &str, right: &str| {
            let lines: Vec<_> = widths.iter().map(|width| "─".repeat(width + 2)).collect();
            format!("{left}{}{right}\n", lines.join(middle))
        };
        let line = |row: &Vec<String>| {
            let mut text = String::from("│");
            for (at, width) in widths.iter().enumerate() {
                let cell = row.get(at).map_or("", String::as_str);
                let space = " ".repeat(width - cell.chars().count().min(*width));
                let is_number =
                    self.numbers && !cell.is_empty() && cell.chars().all(|at| at.is_ascii_digit() || at == '.');
                text.push_str(&if is_number { format!(" {space}{cell} │") } else { format!(" {cell}{space} │") });
            }
            text.push('\n');
            text
        };
        let mut text = rule("┌", "┬", "┐");
        if !self.head.is_empty() {
            text.push_str(&line(&self.head));
            text.push_str(&rule("├", "┼", "┤"));
        }
        self.rows.iter().for_each(|row| text.push_str(&line(row)));
        text.push_str(&rule("└", "┴", "┘"));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["name", "n"]);
        table.row(vec!["é".to_owned(), "10".to_owned()]);
        assert_eq!(table.text(), "┌──────┬────┐\n│ name │ n  │\n├──────┼────┤\n│ é    │ 10 │\n└──────┴────┘\n");
    }
}
