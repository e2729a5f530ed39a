//! The `meshload probe` command that a report suggests for the run's target.

use crate::profile::Profile;
use crate::signaling::TargetPolicy;
use crate::vocabulary::{EngineKind, shell_quoting};
use std::time::Duration;

/// Builds the command for the same target, dialect and engine, as the first scenario has them; `options` lead to the target
/// (`Access::options`). Secrets are left out: of a header only the name is shown.
pub(crate) fn probe_line(profile: &Profile, policy: &TargetPolicy, options: &str) -> String {
    let scenario = &profile.scenarios[0];
    let mut line = "meshload probe".to_owned();
    let mut add = |option: &str, value: &str| line.push_str(&format!(" {option} {}", shell_quoting::word(value)));
    if let Some(url) = &profile.target.url_shown {
        add("--target", &scenario.target.url_shown(url));
    }
    for host in &policy.allowed_hosts {
        add("--allow-target", host);
    }
    for name in profile.target.headers.keys() {
        add("-H", &format!("{name}: …"));
    }
    if profile.target.subprotocol.is_some() {
        add("--subprotocol", "…");
    }
    if let Some(origin) = &profile.target.origin {
        add("--origin", origin);
    }
    add("--dialect", &profile.target.dialect);
    add("--trigger", &word(scenario.handshake.trigger));
    add("--timeout", &time(scenario.handshake.timeout));
    if scenario.handshake.settle > Duration::ZERO {
        add("--set", &format!("handshake.settle={}", time(scenario.handshake.settle)));
    }
    if profile.engine.kind != EngineKind::default() {
        add("--engine", &word(profile.engine.kind));
    }
    if !profile.faults.is_empty() {
        let rules: Vec<String> = profile.faults.iter().map(|fault| format!("{:?}", fault.rule)).collect();
        add("--set", &format!("faults.rules=[{}]", rules.join(", ")));
    }
    line + options
}

/// The choice as the profile spells it.
fn word(choice: impl serde::Serialize) -> String {
    serde_json::to_value(choice).ok().and_then(|value| Some(value.as_str()?.to_owned())).unwrap_or_default()
}

fn time(time: Duration) -> String {
    match time.subsec_nanos() {
        0 => format!("{}s", time.as_secs()),
        _ => format!("{}ms", time.as_millis()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{self, ProfileSource};

    fn check(text: &str, allowed: &[&str], options: &str, expected: &str) {
        let profile =
            profile::read(ProfileSource { name: "p.toml", text }, &[], &|_| Some("s3cret".to_owned())).unwrap();
        let allowed_hosts = allowed.iter().map(|host| (*host).to_owned()).collect();
        assert_eq!(probe_line(&profile, &TargetPolicy { allowed_hosts, ..TargetPolicy::default() }, options), expected);
    }

    #[test]
    fn the_line_asks_the_same_target_in_the_same_way_and_tells_no_secret() {
        check("", &[], "", "meshload probe --dialect dashboard --trigger user-joined-room --timeout 10s");
        check(
            "[target]\nurl = \"wss://u:${KEY}@a.example/ws/?token=${KEY}\"\nheaders = { Authorization = \"Bearer ${KEY}\" }\n\
             [handshake]\ntrigger = \"peer-ready\"\ntimeout = \"1500ms\"\n[engine]\nkind = \"none\"\n",
            &["a.example"],
            " --ca /keys/ca.pem",
            "meshload probe --target wss://a.example/ws/ --allow-target a.example -H 'Authorization: …' --dialect \
             dashboard --trigger peer-ready --timeout 1500ms --engine none --ca /keys/ca.pem",
        );
        check(
            "[faults]\nrules = [\"drop type=peer-ready\"]\n",
            &[],
            "",
            "meshload probe --dialect dashboard --trigger user-joined-room --timeout 10s --set \
             'faults.rules=[\"drop type=peer-ready\"]'",
        );
    }
}
