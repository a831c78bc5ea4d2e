//! What is printed: lines, and tables whose columns line up.

use std::io::{self, Write as _};

/// Prints text to the standard output; a closed pipe is an error like any other here.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}

/// On which side the cells of a column line up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Align {
    Left,
    Right,
}

/// A table in the making.
#[derive(Debug)]
pub(super) struct Table<const N: usize> {
    align: [Align; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table with these headings.
    pub(super) fn new(columns: [(&str, Align); N]) -> Self {
        Self { align: columns.map(|(_, align)| align), rows: vec![columns.map(|(name, _)| name.to_owned())] }
    }

    pub(super) fn row(&mut self, cells: [String; N]) {
        // What people wrote must not move the cursor or change the colours.
        self.rows.push(cells.map(|cell| cell.replace(char::is_control, "\u{fffd}")));
    }

    /// How many rows there are, without the headings.
    pub(super) fn len(&self) -> usize {
        self.rows.len() - 1
    }

    /// The whole table as text.
    pub(super) fn render(&self) -> String {
        let mut widths = [0; N];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut text = String::new();
        for row in &self.rows {
            let cells = row.iter().zip(self.align).zip(widths).map(|((cell, align), width)| match align {
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
            });
            text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Align, Table};

    #[test]
    fn columns_line_up() {
        let mut table = Table::new([("account", Align::Left), ("balance", Align::Right), ("owner", Align::Left)]);
        table.row(["7".to_owned(), "-1.50".to_owned(), "Žofie".to_owned()]);
        table.row(["1234567890".to_owned(), "1234.50".to_owned(), "A\u{1b}[31m".to_owned()]);
        assert_eq!(table.len(), 2);
        let expected = "account     balance  owner\n\
                        7             -1.50  Žofie\n\
                        1234567890  1234.50  A\u{fffd}[31m\n";
        assert_eq!(table.render(), expected);
    }
}
