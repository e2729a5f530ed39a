//! Any answer of a target's metrics page; its first line has the prefixes of the wanted names.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshload::controller::series;

fuzz_target!(|input: &str| {
    let (first, text) = input.split_once('\n').unwrap_or(("", input));
    let prefixes: Vec<String> = first.split(',').map(str::to_owned).collect();
    let sums = series(text, &prefixes);
    assert!(sums.len() <= 64, "{} names", sums.len());
    for name in sums.keys() {
        assert!(prefixes.iter().any(|prefix| name.starts_with(prefix.as_str())), "{name}");
        assert!(text.contains(name.as_str()), "{name}");
    }
});
