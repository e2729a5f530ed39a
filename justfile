# What CI runs is what you run: `just ci`.

[private]
default:
    @just --list

# Formatting, lints and, if it is installed, cargo-deny
check:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    command -v cargo-deny > /dev/null && cargo deny check || echo "just check: cargo-deny is not installed: skipped"

# Installs what is missing and runs every test
test:
    scripts/test

# Prints the figures: no test is timed
bench:
    cargo bench

# What .ci/run does, in this tree
ci:
    .ci/run

# Observed against expected: delays, freezes, starvation, and what measuring costs. Ten minutes on an idle machine
accuracy:
    cargo test --release --test accuracy -- --ignored --nocapture --test-threads 1
    cargo bench --bench recorder
