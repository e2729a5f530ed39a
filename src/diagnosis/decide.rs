//! The decision table of docs/spec/protocol.md, "The causes": the first row that holds names the cause.

mod dialect;
mod failures;
mod repeated_words;

pub(super) use failures::of_failure;

use super::Conclusion;
use super::cause::{Cause, Confidence, SupportedCause};
use super::observations::{
    CheckedMessage, DeliveryCheck, Experiments, Fanout, Observations, RosterTrial, TrialOutcome,
};
use super::timeline::Timeline;
use super::words::join_request::JoinRequest;
use crate::vocabulary::{Failure, Phase, Reason, Seat, SignalPart};
use failures::close_in_words;
use std::time::Duration;

/// Most time that a further subscriber may add to a delivery; a relay's own work for one frame takes less.
const SLOPE_MAX: Duration = Duration::from_micros(1_500);

/// Least difference of the two means, in standard errors: on far targets, chance alone gives less.
const STANDARD_ERRORS_MIN: f64 = 5.0;

/// The conclusion of the first row that holds; `Cause::None` if every edge opened and no row does.
pub fn diagnose(findings: &Observations) -> Conclusion {
    let failed = findings.timelines.iter().find(|timeline| timeline.opened() < timeline.planned());
    let case = this_machine(findings)
        .or_else(|| {
            failed.and_then(|timeline| dialect::wrong(timeline, findings.elsewhere.as_deref(), &findings.words))
        })
        .or_else(|| failed.and_then(|timeline| dialect::flawed(timeline, &findings.words)))
        .or_else(|| refusal(findings))
        .or_else(|| findings.trials.as_ref().and_then(table))
        .or_else(|| findings.trials.as_ref().and_then(delivery_checks))
        .or_else(|| findings.timelines.iter().find_map(rewritten))
        .or_else(|| findings.repeat.as_ref().and_then(|timeline| repeated_words::judge(timeline, &findings.words)))
        .or_else(|| failed.and_then(|timeline| dialect::unmatched(timeline, &findings.words)))
        .or_else(|| failed.and_then(|timeline| not_admitted(findings, timeline)))
        .or_else(|| failed.and_then(|timeline| trace(timeline, findings.trials.is_some())))
        .or_else(|| findings.timelines.iter().find_map(altered_candidates))
        .or_else(|| findings.timelines.iter().find_map(candidates))
        .or_else(|| findings.roster.as_ref().and_then(roster))
        .or_else(|| findings.fanout.as_ref().and_then(fanout))
        .unwrap_or_else(|| no_row_holds(findings, failed));
    let SupportedCause { cause, confidence, mut evidence } = case;
    if let (Some(two), Some(timeline)) = (findings.timelines.first(), failed)
        && timeline.size() > two.size()
    {
        evidence.push(format!("A room of {} works; in one of {} it fails.", two.size(), timeline.size()));
    }
    Conclusion { cause, phase: failed.and_then(phase), confidence, evidence, remedy: cause.remedy().to_owned() }
}

fn phase(timeline: &Timeline) -> Option<Phase> {
    let of_peer = timeline.refusal().map(|failure| failure.phase);
    of_peer.or_else(|| timeline.worst_edge().map(|(_, _, failure)| failure.phase))
}

/// A limit of this machine, which comes before any other cause.
fn this_machine(findings: &Observations) -> Option<SupportedCause> {
    let failure = findings.timelines.iter().find_map(Timeline::refusal)?;
    (failure.reason == Reason::GeneratorLimit).then(|| SupportedCause {
        cause: Cause::Unknown,
        confidence: Confidence::Low,
        evidence: vec![failure_sentence(&failure)],
    })
}

/// A peer could not connect, or was rejected.
fn refusal(findings: &Observations) -> Option<SupportedCause> {
    let failure = findings.timelines.iter().find_map(Timeline::refusal)?;
    let cause = of_failure(&failure)?;
    let mut evidence = vec![failure_sentence(&failure)];
    evidence.extend(close_in_words(&failure.detail).map(str::to_owned));
    if cause == Cause::WrongDialect {
        evidence.push("An HTTP answer to an upgrade: there is no WebSocket at that path.".to_owned());
    }
    Some(SupportedCause { cause, confidence: Confidence::High, evidence })
}

fn failure_sentence(failure: &Failure) -> String {
    let detail = if failure.detail.is_empty() { String::new() } else { format!(": {}", failure.detail) };
    format!("A peer failed in phase {} ({}{detail}).", failure.phase.name(), failure.reason.name())
}

