//! The bus over TLS with certificates both ways, on a real nats-server.

use super::nats::{BusRun, Nats, end_all};
use crate::access::certificates::{Authority, Files, NAMES};
use support::serving::Serving;

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
