//! STUN and TURN servers in a profile, and the engines that accept them.

use super::*;

#[test]
fn only_the_engine_webrtc_asks_servers_for_candidates() {
    check("[engine]\nkind = \"webrtc\"\n", &[]);
    check(
        "[engine]\nkind = \"webrtc\"\nice_servers = [\"stun:127.0.0.1\", { urls = [\"turn:h\"], username = \"a\", credential = \"b\" }]\n",
        &[],
    );
    let cure = "write kind = \"webrtc\", or --engine webrtc (p.toml:2)";
    check(
        "[engine]\nice_servers = [\"stun:a\"]\n",
        &[&format!("engine.ice_servers: the engine lean asks no server for candidates; {cure}")],
    );
    check(
        "[engine]\nice_transport_policy = \"relay\"\nkind = \"none\"\n",
        &[&format!("engine.ice_transport_policy: the engine none opens no connection; {cure}")],
    );
    check(
        "[engine]\nice_transport_policy = \"relay\"\nkind = \"webrtc\"\nice_servers = [\"stun:h\"]\n",
        &[
            "engine.ice_transport_policy: relay needs a TURN server; name it in ice_servers, or with --ice-server (p.toml:2)",
        ],
    );
    check(
        "[engine]\nkind = \"webrtc\"\nice_servers = [1, { url = \"stun:h\" }, { urls = \"turn:h\", username = \"a\" }]\n",
        &[
            "engine.ice_servers: expected a URL or a table, not a number (p.toml:3)",
            "engine.ice_servers.url: no such key; did you mean urls? (p.toml:3)",
            "engine.ice_servers.urls: missing; write urls = \"turn:HOST:PORT\" (p.toml:3)",
            "engine.ice_servers: a TURN server wants a login; write turn:USER:PASS@HOST:PORT, or a table with urls, username and credential (p.toml:3)",
        ],
    );
}

#[test]
fn the_command_lines_ice_servers_stand_instead_of_the_profiles() {
    let text = "[engine]\nkind = \"webrtc\"\nice_servers = [\"stun:a\"]\n";
    let given = ["stun:b", "turn:us3r:p4ss@c:9"].map(|url| Override::new(Knob::IceServer, url));
    let profile = read(ProfileSource { name: "p.toml", text }, &given, &|_| None).unwrap();
    let servers: Vec<_> = profile.engine.ice_servers.iter().map(|server| (server.host.as_str(), server.port)).collect();
    assert_eq!(servers, [("b", 3478), ("c", 9)]);
    let written = to_toml(&profile);
    assert!(written.contains("turn:${MESHLOAD_TURN_USERNAME_2}:${MESHLOAD_TURN_CREDENTIAL_2}@c:9"), "{written}");
    assert!(!format!("{profile:?}").contains("p4ss"));
}
