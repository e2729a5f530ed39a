//! Identities of NATS itself on a real nats-server: the `.creds` files of its clouds, and nkeys.

use super::nats::{BusRun, Nats, end_all};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use support::serving::Serving;

const PLAN: [&str; 4] = ["--rooms", "2", "--duration", "100ms"];

/// A JWT of NATS: `of` is what `subject` may do, by the word of `issuer`.
fn token(issuer: &KeyPair, subject: &KeyPair, of: &Value) -> String {
    let claims = json!({
        "jti": subject.public_key(), "iat": 1_700_000_000, "iss": issuer.public_key(), "sub": subject.public_key(),
        "name": "test", "nats": of,
    });
    let header = json!({ "typ": "JWT", "alg": "ed25519-nkey" });
    let parts = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = parts.join(".");
    let signature = URL_SAFE_NO_PAD.encode(issuer.sign(signed.as_bytes()).expect("a signature"));
    format!("{signed}.{signature}")
}

/// An account with so much storage for JetStream, in bytes; -1 for any.
fn account(operator: &KeyPair, account: &KeyPair, storage: i64) -> String {
    let limits = json!({
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1,
        "mem_storage": storage, "disk_storage": storage, "streams": -1, "consumer": -1,
    });
    token(operator, account, &json!({ "type": "account", "version": 2, "limits": limits }))
}

/// Writes the `.creds` file of a new user of the account, who may publish what matches `publish`.
fn creds(folder: &Path, name: &str, account: &KeyPair, publish: &[&str]) -> String {
    let user = KeyPair::new_user();
    let of = json!({
        "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1, "pub": { "allow": publish }, "sub": {},
    });
    let (token, seed) = (token(account, &user, &of), user.seed().expect("a seed"));
    let text = format!(
        "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    );
    write(folder, name, &text)
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).expect("a file");
    path.display().to_string()
}

/// Plays a run whose controller and only agent show these files.
fn play(nats: &Nats, name: &str, lead: &str, agent: &str) {
    let target = Serving::start(&[]);
    let run = BusRun::new(nats, &target, name);
    let controller = run.controller("1", &[&PLAN[..], &["--bus-creds", lead]].concat());
    let agent = run.agent("a", &["--bus-creds", agent]);
    let (code, summary, told) = controller.end();
    assert_eq!((code, &summary["counts"]["edges"]["opened"]), (Some(0), &6.into()), "{told}");
    end_all([agent], 0);
}

#[test]
fn a_creds_file_lets_in_and_its_rights_are_those_of_its_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let (operator, own, system) = (KeyPair::new_operator(), KeyPair::new_account(), KeyPair::new_account());
    // JetStream is refused to the system's account.
    let accounts = [(&own, -1), (&system, 0)];
    let preloaded =
        accounts.map(|(key, storage)| format!("{}: {}", key.public_key(), account(&operator, key, storage)));
    let configuration = format!(
        "operator: {}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload: {{ {} }}\n",
        token(&operator, &operator, &json!({ "type": "operator", "version": 2 })),
        system.public_key(),
        preloaded.join("\n")
    );
    let Some(nats) = Nats::start_with(&configuration) else { return };
    let lead = creds(folder.path(), "lead.creds", &own, &[]);
    // docs/fleet.md, "Who may do what".
    let rights = ["join", "clk", "hb.0", "res.*.0.>"].map(|subject| format!("mesh.v1.*.{subject}"));
    let rights =
        rights.iter().map(String::as_str).chain(["$KV.*.slot.0", "$JS.API.STREAM.INFO.*", "$JS.API.DIRECT.GET.>"]);
    let slot0 = creds(folder.path(), "slot0.creds", &own, &rights.collect::<Vec<_>>());
    play(&nats, "creds", &lead, &slot0);
    let target = Serving::start(&[]);
    let run = BusRun::new(&nats, &target, "refused");
    // An account that the operator does not know, no identity at all, and a file that is none.
    let foreign = creds(folder.path(), "foreign.creds", &KeyPair::new_account(), &[]);
    let nonsense = write(folder.path(), "nonsense", "SUCH A SECRET");
    for (args, code, why) in [
        (&["--bus-creds", &foreign][..], 1, "--bus: no connection to 127.0.0.1:"),
        (&[], 1, "--bus: no connection to 127.0.0.1:"),
        (&["--bus-creds", &nonsense], 2, "neither a .creds file of NATS nor the seed of a user's nkey"),
        (&["--bus-creds", "missing.creds"], 2, "--bus-creds missing.creds: No such file"),
    ] {
        let (ended, _, told) = run.agent("stranger", args).end();
        assert!(ended == Some(code) && told.contains(why) && !told.contains("SECRET"), "{args:?}: {ended:?} {told}");
    }
}

#[test]
fn the_seed_of_an_nkey_lets_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let user = KeyPair::new_user();
    let configuration = format!("authorization {{ users = [ {{ nkey: {} }} ] }}\n", user.public_key());
    let Some(nats) = Nats::start_with(&configuration) else { return };
    let seed = write(folder.path(), "user.nk", &format!("{}\n", user.seed().expect("a seed")));
    play(&nats, "nkey", &seed, &seed);
}
