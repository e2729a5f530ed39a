//! Failures in negotiation: finds the lost part of the exchange, and rules out causes by what else arrived.

use super::super::cause::{Cause, Insight};
use super::super::words::AnnouncementChannel;
use super::delivery_index::{DeliveryIndex, Reception, SeenWorking};
use crate::vocabulary::{Seat, SignalPart, format::plural};

pub(super) fn judge(index: &DeliveryIndex<'_>, seen: &SeenWorking, edge: (Seat, Seat)) -> Insight {
    let timeline = index.timeline;
    let directions = [edge, (edge.1, edge.0)];
    let Some((from, to)) = directions.into_iter().find(|(from, to)| timeline.count(*from, *to, SignalPart::Offer) > 0)
    else {
        return Insight::unknown("An offer was begun, and never ready to be said.");
    };
    if timeline.unheard(from, to, SignalPart::Offer) > 0 {
        return offer_lost(index, seen, from, to);
    }
    let (offerer, answerer) = (timeline.number(from), timeline.number(to));
    if timeline.count(to, from, SignalPart::Answer) == 0 {
        let evidence = format!("The offer of peer {offerer} reached peer {answerer}, which made no answer.");
        return Insight::unknown(evidence);
    }
    if timeline.unheard(to, from, SignalPart::Answer) > 0 {
        return answer_lost(index, to, from);
    }
    Insight::unknown(format!("Offer and answer of peer {offerer} and peer {answerer} arrived, and too late."))
}

fn answer_lost(index: &DeliveryIndex<'_>, from: Seat, to: Seat) -> Insight {
    let timeline = index.timeline;
    let (answerer, offerer) = (timeline.number(from), timeline.number(to));
    let lost = format!("The answer of peer {answerer} to peer {offerer} was said and never arrived");
    let candidates = timeline.count(from, to, SignalPart::Candidate);
    if candidates > 0 && timeline.heard_by(from, to, SignalPart::Candidate) == 0 {
        return Insight::likely(
            &[Cause::NoAnswer],
            format!("{lost}, nor did {} of it.", plural(candidates as u64, "candidate")),
        )
        .and("A server that drops all that this peer says looks the same.");
    }
    Insight::high(Cause::NoAnswer, format!("{lost}."))
}

fn offer_lost(index: &DeliveryIndex<'_>, seen: &SeenWorking, from: Seat, to: Seat) -> Insight {
    let timeline = index.timeline;
    let (offerer, hearer) = (timeline.number(from), timeline.number(to));
    let lost = format!("The offer of peer {offerer} to peer {hearer} was said and never arrived");
    if index.signals(from, to) > 0 {
        let evidence = format!("{lost}; what peer {offerer} said to it after that did");
        return match index.loses_first_offers() {
            true => Insight::likely(&[Cause::LostFirstOffer], format!("{evidence}.")),
            false => Insight::unknown(format!("{evidence}. Not each peer lacks its first offer, and no other.")),
        };
    }
    let more_said = timeline.count(from, to, SignalPart::Candidate) > 0;
    let hears_nothing = [AnnouncementChannel::Rooms, AnnouncementChannel::Chat]
        .into_iter()
        .all(|channel| index.reception(channel, from, to) != Reception::Heard);
    if hears_nothing && let Some(ready) = index.deaf_to(from, to) {
        let ready = timeline.number(ready);
        return Insight::unknown(format!("{lost}, nor did anything else that peer {offerer} said.")).and(format!(
            "What it said to peer {ready}, which received others by then, was lost, too: it is no late subscription."
        ));
    }
    if hears_nothing {
        let evidence =
            format!("{lost}, nor did anything else that peer {offerer} said; peer {hearer} had just joined.");
        if !seen.signaling && timeline.texts().next().is_none() {
            return Insight::likely(&[Cause::Timing, Cause::Connection, Cause::Dialect], evidence).and(
                "In no traced room did any offer, answer or candidate arrive; a server that alters whom they are for looks \
                 the same from a run.",
            );
        }
        let causes: &[Cause] = if more_said { &[Cause::Timing] } else { &[Cause::Timing, Cause::LostFirstOffer] };
        return Insight::likely(causes, evidence);
    }
    if seen.signaling {
        return match index.signals_to(to) > 0 && !more_said {
            true => {
                Insight::likely(&[Cause::LostFirstOffer], format!("{lost}; other parts of negotiations reached it."))
            }
            false => Insight::unknown(format!("{lost}; in other rooms negotiations get through.")),
        };
    }
    if more_said {
        let evidence = format!("{lost}, nor did its candidates; in no traced room did any offer, answer or candidate.");
        return Insight::likely(&[Cause::ChannelIsolation], evidence);
    }
    let evidence =
        format!("{lost}; nothing else was said on its channel that would tell a lost message from a lost channel.");
    Insight::likely(&[Cause::LostFirstOffer, Cause::ChannelIsolation], evidence)
}
