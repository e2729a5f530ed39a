//! An offer was made and no answer applied: which part was lost, and what else got through.

use super::super::cause::Cause;
use super::ears::{Channel, Ears, Fate, Pool};
use super::insight::Insight;
use crate::vocabulary::event::Part;
use crate::vocabulary::ids::Seat;

pub(super) fn insight(ears: &Ears<'_>, pool: &Pool, edge: (Seat, Seat)) -> Insight {
    let story = ears.story;
    let directions = [edge, (edge.1, edge.0)];
    let Some((from, to)) = directions.into_iter().find(|(from, to)| story.count(*from, *to, Part::Offer) > 0) else {
        return Insight::unknown("An offer was begun, and never ready to be said.");
    };
    if story.unheard(from, to, Part::Offer) > 0 {
        return offer_lost(ears, pool, from, to);
    }
    let (offerer, answerer) = (story.number(from), story.number(to));
    if story.count(to, from, Part::Answer) == 0 {
        let evidence = format!("The offer of peer {offerer} reached peer {answerer}, which made no answer.");
        return Insight::unknown(evidence);
    }
    if story.unheard(to, from, Part::Answer) > 0 {
        let evidence = format!("The answer of peer {answerer} to peer {offerer} was said and never arrived.");
        return Insight::new(&[Cause::NoAnswer], evidence);
    }
    Insight::unknown(format!("Offer and answer of peer {offerer} and peer {answerer} arrived, and too late."))
}

fn offer_lost(ears: &Ears<'_>, pool: &Pool, from: Seat, to: Seat) -> Insight {
    let story = ears.story;
    let (offerer, hearer) = (story.number(from), story.number(to));
    let lost = format!("The offer of peer {offerer} to peer {hearer} was said and never arrived");
    if ears.signals(from, to) > 0 {
        let evidence = format!("{lost}; what peer {offerer} said to it after that did.");
        return Insight::new(&[Cause::LostFirstOffer], evidence);
    }
    let more_said = story.count(from, to, Part::Candidate) > 0;
    let is_deaf =
        [Channel::Rooms, Channel::Chat].into_iter().all(|channel| ears.fate(channel, from, to) != Fate::Heard);
    if is_deaf {
        let evidence =
            format!("{lost}, nor did anything else that peer {offerer} said; peer {hearer} had just joined.");
        let causes: &[Cause] = if more_said { &[Cause::Timing] } else { &[Cause::Timing, Cause::LostFirstOffer] };
        return Insight::new(causes, evidence);
    }
    if pool.signaling {
        return match ears.signals_to(to) > 0 && !more_said {
            true => Insight::new(&[Cause::LostFirstOffer], format!("{lost}; other parts of negotiations reached it.")),
            false => Insight::unknown(format!("{lost}; in other rooms negotiations get through.")),
        };
    }
    if more_said {
        let evidence = format!("{lost}, nor did its candidates; in no traced room did anything on webrtc-signaling.");
        return Insight::new(&[Cause::ChannelIsolation], evidence);
    }
    let evidence =
        format!("{lost}; nothing else was said on its channel that would tell a lost message from a lost channel.");
    Insight::new(&[Cause::LostFirstOffer, Cause::ChannelIsolation], evidence)
}
