//! Three tabs and five virtual peers meet in one room of a real server, talk, and part.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use support::chromium::{Chromium, Tab};
use support::serving::Serving;

const PEERS: usize = 5;
const OPEN: &str = "document.querySelectorAll('#links > li[data-state=open]').length";

/// The side that makes the offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Tab,
    Peer,
}

pub fn play(chromium: &Path, kind: &str, initiator: &str, offers: [(&str, Side); 3]) {
    let server = Serving::start(&["--kind", kind]);
    let address = server.url.trim_start_matches("ws://").trim_end_matches("/ws/");
    let mut chromium = Chromium::start(chromium);
    let tabs = offers.map(|(name, _)| {
        let tab = chromium.open(&format!("http://{address}/?name={name}&initiator={initiator}"));
        chromium.run(&tab, "document.querySelector('#who button').click()");
        chromium.until(&tab, "document.getElementById('status').dataset.state === 'up'");
        tab
    });
    let folder = tempfile::tempdir().unwrap();
    let mut run = start_run(address, initiator, &folder.path().join("report"));
    let mut told = BufReader::new(run.stderr.take().unwrap()).lines().map_while(Result::ok);
    // Listed is not yet ready: a peer that is heard for the first time after the tab has joined is the newcomer itself.
    assert!(told.by_ref().any(|line| line.contains("edges 10/10")), "the peers never met");
    for (before, tab) in tabs.iter().enumerate() {
        chromium.until(tab, "parseInt(document.querySelector('#rooms small')?.textContent) >= 5");
        chromium.run(tab, "document.querySelector('#rooms button').click()");
        if initiator == "newcomer" {
            // On a relay, who is heard again while it is waited for is taken to wait itself: a tab that answers the next
            // one's join before it has offered is offered to.
            chromium.until(tab, &format!("{OPEN} === {}", PEERS + before));
        }
    }
    for (tab, (name, side)) in tabs.iter().zip(offers) {
        chromium.until(tab, &format!("{OPEN} === {}", PEERS + 2));
        let from_tab = "[...document.querySelectorAll('#links > li[data-peer^=m][data-offers=tab]')].length";
        let expected = if side == Side::Tab { PEERS } else { 0 };
        assert_eq!(chromium.run(tab, from_tab), expected, "offers of {name} to virtual peers");
    }
    traffic(&mut chromium, &tabs);
    part(&mut chromium, &tabs);
    let rest: Vec<String> = told.collect();
    assert!(run.wait().unwrap().success(), "{rest:#?}");
    let summary = std::fs::read_to_string(folder.path().join("report/summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    println!("{kind}, {initiator}: {}", summary["counts"]["guest_edges"]);
    judge(&summary["counts"]);
}

/// Each tab says one word, which the other two and all peers hear; each hears every peer.
fn traffic(chromium: &mut Chromium, tabs: &[Tab; 3]) {
    for tab in tabs {
        chromium
            .run(tab, "document.getElementById('text').value = 'hello'; document.querySelector('#say button').click()");
    }
    for tab in tabs {
        chromium.until(tab, "document.querySelectorAll('#links > li[data-chats=\"1\"]').length === 2");
        let heard = "[...document.querySelectorAll('#links > li')].filter((li) => Number(li.dataset.tests) > 0).length";
        chromium.until(tab, &format!("{heard} === {PEERS}"));
    }
}

/// One leaves by the button, one closes its tab; the third sees both go.
fn part(chromium: &mut Chromium, tabs: &[Tab; 3]) {
    chromium.run(&tabs[1], "document.getElementById('leave').click()");
    chromium.close(&tabs[2]);
    chromium.until(&tabs[0], "document.querySelectorAll('#links > li[data-state=closed]').length === 2");
}

fn judge(counts: &Value) {
    let of = |section: &str, name: &str| counts[section][name].as_u64().unwrap();
    let guests = |name: &str| of("guest_edges", name);
    assert_eq!((of("edges", "planned"), of("edges", "opened"), of("edges", "surprises")), (10, 10, 0));
    assert_eq!((guests("planned"), guests("opened"), guests("failed"), guests("unfinished")), (15, 15, 0, 0));
    assert_eq!(guests("messages_received"), 15, "one word of three tabs to five peers");
    assert!(guests("messages_sent") >= 15);
    assert_eq!(guests("leaves_noticed"), 10, "two tabs left five peers");
    assert_eq!(of("messages", "lost"), 0);
    assert!(counts["signaling"]["by_type"]["webrtc-ice"]["received"].as_u64() > Some(0));
}

fn start_run(address: &str, initiator: &str, out: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshload"));
    command.args(["run", "--target", &format!("ws://{address}/ws/"), "--rooms", "1", "--room-size", "5"]);
    command.args(["--set", "rooms.guests=3", "--set", &format!("handshake.initiator=\"{initiator}\"")]);
    command.args(["--timeout", "40s", "--duration", "12s", "--no-gates", "--on-invalid", "warn", "--out"]);
    command.arg(out).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}
