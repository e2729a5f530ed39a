//! The report as one self-contained HTML page: verdicts first, then the phases, then everything else.

pub(in crate::report) mod axis;
mod chart;
mod page;
mod palette;
mod sanitize;
mod sections;
mod table;

pub(in crate::report) use chart::{Chart, Mark};
pub(in crate::report) use page::page;
pub(in crate::report) use palette::{ChartColour, legend};
pub(in crate::report) use sanitize::sanitize;
pub(in crate::report) use sections::latency::percentile_chart;
pub(in crate::report) use table::{Column, figure, table};

use crate::report::html::sections::{
    failures, generator, glossary, headline, latency, load, meshes, phases, run, signaling,
};
use crate::summary::Summary;
use maud::html;

/// The page: HTML5 in UTF-8, without script and without requests. Foreign text in the summary is escaped.
pub fn render(summary: &Summary) -> String {
    let title = format!("{} · {} · meshload", sanitize(&summary.run.name), summary.result.name());
    let body = html! {
        (headline::header(summary))
        main {
            (headline::verdicts(summary))
            (headline::figures(summary))
            (headline::gates(&summary.gates))
            (phases::section(summary))
            section {
                h2 { "Latency and load" }
                @if summary.counts_warmup.is_some() {
                    p.reading { "Charts along the time show the warm-up too; every other figure of this page leaves it out." }
                }
                div.grid {
                    (latency::figures(summary))
                    (load::figures(&summary.series))
                }
                (load::seconds(&summary.series))
            }
            (failures::section(summary))
            (failures::traces(summary))
            (meshes::section(summary))
            (signaling::section(summary))
            (phases::slowest(summary))
            (generator::section(summary))
            (run::section(summary))
            (glossary::section(summary))
        }
        (run::footer(summary))
    };
    page(&title, &body)
}
