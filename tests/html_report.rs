//! report.html: complete, small, quick, and deaf to whatever a server says.

mod fixtures;

use meshload::report::html;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Leaves a copy where a person can look at it.
fn keep(name: &str, page: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::write(folder.join(name), page).unwrap();
    println!("see {}", folder.join(name).display());
}

#[test]
fn a_run_of_five_thousand_edges_is_small_and_quick() {
    let summary = fixtures::summary();
    let began = Instant::now();
    let page = html::render(&summary);
    let took = began.elapsed();
    keep("report.html", &page);
    println!("{} bytes in {took:?}", page.len());
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    assert!(took < Duration::from_secs(2), "{took:?}");
}
