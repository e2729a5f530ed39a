# What CI runs is what you run: `just ci`.

[private]
default:
    @just --list

# Formatting, lints and, if it is installed, cargo-deny
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    if command -v cargo-deny > /dev/null; then cargo deny check; else echo "cargo-deny is not installed: skipped"; fi

# Installs what the tests need and this machine lacks; `just test` begins with it
setup:
    scripts/setup

# Installs what is missing and runs every test
test:
    scripts/test

# Every built-in dialect against the real server it is for, matchbox_server too, which takes minutes to build once
targets:
    npm ci --prefix tests/targets --no-audit --no-fund --ignore-scripts
    cargo install matchbox_server@0.15.0 --locked --root tests/targets/cargo
    cargo test --test targets -- --nocapture

# Rooms of 12 on every one of them, in order and all at once, so many times each; ends each with how many were whole
targets-often ROUNDS="10":
    MESHLOAD_ROUNDS={{ROUNDS}} cargo test --test targets mesh -- --nocapture --test-threads 1

# The simulation on many seeds: peers and server on a virtual clock, with delays and drops
sim SEEDS="10000":
    MESHLOAD_SEEDS={{SEEDS}} cargo test --test simulation rooms

# Prints which cause the probe names for each preset, and which finding a run makes of each fault, on the virtual clock
diagnose-matrix:
    cargo test --test simulation the_whole_matrix -- --ignored --nocapture

# Prints what an edge costs beside what it must be: the short rows, three minutes once built
bench-quick:
    cargo bench --bench mesh

# The whole table, on a quiet machine: nine minutes; writes benches/RESULTS.md. MESHLOAD_BEFORE=PATH compares with another meshload
bench-mesh:
    cargo bench --bench mesh -- --long

# An edge in memory beside the bare cryptography of its handshake
bench-core EDGES="900":
    cargo bench --bench handshake -- {{EDGES}}

# Fails when an edge, a scrape or an OTLP export takes 5 % more or fewer instructions than benches/instructions.txt says
instructions *ARGS:
    scripts/instructions {{ARGS}}

# What a broadcast costs the reference server
bench-server:
    cargo bench --bench fanout

# What the peers of a broadcast room of 50 spend on frames that are not for them; under 15 % of the CPU is wanted
bench-broadcast SIZE="50" PAIRS="5":
    cargo bench --bench broadcast -- {{SIZE}} {{PAIRS}}

# Whether `compare` can be trusted as a gate: real runs, equal pairs and pairs a fifth slower (3 runs a pair, 4 s each)
compare-power PAIRS="20" REPEATS="1":
    cargo bench --bench compare_power -- {{PAIRS}} {{REPEATS}}

# The same, three runs a side, and all pairs of eight runs of `ci`: unchanged, and with a tenth of the offers lost
compare-matrix PAIRS="20":
    cargo bench --bench compare_power -- matrix {{PAIRS}} 3

# Prints how a run takes each offence of a hostile server
hostile:
    cargo test --test it hostile:: -- --nocapture --test-threads 1

# Fuzzes every target for so many minutes, each input within 10 s and 1 GiB; needs cargo-fuzz
fuzz MINUTES="1":
    #!/usr/bin/env bash
    set -euo pipefail
    # An overflow is a find, not a number.
    export RUSTC_BOOTSTRAP=1 CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true CARGO_PROFILE_RELEASE_DEBUG=line-tables-only
    for target in $(cargo fuzz list); do
        mkdir -p fuzz/corpus/$target fuzz/seeds/$target
        echo "== $target"
        cargo fuzz run -s none $target fuzz/corpus/$target fuzz/seeds/$target -- -max_total_time=$(({{MINUTES}} * 60)) -timeout=10 -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1
    done

# Churn at 80 % of what the machine holds, for so many hours: memory and descriptors by the minute, and their slope
soak HOURS="2":
    scripts/soak {{HOURS}}

# Figures of a run on several machines, here as processes on one; a part of them by name: losses, start, bus, cost
fleet-numbers *PARTS:
    cargo build --release
    scripts/fleet-numbers {{PARTS}}

# The main job: the built-in smoke profile against the embedded server
run *ARGS:
    cargo run --release -- run {{ARGS}}

# What .ci/run does, in this tree
ci:
    .ci/run

# A server whose capacity is known: the search on the virtual clock beside the search by real runs
capacity-truth:
    cargo test --release --test simulation rooms::capacity -- --include-ignored --nocapture --test-threads 1

# Observed against expected: delays, freezes, starvation, and what measuring costs. Twenty minutes on an idle machine
accuracy: accuracy-strained
    cargo test --release --test timing accuracy -- --ignored --nocapture --test-threads 1 --skip accuracy::strained_
    cargo bench --bench recorder

# The figures and verdicts of a generator that shares its core, or the machine with its target: eleven minutes
accuracy-strained:
    cargo test --release --test timing accuracy::strained_ -- --ignored --nocapture --test-threads 1
    cargo test --release --test simulation a_node_relay_of_a_known_rate -- --ignored --nocapture
