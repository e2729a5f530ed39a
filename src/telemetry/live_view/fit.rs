//! Lines as wide as their place: a longer one ends in an ellipsis.

use ratatui::text::{Line, Span};

/// The line, cut to `width` columns if it is longer.
pub(super) fn fitted(line: Line<'_>, width: u16) -> Line<'_> {
    if line.width() <= usize::from(width) {
        return line;
    }
    // The ellipsis takes one.
    let mut room = usize::from(width).saturating_sub(1);
    let mut fitted = Line::default().style(line.style);
    for span in line.spans {
        let wide = span.width() > room;
        let mut kept = String::new();
        for letter in span.content.chars() {
            let columns = Span::raw(letter.to_string()).width();
            if columns > room {
                break;
            }
            room -= columns;
            kept.push(letter);
        }
        if wide {
            fitted.push_span(Span::styled(kept + "…", span.style));
            return fitted;
        }
        fitted.push_span(Span::styled(kept, span.style));
    }
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_cut_ends_in_an_ellipsis_and_no_other_does() {
        let check = |spans: &[&str], width: u16, expected: &str| {
            let line = Line::from(spans.iter().map(|text| Span::from((*text).to_owned())).collect::<Vec<_>>());
            let fitted = fitted(line, width);
            assert_eq!(fitted.to_string(), expected, "{width}");
            assert!(fitted.width() <= usize::from(width.max(1)));
        };
        check(&[" 0:01 ", "told"], 10, " 0:01 told");
        check(&[" 0:01 ", "told"], 9, " 0:01 to…");
        check(&[" 0:01 ", "told"], 6, " 0:01…");
        check(&["abc"], 0, "…");
        // Two columns each.
        check(&["会議室"], 6, "会議室");
        check(&["会議室"], 5, "会議…");
        check(&["会議室"], 4, "会…");
    }
}
