//! Two tabs of the reference server's page behind `meshload record`, and the dialect learned from their talk.

use std::path::Path;
use support::chromium::{Chromium, Tab};
use support::recording::{RecordingProcess, learn_whole, probe};
use support::serving::Serving;

/// `names`: the first creates the room, the second joins it.
pub fn play(chromium: &Path, names: [&str; 2]) {
    let server = Serving::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let (har, file) = (folder.path().join("talk.har"), folder.path().join("mine.toml"));
    let proxy = RecordingProcess::start(&server.url, &har);
    meet(chromium, &proxy.url, names);
    let (shown, told) = proxy.interrupt();
    assert!(told.contains("next: meshload dialects learn"), "{told}\n{shown}");
    let understood = learn_whole(&[&har], &file);
    println!("{understood}\n{}", std::fs::read_to_string(&file).unwrap());
    probe(&file, &server.url, "4");
}

/// Both tabs connect through the proxy, meet, say a word, and the second leaves.
fn meet(program: &Path, proxy: &str, names: [&str; 2]) {
    let address = proxy.trim_start_matches("ws://").trim_end_matches("/ws/");
    let mut chromium = Chromium::start(program);
    let tabs: [Tab; 2] = names.map(|name| {
        let tab = chromium.open(&format!("http://{address}/?name={name}"));
        chromium.run(&tab, "document.querySelector('#who button').click()");
        chromium.until(&tab, "document.getElementById('status').dataset.state === 'up'");
        tab
    });
    chromium.run(&tabs[0], "document.getElementById('room-name').value = 'kitchen'");
    chromium.run(&tabs[0], "document.querySelector('#create button').click()");
    chromium.until(&tabs[1], "document.querySelector('#rooms button') !== null");
    chromium.run(&tabs[1], "document.querySelector('#rooms button').click()");
    for tab in &tabs {
        chromium.until(tab, "document.querySelectorAll('#links > li[data-state=open]').length === 1");
    }
    chromium.run(&tabs[1], "document.getElementById('leave').click()");
    chromium.until(&tabs[0], "document.querySelectorAll('#links > li[data-state=closed]').length === 1");
}