/// The rows of the table whose cause is the channel, the time or the connection.
fn table(trials: &Experiments) -> Option<SupportedCause> {
    let Experiments { aged, again, fresh_sender, fresh_receiver, .. } = trials;
    if let Some(name) = aged.chat_renamed() {
        let evidence = vec![
            format!("peer-ready was said on webrtc-dashboard-chat, and reached its subscriber as {name}."),
            arrived("Between two connections subscribed for over 1.5 s", aged),
        ];
        return Some(SupportedCause { cause: Cause::ChannelMismatch, confidence: Confidence::High, evidence });
    }
    if !aged.chat_arrives() {
        return Some(chat_never_arrives(trials, again.as_ref()));
    }
    let sender_heard = fresh_sender.as_ref().is_none_or(DeliveryCheck::chat_arrives);
    let receiver_hears = fresh_receiver.as_ref().is_none_or(DeliveryCheck::chat_arrives);
    let aged_evidence =
        "peer-ready arrives between two connections that have been subscribed for over 1.5 s.".to_owned();
    match (sender_heard, receiver_hears) {
        (true, true) => None,
        (true, false) => Some(SupportedCause {
            cause: Cause::Timing,
            confidence: Confidence::High,
            evidence: vec![
                "The same peer-ready does not reach a connection that has just subscribed.".to_owned(),
                "What a fresh connection says is heard, so its frames do get through.".to_owned(),
                aged_evidence,
            ],
        }),
        (false, true) => Some(SupportedCause {
            cause: Cause::Connection,
            confidence: Confidence::High,
            evidence: vec![
                "What a fresh connection says is never heard; what it is told arrives.".to_owned(),
                aged_evidence,
            ],
        }),
        (false, false) => Some(fresh_fails_both_ways(trials, aged_evidence)),
    }
}

/// The chat channel never arrives between aged connections.
fn chat_never_arrives(trials: &Experiments, again: Option<&DeliveryCheck>) -> SupportedCause {
    let aged = &trials.aged;
    let heals = again.is_some_and(|again| again.chat_arrives() || (!aged.others_arrive() && again.others_arrive()));
    let line = arrived("Between two connections subscribed for over 1.5 s", aged);
    if aged.others_arrive() && !heals {
        let evidence = vec![
            "peer-ready and participant-joined never arrive on webrtc-dashboard-chat, not even after the receiver \
             subscribed again."
                .to_owned(),
            line,
        ];
        return SupportedCause { cause: Cause::ChannelIsolation, confidence: Confidence::High, evidence };
    }
    let mut evidence = vec![line];
    if heals {
        evidence.insert(0, "Subscribing again later heals it: the first subscription never took effect.".to_owned());
    }
    evidence.push(match trials.ping_aged {
        true => "A ping on the same connection is answered.".to_owned(),
        false => "A ping on the same connection is not answered either.".to_owned(),
    });
    let confidence = match (heals, trials.ping_aged) {
        (true, _) if !aged.others_arrive() => Confidence::High,
        _ => Confidence::Medium,
    };
    SupportedCause { cause: Cause::Connection, confidence, evidence }
}

/// A fresh connection's frames do not arrive, and it receives none.
fn fresh_fails_both_ways(trials: &Experiments, aged_evidence: String) -> SupportedCause {
    let mut evidence = vec!["A fresh connection neither is heard nor hears.".to_owned(), aged_evidence];
    if trials.ping_fresh == Some(false) && trials.ping_aged {
        evidence.insert(0, "A ping right after the connect is not answered; later ones are.".to_owned());
        return SupportedCause { cause: Cause::Connection, confidence: Confidence::High, evidence };
    }
    evidence.push("Timing and connection both fit; two fresh peers alone can't tell them apart.".to_owned());
    SupportedCause { cause: Cause::Unknown, confidence: Confidence::Low, evidence }
}

