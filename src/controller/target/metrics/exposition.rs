//! Parser of Prometheus' text format 0.0.4, for sums of series over their labels.

use std::collections::BTreeMap;

/// The most metric names that are read; the rest is left out.
const SERIES_MAX: usize = 64;

/// The value of each metric whose name begins with one of `prefixes`, summed over labels. Lines that do not parse are
/// left out, and all names after the first 64.
pub fn series(text: &str, prefixes: &[String]) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for (name, value) in text.lines().filter_map(sample) {
        let is_chosen = prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()));
        if is_chosen && value.is_finite() && (sums.len() < SERIES_MAX || sums.contains_key(name)) {
            *sums.entry(name.to_owned()).or_insert(0.0) += value;
        }
    }
    sums
}

/// Parses `name{labels} value [time]`; `None` for comments and lines that do not parse.
fn sample(line: &str) -> Option<(&str, f64)> {
    let line = line.trim();
    let end =
        line.find(|character: char| !character.is_ascii_alphanumeric() && character != '_' && character != ':')?;
    let (name, rest) = line.split_at(end);
    let rest = if rest.starts_with('{') { after_labels(rest)? } else { rest };
    let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
    (!name.is_empty()).then_some((name, value))
}

/// The rest of the line after the closing brace; a brace inside quotes does not close.
fn after_labels(labels: &str) -> Option<&str> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, character) in labels.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '}' if !quoted => return Some(&labels[at + 1..]),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "# HELP process_cpu_seconds_total Total.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 12.5
ws_frames_total{room=\"a}b\",way=\"in\"} 3 1763712345678
ws_frames_total{room=\"say \\\"hi\\\"\"} 4
ws_frames_total{room=\"endless} 9
ws_odd NaN
go_goroutines 7
";

    #[test]
    fn labels_add_up_and_prefixes_choose() {
        let chosen = series(TEXT, &["process_".to_owned(), "ws_".to_owned()]);
        let expected = [("process_cpu_seconds_total", 12.5), ("ws_frames_total", 7.0)];
        assert_eq!(chosen, expected.map(|(name, value)| (name.to_owned(), value)).into());
    }

    #[test]
    fn a_target_that_makes_up_names_is_cut_short() {
        let text: String = (0..1_000).map(|index| format!("made_up_{index:04} 1\n")).collect();
        assert_eq!(series(&text, &["made".to_owned()]).len(), SERIES_MAX);
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in any::<String>()) {
            let _ = series(&text, &[String::new()]);
        }
    }
}
