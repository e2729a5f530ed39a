//! The control run's figures beside the target's.

use crate::report::figures::percentile;
use crate::report::html::sanitize::sanitize;
use crate::report::sections;
use crate::summary::{Control, Summary};
use maud::{Markup, html};

/// The control run's p50 and p99 (due) of a timer, as cells of the run's row.
pub(crate) fn cells(control: &Control, timer: &str) -> [Markup; 2] {
    match control.timers.get(timer).map(|timer| &timer.due) {
        Some(due) => [(50.0, due.p.p50), (99.0, due.p.p99)].map(|(at, us)| html! { (percentile(due, at, us)) }),
        None => ["–"; 2].map(|nothing| html! { (nothing) }),
    }
}

/// The generator's own part in the target's figures, as sentences; empty without a control run.
pub(crate) fn sentences(summary: &Summary) -> Markup {
    let lines = sections::control(summary);
    html! {
        @if !lines.is_empty() {
            h3 { "The control run: what of it is ours" }
            ul.control { @for line in &lines { li { (sanitize(line)) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::render;
    use crate::report::sample::{controlled, run};

    #[test]
    fn the_floor_stands_beside_each_figure_if_there_was_a_control_run() {
        let check = |summary: &Summary, expected: bool| {
            let page = render(summary);
            assert_eq!(page.contains("ours p50"), expected);
            assert_eq!(page.contains("<h3>The control run"), expected);
        };
        check(&run(), false);
        check(&controlled(), true);
    }

    #[test]
    fn a_timer_that_the_control_run_did_not_have_is_a_dash() {
        let control = controlled().control.unwrap();
        assert_eq!(cells(&control, "message_latency").map(Markup::into_string), ["–", "–"]);
    }
}
