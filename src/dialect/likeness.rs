//! Recognises protocols by their first frames.

/// A protocol that a frame looks like, and the built-in dialects that speak it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Likeness {
    pub protocol: &'static str,
    pub dialects: &'static [&'static str],
}

/// The protocol that a server's frame belongs to; `None` if it has no sign of any.
pub fn looks_like(frame: &str) -> Option<Likeness> {
    let of = |protocol, dialects| Some(Likeness { protocol, dialects });
    let begins = |start: &str| frame.starts_with(start);
    if begins("0{\"sid\"") || begins("40{\"sid\"") {
        return of("Socket.IO", &["socketio-addpeer", "simple-signal"]);
    }
    if frame == "40" {
        // Since protocol 5, a server's connect packet carries the id (Socket.IO protocol, "Connection to a namespace").
        return of("Engine.IO 3, and meshload speaks Engine.IO 4", &[]);
    }
    if frame.ends_with('\u{1e}') {
        return of("SignalR", &[]);
    }
    if frame == "o" || begins("a[\"") {
        return of("SockJS", &[]);
    }
    let has = |part: &str| frame.contains(part);
    // Kept examples have their keys in order, whatever the server's was.
    let is_error = has("\"type\":\"ERROR\"") && has("\"payload\":{\"msg\"");
    let is_peerjs = has("\"type\":\"OPEN\"") || has("\"type\":\"ID-TAKEN\"") || is_error;
    match () {
        () if is_peerjs => of("PeerJS", &["peerjs"]),
        () if begins("{\"IdAssigned\"") => of("matchbox", &["matchbox"]),
        () if has("\"type\":\"client_count\"") || has("\"type\":\"server-room-list\"") => {
            of("dashboard", &["dashboard"])
        }
        () if has("\"failure reason\"") || has("\"info_hash\"") => of("a WebTorrent tracker", &["webtorrent-tracker"]),
        () if has("\"type\":\"publish\"") && has("\"topic\"") => of("y-webrtc", &["y-webrtc"]),
        () if has("\"janus\":") => of("Janus", &[]),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frames_of_known_servers_are_recognised() {
        let check = |frame: &str, expected: Option<&str>| {
            assert_eq!(looks_like(frame).map(|likeness| likeness.protocol), expected, "{frame}");
        };
        check(
            r#"0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#,
            Some("Socket.IO"),
        );
        check(r#"0{"sid":"x","upgrades":[],"pingInterval":25000}"#, Some("Socket.IO"));
        check("40", Some("Engine.IO 3, and meshload speaks Engine.IO 4"));
        check(r#"{"type":"OPEN"}"#, Some("PeerJS"));
        check(r#"{"type":"ERROR","payload":{"msg":"No id, token, or key"}}"#, Some("PeerJS"));
        check(r#"{"payload":{"msg":"No id, token, or key"},"type":"ERROR"}"#, Some("PeerJS"));
        check("{}\u{1e}", Some("SignalR"));
        check(r#"{"IdAssigned":"32fa"}"#, Some("matchbox"));
        check(r#"{"type":"client_count","count":1}"#, Some("dashboard"));
        check(r#"{"type":"join","channel":"a"}"#, None);
    }

    #[test]
    fn a_likeness_names_dialects_that_there_are() {
        for frame in ["0{\"sid\":1,\"maxPayload\":1}", "{\"type\":\"OPEN\"}", "{\"IdAssigned\":1}", "{\"info_hash\":1}"]
        {
            let likeness = looks_like(frame).unwrap();
            assert!(likeness.dialects.iter().all(|name| crate::dialect::Dialect::named(name).is_some()), "{frame}");
        }
    }
}
