//! The cost of a broadcast for the server: deliveries a second, and for each second of the server's own CPU time.

use support::fanout;

fn main() {
    if fanout::was_the_load() {
        return;
    }
    for rate in [0, 200, 400] {
        let seen = fanout::measure(rate);
        let throttle = if rate == 0 { "unpaced".into() } else { format!("{rate} frames/s") };
        println!("{throttle:>12}: {:>9.0} deliveries/s, {:>9.0} per CPU second", seen.per_second, seen.per_cpu_second);
    }
}
