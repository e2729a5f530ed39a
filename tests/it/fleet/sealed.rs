//! The bus over TLS on a real nats-server: certificates both ways, which also say what their owner may do.

use super::nats::{BusRun, Nats, RIGHTS_OF_SLOT_0, end_all};
use crate::access::certificates::{Authority, Files, NAMES};
use support::serving::Serving;

#[test]
fn a_certificate_gives_the_rights_of_one_slot() {
    // docs/fleet.md, "Who may do what".
    let authority = Authority::new();
    let (server, ca) = (authority.issue("server", &NAMES), authority.file());
    let [lead, slot0] = ["lead", "slot0"].map(|name| authority.issue_for_a_client(name));
    let Files { certificate, key } = &server;
    let configuration = format!(
        r#"tls {{ cert_file: {certificate:?}, key_file: {key:?}, ca_file: {ca:?}, verify_and_map: true }}
        authorization {{ users = [ {{ user: lead }}, {{ user: slot0, permissions: {RIGHTS_OF_SLOT_0} }} ] }}"#
    );
    let Some(nats) = Nats::start_with(&configuration) else { return };
    let target = Serving::start(&[]);
    let run = BusRun::new(&nats, &target, "rights").tls();
    let trust =
        |own: &Files| ["--bus-ca", &ca, "--bus-cert", &own.certificate, "--bus-key", &own.key].map(str::to_owned);
    let [lead, slot0] = [trust(&lead), trust(&slot0)];
    let [lead, slot0] = [&lead, &slot0].map(|words| words.each_ref().map(String::as_str));
    let controller =
        run.controller("2", &[&lead[..], &["--rooms", "4", "--duration", "100ms", "--lost-after", "3s"]].concat());
    let (code, _, told) = run.agent("other", &[&slot0[..], &["--slot", "1"]].concat()).end();
    assert!(code == Some(1) && told.contains("--bus: the claim: "), "{code:?} {told}");
    let agents = [("own", slot0, "0"), ("lead", lead, "1")]
        .map(|(out, own, slot)| run.agent(out, &[&own[..], &["--slot", slot]].concat()));
    let (code, summary, told) = controller.end();
    assert_eq!((code, &summary["counts"]["edges"]["opened"]), (Some(0), &12.into()), "{told}");
    end_all(agents, 0);
}

#[test]
fn with_certificates_both_ways_a_run_is_played_and_strangers_are_told_why_not() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (server, own) = (authority.issue("server", &NAMES), authority.issue_for_a_client("agent"));
    let ca = authority.file();
    let Files { certificate, key } = &server;
    let configuration =
        format!("tls {{ cert_file: {certificate:?}, key_file: {key:?}, ca_file: {ca:?}, verify: true }}\n");
    let Some(nats) = Nats::start_with(&configuration) else { return };
    let target = Serving::start(&[]);
    let trust = ["--bus-ca", &ca, "--bus-cert", &own.certificate, "--bus-key", &own.key];
    let run = BusRun::new(&nats, &target, "sealed").tls();
    let plan = [&trust[..], &["--rooms", "4", "--duration", "100ms"]].concat();
    let controller = run.controller("2", &plan);
    let foreign = other.issue_for_a_client("foreign");
    let other_ca = other.file();
    let strangers = [
        &["--bus-ca", &ca][..],
        &["--bus-ca", &ca, "--bus-cert", &foreign.certificate, "--bus-key", &foreign.key],
        &["--bus-ca", &other_ca, "--bus-cert", &own.certificate, "--bus-key", &own.key],
    ];
    for args in strangers {
        let (code, _, told) = run.agent("stranger", args).end();
        assert!(code == Some(1) && told.contains("--bus: no connection to 127.0.0.1:"), "{args:?}: {code:?} {told}");
    }
    let agents = ["a", "b"].map(|out| run.agent(out, &trust));
    let (code, summary, told) = controller.end();
    assert_eq!((code, &summary["counts"]["edges"]["opened"]), (Some(0), &12.into()), "{told}");
    end_all(agents, 0);
}