/// The rows about single messages of the delivery checks; connections and channels work.
fn delivery_checks(trials: &Experiments) -> Option<SupportedCause> {
    let delivery_checks =
        || [Some(&trials.aged), trials.fresh_receiver.as_ref(), trials.fresh_sender.as_ref()].into_iter().flatten();
    let high = |cause, evidence| Some(SupportedCause { cause, confidence: Confidence::High, evidence });
    let aged = &trials.aged;
    if delivery_checks().any(|deliveries| {
        [CheckedMessage::FirstOffer, CheckedMessage::SecondOffer, CheckedMessage::Answer]
            .iter()
            .any(|word| *deliveries.outcome(*word) == TrialOutcome::Altered)
    }) {
        return high(Cause::SdpRewrite, vec!["A description arrived that is not the one that was said.".to_owned()]);
    }
    if delivery_checks()
        .any(|deliveries| deliveries.lost(CheckedMessage::FirstOffer) && !deliveries.lost(CheckedMessage::SecondOffer))
    {
        let evidence = vec!["Of two offers to one connection, the first never arrived and the second did.".to_owned()];
        return high(Cause::LostFirstOffer, evidence);
    }
    if !aged.signaling_arrives() {
        let evidence = vec![
            "Nothing that is said on webrtc-signaling arrives.".to_owned(),
            arrived("Between two connections subscribed for over 1.5 s", aged),
        ];
        return high(Cause::ChannelIsolation, evidence);
    }
    if aged.lost(CheckedMessage::Joined) && trials.again.as_ref().is_none_or(|again| again.lost(CheckedMessage::Joined))
    {
        let mut evidence = vec!["user-joined-room never arrives; peer-ready, said by the same peer, does.".to_owned()];
        evidence.extend((trials.listed == Some(true)).then(|| "The server lists the room.".to_owned()));
        let confidence = if trials.listed == Some(true) { Confidence::High } else { Confidence::Medium };
        return Some(SupportedCause { cause: Cause::SwallowJoin, confidence, evidence });
    }
    if aged.lost(CheckedMessage::Candidate) && !aged.lost(CheckedMessage::SecondOffer) {
        return high(Cause::CandidateDrop, vec!["Offers arrive, webrtc-ice never does.".to_owned()]);
    }
    if aged.lost(CheckedMessage::Answer) && !aged.lost(CheckedMessage::SecondOffer) {
        return high(Cause::NoAnswer, vec!["Offers arrive, webrtc-answer never does.".to_owned()]);
    }
    None
}

/// `Of … arrive: a, b; lost: c.`
fn arrived(between: &str, deliveries: &DeliveryCheck) -> String {
    let names = |lost: bool| {
        let mut names: Vec<_> = deliveries
            .0
            .iter()
            .filter(|delivery| (delivery.outcome == TrialOutcome::Lost) == lost)
            .map(|delivery| delivery.word.kind())
            .collect();
        names.dedup();
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    };
    format!("{between}: arrived {}; lost {}.", names(false), names(true))
}

fn rewritten(timeline: &Timeline) -> Option<SupportedCause> {
    let (own, other, part) =
        timeline.directions().find_map(|(own, other)| Some((own, other, timeline.altered(own, other)?)))?;
    let what = if part == SignalPart::Offer { "offer" } else { "answer" };
    let evidence = vec![format!("The {what} that peer {} heard is not the one that peer {} said.", other.0, own.0)];
    Some(SupportedCause { cause: Cause::SdpRewrite, confidence: Confidence::High, evidence })
}

/// Candidates were sent and none arrived, although descriptions did.
fn candidates(timeline: &Timeline) -> Option<SupportedCause> {
    let described = |own, other| {
        timeline.heard_by(own, other, SignalPart::Offer) + timeline.heard_by(own, other, SignalPart::Answer) > 0
    };
    let (mut said, mut heard) = (0, 0);
    for (own, other) in timeline.directions().filter(|(own, other)| described(*own, *other)) {
        said += timeline.count(own, other, SignalPart::Candidate);
        heard += timeline.heard_by(own, other, SignalPart::Candidate);
    }
    let evidence = vec![format!("{said} candidates were said, and none arrived; descriptions did.")];
    (said > 0 && heard == 0).then_some(SupportedCause {
        cause: Cause::CandidateDrop,
        confidence: Confidence::High,
        evidence,
    })
}

/// Candidates arrived otherwise than they were sent.
fn altered_candidates(timeline: &Timeline) -> Option<SupportedCause> {
    let changes = timeline.altered_candidates(|_, _| true)?;
    let mut evidence = vec![changes.in_words()];
    if timeline.opened() == timeline.planned() {
        evidence.push("The channels opened all the same: these peers forgive it.".to_owned());
    }
    let confidence = if changes.are_only_missing() {
        evidence.push("A dialect whose rule for candidates does not read these fields looks the same.".to_owned());
        Confidence::Low
    } else {
        Confidence::High
    };
    Some(SupportedCause { cause: Cause::AlteredCandidates, confidence, evidence })
}

/// The join request of the first peer that asked and never joined.
fn request(findings: &Observations, timeline: &Timeline) -> Option<JoinRequest> {
    timeline.seats().find_map(|seat| findings.words.join_requests.of_peer(timeline, seat))
}

/// A peer sent a join request and was not admitted.
fn not_admitted(findings: &Observations, timeline: &Timeline) -> Option<SupportedCause> {
    let request = request(findings, timeline)?;
    let evidence = request.evidence(timeline);
    if let JoinRequest::Unanswered { .. } | JoinRequest::AnswerLost { .. } = request {
        return Some(SupportedCause { cause: Cause::NoAnswer, confidence: Confidence::High, evidence: vec![evidence] });
    }
    let aged = &findings.trials.as_ref()?.aged;
    aged.lost(CheckedMessage::Request).then(|| {
        // The experiments send only one message on the access channel.
        let line = arrived("Between two connections subscribed for over 1.5 s", aged);
        SupportedCause {
            cause: Cause::ChannelIsolation,
            confidence: Confidence::Medium,
            evidence: vec![evidence, line],
        }
    })
}

