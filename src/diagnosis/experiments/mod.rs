//! Judges the probe's experiments: the table of docs/spec/protocol.md, "The causes", and the rows about single messages.

pub(super) mod observations;
pub(super) mod repeated_words;
pub(super) mod series;
pub(super) mod silent_observer;
#[cfg(test)]
mod tests;

use super::cause::{Cause, Insight};
use observations::{CheckedMessage, DeliveryCheck, Experiments, Fanout, RosterTrial, TrialOutcome};
use std::time::Duration;

/// Most time that a further subscriber may add to a delivery; a relay's own work for one frame takes less.
const SLOPE_MAX: Duration = Duration::from_micros(1_500);

/// Least difference of the two means, in standard errors: on far targets, chance alone gives less.
const STANDARD_ERRORS_MIN: f64 = 5.0;

/// The cause that the first row names that holds; `None` if every experiment came out well.
pub(super) fn judge(trials: &Experiments) -> Option<Insight> {
    table(trials).or_else(|| delivery_checks(trials))
}

/// The rows of the table whose cause is the channel, the time or the connection.
fn table(trials: &Experiments) -> Option<Insight> {
    let Experiments { aged, fresh_sender, fresh_receiver, .. } = trials;
    if let Some(name) = aged.chat_renamed() {
        let evidence = format!("peer-ready was said on webrtc-dashboard-chat, and reached its subscriber as {name}.");
        return Some(Insight::high(Cause::ChannelMismatch, evidence).and(arrived(aged)));
    }
    if !aged.chat_arrives() {
        return Some(chat_never_arrives(trials));
    }
    let sender_heard = fresh_sender.as_ref().is_none_or(DeliveryCheck::chat_arrives);
    let receiver_hears = fresh_receiver.as_ref().is_none_or(DeliveryCheck::chat_arrives);
    let case = match (sender_heard, receiver_hears) {
        (true, true) => return None,
        (true, false) => {
            Insight::high(Cause::Timing, "The same peer-ready does not reach a connection that has just subscribed.")
                .and("What a fresh connection says is heard, so its frames do get through.")
        }
        (false, true) => {
            Insight::high(Cause::Connection, "What a fresh connection says is never heard; what it is told arrives.")
        }
        (false, false) if trials.ping_fresh == Some(false) && trials.ping_aged => {
            Insight::high(Cause::Connection, "A ping right after the connect is not answered; later ones are.")
                .and("A fresh connection neither is heard nor hears.")
        }
        (false, false) => Insight::unknown("A fresh connection neither is heard nor hears.")
            .and("Timing and connection both fit; two fresh peers alone can't tell them apart."),
    };
    Some(case.and("peer-ready arrives between two connections that have been subscribed for over 1.5 s."))
}

/// The chat channel never arrives between aged connections.
fn chat_never_arrives(trials: &Experiments) -> Insight {
    let Experiments { aged, again, .. } = trials;
    let heals =
        again.as_ref().is_some_and(|again| again.chat_arrives() || (!aged.others_arrive() && again.others_arrive()));
    if aged.others_arrive() && !heals {
        let evidence = "peer-ready and participant-joined never arrive on webrtc-dashboard-chat, not even after the \
                        receiver subscribed again.";
        return Insight::high(Cause::ChannelIsolation, evidence).and(arrived(aged));
    }
    let ping = match trials.ping_aged {
        true => "A ping on the same connection is answered.",
        false => "A ping on the same connection is not answered either.",
    };
    let healed = "Subscribing again later heals it: the first subscription never took effect.";
    match (heals, aged.others_arrive()) {
        (true, false) => Insight::high(Cause::Connection, healed).and(arrived(aged)),
        (true, true) => Insight::likely(&[Cause::Connection], healed).and(arrived(aged)),
        (false, _) => Insight::likely(&[Cause::Connection], arrived(aged)),
    }
    .and(ping)
}

/// The rows about single messages of the delivery checks; connections and channels work.
fn delivery_checks(trials: &Experiments) -> Option<Insight> {
    use CheckedMessage::{Answer, Candidate, FirstOffer, Joined, SecondOffer};
    let aged = &trials.aged;
    let mut checks = [Some(aged), trials.fresh_receiver.as_ref(), trials.fresh_sender.as_ref()].into_iter().flatten();
    let is_altered = |check: &DeliveryCheck| {
        [FirstOffer, SecondOffer, Answer].iter().any(|word| *check.outcome(*word) == TrialOutcome::Altered)
    };
    if checks.clone().any(is_altered) {
        let evidence = "A description arrived that is not the one that was said.";
        return Some(Insight::high(Cause::SdpRewrite, evidence));
    }
    if checks.any(|check| check.lost(FirstOffer) && !check.lost(SecondOffer)) {
        let evidence = "Of two offers to one connection, the first never arrived and the second did.";
        return Some(Insight::high(Cause::LostFirstOffer, evidence));
    }
    if !aged.signaling_arrives() {
        let evidence = "Nothing that is said on webrtc-signaling arrives.";
        return Some(Insight::high(Cause::ChannelIsolation, evidence).and(arrived(aged)));
    }
    if aged.lost(Joined) && trials.again.as_ref().is_none_or(|again| again.lost(Joined)) {
        let evidence = "user-joined-room never arrives; peer-ready, said by the same peer, does.";
        return Some(match trials.listed {
            Some(true) => Insight::high(Cause::SwallowJoin, evidence).and("The server lists the room."),
            _ => Insight::likely(&[Cause::SwallowJoin], evidence),
        });
    }
    let only_lost = |word| aged.lost(word) && !aged.lost(SecondOffer);
    if only_lost(Candidate) {
        return Some(Insight::high(Cause::CandidateDrop, "Offers arrive, webrtc-ice never does."));
    }
    only_lost(Answer).then(|| Insight::high(Cause::NoAnswer, "Offers arrive, webrtc-answer never does."))
}

/// `Between … : arrived a, b; lost c.`
pub(super) fn arrived(aged: &DeliveryCheck) -> String {
    let names = |lost: bool| {
        let of_outcome = aged.0.iter().filter(|delivery| (delivery.outcome == TrialOutcome::Lost) == lost);
        let mut names: Vec<_> = of_outcome.map(|delivery| delivery.word.kind()).collect();
        names.dedup();
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    };
    format!("Between two connections subscribed for over 1.5 s: arrived {}; lost {}.", names(false), names(true))
}

pub(super) fn roster(roster: &RosterTrial) -> Option<Insight> {
    let evidence = "A peer was made, and its socket closed without a goodbye: the server still lists it.";
    (roster.listed && roster.lingers).then(|| Insight::high(Cause::StaleRoster, evidence))
}

pub(super) fn fanout(fanout: &Fanout) -> Option<Insight> {
    let (alone, observed) = fanout.fastest();
    let steep = fanout.slope() > SLOPE_MAX;
    // Near a server, the fastest delivery is almost only its work; far from it, only the means can tell.
    let clear = observed > 3 * alone || fanout.standard_errors() > STANDARD_ERRORS_MIN;
    let evidence = format!(
        "A message takes {:.1} ms at best; with {} silent subscribers more, {:.1} ms: {:.1} ms for each.",
        ms(alone),
        fanout.observers,
        ms(observed),
        ms(fanout.slope())
    );
    (steep && clear).then(|| Insight::high(Cause::SlowFanout, evidence))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
