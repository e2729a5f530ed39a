# What CI runs is what you run: `just ci`.

[private]
default:
    @just --list

# Formatting, lints and, if it is installed, cargo-deny
check:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    if command -v cargo-deny > /dev/null; then cargo deny check; else echo "cargo-deny is not installed: skipped"; fi

# Installs what is missing and runs every test
test:
    scripts/test

# The simulation on many seeds: peers and server on a virtual clock, with delays and drops
sim SEEDS="10000":
    MESHLOAD_SEEDS={{SEEDS}} cargo test --test simulation

# Prints the figures: no test is timed
bench:
    cargo bench --bench mesh

# The long table, with a thousand peers on every kind of server; writes benches/RESULTS.md
bench-mesh:
    cargo bench --bench mesh -- --long

# What a broadcast costs the reference server
bench-server:
    cargo bench --bench fanout

# The main job: the built-in smoke profile against the embedded server
run *ARGS:
    cargo run --release -- run {{ARGS}}

# What .ci/run does, in this tree
ci:
    .ci/run

# Observed against expected: delays, freezes, starvation, and what measuring costs. Ten minutes on an idle machine
accuracy:
    cargo test --release --test accuracy -- --ignored --nocapture --test-threads 1
    cargo bench --bench recorder
