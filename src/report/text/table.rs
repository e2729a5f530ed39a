//! A table of plain text: words aligned left, figures right.

/// The table's lines without line ends. `left` is true for a column that is aligned left.
pub(in crate::report) fn lines(left: impl Fn(usize) -> bool, rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let gap = " ".repeat(widths[column] - cell.chars().count());
            let (before, after) = if left(column) { ("", gap.as_str()) } else { (gap.as_str(), "") };
            let separator = if column == 0 { "" } else { "  " };
            line.push_str(&format!("{separator}{before}{cell}{after}"));
        }
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_under_each_other() {
        let rows = [["ice", "9 µs"], ["negotiation", "41.2 ms"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(lines(|column| column == 0, &rows), ["ice             9 µs", "negotiation  41.2 ms"]);
    }
}
