//! Cost of frames that are not for the peer that gets them: the CPU of one mesh through a relay that tells
//! everybody, less that through a relay that tells the addressee. `[SIZE] [PAIRS]`: a room of 50, five pairs.

use support::relay::{self, Audience};
use support::runs::{Case, Run, mesh};

/// The share that frames of others may have (docs/spec/measurement.md, "Numbers that must hold"): more, and the
/// generator measures itself.
const SHARE_MAX: f64 = 0.15;

fn main() {
    let numbers: Vec<u32> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let size = numbers.first().copied().unwrap_or(50);
    let pairs = numbers.get(1).copied().unwrap_or(5).max(1);
    println!(
        "one room of {size} through `relay`, the process's whole CPU; frames read for each that concerns its reader"
    );
    println!("pair  everybody             addressee             spent on others' frames");
    let mut shares = vec![];
    for pair in 1..=pairs {
        let [all, one] = [Audience::Everybody, Audience::Addressee].map(|subscriptions| play(size, subscriptions));
        let share = 1.0 - one.cpu() / all.cpu();
        println!("{pair:>4}  {}  {}  {:>5.1} %", shown(&all), shown(&one), share * 100.0);
        shares.push(share);
    }
    shares.sort_by(f64::total_cmp);
    let median = shares[shares.len() / 2];
    let verdict = if median < SHARE_MAX { "holds" } else { "does not hold" };
    println!("median {:.1} %; under {:.0} % {verdict}", median * 100.0, SHARE_MAX * 100.0);
}

fn play(size: u32, subscriptions: Audience) -> Run {
    // As many edges come about in each second as the machine can carry: at the end each peer has all the others to meet.
    let profile = mesh(1, size, "rate = '10/s'", "'0s'", "");
    let target = format!("[target]\ndialect = 'relay'\nurl = '{}'\n", relay::start(subscriptions));
    let run = Case::new(profile + &target, None).run().expect("a summary");
    assert_eq!(run.opened(), run.planned(), "{subscriptions:?}: edges stay closed");
    run
}

/// `2.31 s, 48.7 : 1`
fn shown(run: &Run) -> String {
    let ratio = run.number("/counts/signaling/received") / run.number("/counts/signaling/concerned");
    format!("{:>6.2} s, {ratio:>5.1} : 1    ", run.cpu())
}
