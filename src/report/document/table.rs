//! Tables as data: a row for each item, built column by column.

use super::styled_text::StyledText;
use crate::vocabulary::format::count;

/// A table; the first cell of a row names it. A table without rows is left out.
#[derive(Clone, Debug)]
pub struct Table {
    pub caption: &'static str,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<StyledText>>,
}

/// A column: words are aligned left, figures right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub head: &'static str,
    pub is_figures: bool,
}

/// A table with a row for each item, which grows by columns.
pub struct TableOf<T> {
    items: Vec<T>,
    pub table: Table,
}

impl Table {
    pub fn of<T>(caption: &'static str, items: impl IntoIterator<Item = T>) -> TableOf<T> {
        let items: Vec<T> = items.into_iter().collect();
        let rows = vec![vec![]; items.len()];
        TableOf { items, table: Self { caption, columns: vec![], rows } }
    }

    /// A line about the rows after the first `most`, if there are any.
    pub fn more_than(&self, most: usize) -> Option<String> {
        let more = self.rows.len().saturating_sub(most) as u64;
        (more > 0).then(|| format!("and {} more", count(more)))
    }
}

impl<T> TableOf<T> {
    pub fn words<C: Into<StyledText>>(self, head: &'static str, cell: impl Fn(&T) -> C) -> Self {
        self.column(Column { head, is_figures: false }, cell)
    }

    pub fn figures<C: Into<StyledText>>(self, head: &'static str, cell: impl Fn(&T) -> C) -> Self {
        self.column(Column { head, is_figures: true }, cell)
    }

    fn column<C: Into<StyledText>>(mut self, column: Column, cell: impl Fn(&T) -> C) -> Self {
        self.table.columns.push(column);
        for (row, item) in self.table.rows.iter_mut().zip(&self.items) {
            row.push(cell(item).into());
        }
        self
    }
}