/// The cause that the failed handshake's own events show. `tried`: the experiments ran.
fn trace(timeline: &Timeline, tried: bool) -> Option<SupportedCause> {
    let (one, two, failure) = timeline.worst_edge()?;
    let case = |cause, confidence, evidence| Some(SupportedCause { cause, confidence, evidence: vec![evidence] });
    let offerer = if timeline.count(two, one, SignalPart::Offer) > 0 { (two, one) } else { (one, two) };
    let (from, to) = offerer;
    let names = |own: Seat, other: Seat| format!("peer {} to peer {}", own.0, other.0);
    match failure.phase {
        Phase::Negotiation if timeline.unheard(from, to, SignalPart::Offer) > 0 => {
            let more = if tried { ", though offers between other connections do" } else { "" };
            let confidence = if tried { Confidence::Medium } else { Confidence::Low };
            let evidence = format!("The offer of {} was said and never arrived{more}.", names(from, to));
            case(Cause::LostFirstOffer, confidence, evidence)
        }
        Phase::Negotiation if timeline.unheard(to, from, SignalPart::Answer) > 0 => {
            let evidence = format!("The answer of {} was said and never arrived.", names(to, from));
            case(Cause::NoAnswer, Confidence::High, evidence)
        }
        Phase::Negotiation if timeline.heard_by(from, to, SignalPart::Offer) > 0 => {
            let evidence = format!("The offer of {} arrived, and no answer was made.", names(from, to));
            case(Cause::NoAnswer, Confidence::Medium, evidence)
        }
        Phase::Ice => altered_candidates(timeline).or_else(|| candidates(timeline)).or_else(|| {
            let evidence = format!("Descriptions and candidates were exchanged; {failure}.");
            case(Cause::IceFailed, Confidence::High, evidence)
        }),
        Phase::Dtls => case(Cause::DtlsFailed, Confidence::High, format!("ICE was up; {failure}.")),
        Phase::Channel => case(Cause::ChannelNotOpened, Confidence::High, format!("DTLS was up; {failure}.")),
        _ => None,
    }
}

fn roster(roster: &RosterTrial) -> Option<SupportedCause> {
    (roster.listed && roster.lingers).then(|| SupportedCause {
        cause: Cause::StaleRoster,
        confidence: Confidence::High,
        evidence: vec![
            "A peer was made, and its socket closed without a goodbye: the server still lists it.".to_owned(),
        ],
    })
}

fn fanout(fanout: &Fanout) -> Option<SupportedCause> {
    let (alone, observed) = fanout.fastest();
    let steep = fanout.slope() > SLOPE_MAX;
    // Near a server, the fastest delivery is almost only its work; far from it, only the means can tell.
    let clear = observed > 3 * alone || fanout.standard_errors() > STANDARD_ERRORS_MIN;
    (steep && clear).then(|| SupportedCause {
        cause: Cause::SlowFanout,
        confidence: Confidence::High,
        evidence: vec![format!(
            "A message takes {:.1} ms at best; with {} silent subscribers more, {:.1} ms: {:.1} ms for each.",
            ms(alone),
            fanout.observers,
            ms(observed),
            ms(fanout.slope())
        )],
    })
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// No row of the table holds.
fn no_row_holds(findings: &Observations, failed: Option<&Timeline>) -> SupportedCause {
    let Some(timeline) = failed else {
        let (opened, planned) = findings
            .timelines
            .iter()
            .fold((0, 0), |(opened, planned), timeline| (opened + timeline.opened(), planned + timeline.planned()));
        return SupportedCause {
            cause: Cause::None,
            confidence: Confidence::High,
            evidence: vec![format!("{opened} of {planned} channels opened, and all that was said arrived.")],
        };
    };
    let mut evidence = vec![];
    match timeline.refusal() {
        Some(failure) => evidence.push(failure_sentence(&failure)),
        None => evidence.extend(timeline.worst_edge().map(|(one, two, failure)| {
            format!("The channel between peer {} and peer {} did not open: {failure}.", one.0, two.0)
        })),
    }
    evidence.extend(request(findings, timeline).map(|request| request.evidence(timeline)));
    evidence.push(match (&findings.trials, &findings.repeat) {
        (Some(_), _) => "Every experiment between the probe's own connections came out well: it may fail only \
                         sometimes; --times tells how often."
            .to_owned(),
        (None, Some(timeline)) => repeated_words::without_result(timeline, &findings.words),
        (None, None) => "Missing: experiments; none could be made.".to_owned(),
    });
    SupportedCause { cause: Cause::Unknown, confidence: Confidence::Low, evidence }
}

#[cfg(test)]
mod tests;
