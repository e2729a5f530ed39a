//! The rows about the dialect, which come before those about the server: what was written, what arrived, what a rule took.

use super::super::cause::{Cause, Confidence, Insight};
use super::super::timeline::Timeline;
use super::super::words::Words;
use crate::dialect::{fate, looks_like};
use crate::vocabulary::{
    Concern, EventKind, Failure, FrameKind, FrameNote, FrameNoteKind, NearestRule, PeerEvent, Phase, Reason, Seat,
    SignalPart,
};
use std::sync::Arc;
use std::time::Instant;

/// The frames that are looked at for signs of another protocol.
const FIRST_FRAMES: usize = 3;

/// A shorter frame may be another message that begins alike.
const CUT_BYTES_MIN: usize = 32;

/// A frame that was read, with its rule.
struct ReadFrame<'a> {
    at: Instant,
    concern: Concern,
    text: &'a str,
    rule: Option<&'a str>,
    near: Option<&'a Arc<NearestRule>>,
}

/// The server speaks another protocol: no frame fits, and the first ones are those of another, or are binary.
pub(super) fn wrong(timeline: &Timeline, elsewhere: Option<&str>, words: &Words, failure: &Failure) -> Option<Insight> {
    let frames = || timeline.seats().flat_map(|seat| read(timeline, seat));
    if frames().any(|frame| frame.rule.is_some()) {
        return None;
    }
    let shown = |frame: &str| frame.chars().take(60).collect::<String>();
    let dialect = words.dialect();
    let mut firsts = frames().take(FIRST_FRAMES);
    if let Some((frame, likeness)) = firsts.find_map(|frame| Some((frame.text, looks_like(frame.text)?)))
        && !likeness.dialects.contains(&dialect)
    {
        let says = format!("The first frames look like {}: `{}`.", likeness.protocol, shown(frame));
        return Some(Insight::high(Cause::WrongDialect, says).and(match likeness.dialects {
            [] => format!("{dialect} takes none of them, and no built-in dialect does."),
            fits => format!("{dialect} takes none of them. Try --dialect {}.", fits.join(" or --dialect ")),
        }));
    }
    if let Some((frame, likeness)) = elsewhere.and_then(|frame| Some((frame, looks_like(frame)?))) {
        let says = format!(
            "The target says nothing that {dialect} takes, and where a Socket.IO server would be, it says `{}`.",
            shown(frame)
        );
        let fits = likeness.dialects.join(" or --dialect ");
        return Some(
            Insight::high(Cause::WrongDialect, says)
                .and(format!("That is {}. Try --dialect {fits}.", likeness.protocol)),
        );
    }
    let is_binary = failure.reason == Reason::Protocol && failure.detail.contains("binary frame");
    let says =
        "The server sends binary frames, and this dialect's are text: it uses another parser, such as MessagePack.";
    is_binary.then(|| Insight::high(Cause::WrongDialect, says))
}

/// Adds the rival that a silent server leaves: nothing has shown that it speaks the dialect.
pub(super) fn maybe_wrong(mut insight: Insight, words: &Words) -> Insight {
    let blames_delivery =
        insight.causes.iter().all(|cause| matches!(cause, Cause::Timing | Cause::Connection | Cause::NoAnswer));
    if !blames_delivery {
        return insight;
    }
    insight.causes.push(Cause::WrongDialect);
    insight.confidence = Confidence::Low;
    insight.and(format!(
        "No frame ever came from the server, so nothing shows that it speaks {}: `meshload dialects` lists the others, and \
         `meshload record` shows what a browser says to it.",
        words.dialect()
    ))
}

/// A frame of the failed handshake reached its receiver, and no rule took it; or it was never written.
pub(super) fn flawed(
    timeline: &Timeline,
    words: &Words,
    directions: [(Seat, Seat); 2],
    phase: Phase,
) -> Option<Insight> {
    unwritten(timeline, directions, phase).or_else(|| not_taken(timeline, words, directions, phase))
}

/// A frame reached its receiver as the mere beginning of what was said: nothing that a dialect could change.
pub(super) fn cut_off(timeline: &Timeline, words: &Words, directions: [(Seat, Seat); 2]) -> Option<Insight> {
    for (own, other) in directions {
        for (at, kind, to, text) in written(timeline, own) {
            let is_it = |frame: &ReadFrame<'_>| {
                let bytes = frame.text.len();
                at <= frame.at
                    && frame.rule.is_none()
                    && (CUT_BYTES_MIN..text.len()).contains(&bytes)
                    && text.starts_with(frame.text)
            };
            if to.is_some_and(|to| to != other) {
                continue;
            }
            let Some(frame) = read(timeline, other).find(is_it) else { continue };
            let (own, other) = (timeline.number(own), timeline.number(other));
            let (name, read, said) = (words.name(kind), frame.text.len(), text.len());
            let evidence =
                format!("The `{name}` of peer {own} reached peer {other} cut off: {read} of its {said} bytes arrived.");
            return Some(match text.contains("a=ice-ufrag:") {
                true => Insight::high(Cause::SdpRewrite, evidence),
                false => Insight::unknown(evidence),
            });
        }
    }
    None
}

/// A part that had to be said and that no frame carries, or a value that came out null.
fn unwritten(timeline: &Timeline, directions: [(Seat, Seat); 2], phase: Phase) -> Option<Insight> {
    let is_flaw = |note: &&FrameNote| {
        let concerns = note.shape != "candidate" || phase == Phase::Ice;
        matches!(note.kind, FrameNoteKind::Unwritten | FrameNoteKind::NullValue) && concerns
    };
    let note = notes(timeline, directions).map(|(_, note)| note).find(is_flaw)?;
    let near = note.near.as_ref()?;
    Some(Insight::high(Cause::Dialect, format!("{}: {}.", near.at, near.why)))
}

/// A message whose content is found in a frame that its receiver read, and that took no effect there.
fn not_taken(timeline: &Timeline, words: &Words, directions: [(Seat, Seat); 2], phase: Phase) -> Option<Insight> {
    let parts = [SignalPart::Offer, SignalPart::Answer, SignalPart::Candidate];
    for (own, other) in directions {
        for (at, kind, to, text) in written(timeline, own) {
            if to.is_some_and(|to| to != other) || timeline.is_open(own, other) {
                continue;
            }
            let part = parts.into_iter().find(|part| words.name(kind) == words.signal(*part) && to.is_some());
            let part = part.or_else(|| part_of(text));
            let mark = match part {
                Some(part) if timeline.heard_by(own, other, part) > 0 => continue,
                Some(SignalPart::Candidate) if phase != Phase::Ice => continue,
                Some(part) => match mark_of(part, text) {
                    Some(mark) => mark,
                    None => continue,
                },
                None if words.announces(kind) && phase == Phase::Discovery => text,
                None => continue,
            };
            // A server that tells all hands on what is for others, too: the candidate of a socket is the same for each of them.
            let is_shared = |to: Option<Seat>, text: &str| to.is_some_and(|to| to != other) && text.contains(mark);
            if written(timeline, own).any(|(_, _, to, text)| is_shared(to, text)) {
                continue;
            }
            let is_it = |frame: &ReadFrame<'_>| at <= frame.at && frame.text.contains(mark);
            let Some(frame) = read(timeline, other).find(is_it) else { continue };
            let took_it = matches!(frame.concern, Concern::Me { from: Some(from) } | Concern::Elsewhere { from: Some(from) } if from == own);
            if part.is_none() && took_it {
                continue;
            }
            if frame.rule.is_some() && matches!(frame.concern, Concern::Me { from: None }) && part.is_some() {
                return Some(under_another_id(timeline, words, (own, other, kind)));
            }
            return Some(Insight::high(Cause::Dialect, sentence(timeline, words, (own, other, kind), &frame)));
        }
    }
    None
}

/// A rule took the frame for what it is, from a sender that is no peer of the room: the server or the rule names another.
fn under_another_id(timeline: &Timeline, words: &Words, (own, other, kind): (Seat, Seat, FrameKind)) -> Insight {
    let (own, other, name) = (timeline.number(own), timeline.number(other), words.name(kind));
    let arrived = format!("The `{name}` of peer {own} reached peer {other} under an id that no peer of the room has.");
    Insight::unknown(arrived).and("The server may name another sender, or the rule may read the wrong value.")
}

fn sentence(
    timeline: &Timeline,
    words: &Words,
    (own, other, kind): (Seat, Seat, FrameKind),
    frame: &ReadFrame<'_>,
) -> String {
    let (own, other) = (timeline.number(own), timeline.number(other));
    let arrived =
        format!("The `{}` of peer {own} reached peer {other}, {} bytes of it", words.name(kind), frame.text.len());
    format!("{arrived}, and {}.", fate(frame.rule, frame.near.map(|near| &**near)))
}

/// Frames that no rule takes, and that differ in one value from those of a rule for what the handshake lacks.
pub(super) fn unmatched(
    timeline: &Timeline,
    words: &Words,
    directions: [(Seat, Seat); 2],
    phase: Phase,
) -> Option<Insight> {
    let lacks = match phase {
        Phase::Connect | Phase::Room | Phase::Join | Phase::Discovery => true,
        Phase::Negotiation => [SignalPart::Offer, SignalPart::Answer]
            .iter()
            .any(|part| directions.iter().any(|(own, other)| timeline.unheard(*own, *other, *part) > 0)),
        Phase::Ice => directions.iter().all(|(own, other)| timeline.heard_by(*own, *other, SignalPart::Candidate) == 0),
        Phase::Dtls | Phase::Channel => false,
    };
    let found = || notes(timeline, directions).filter(|(_, note)| note.kind == FrameNoteKind::Unmatched);
    let near = |note: &FrameNote| note.near.clone().filter(|near| near.differences == 1);
    let (seat, note, near) = found().find_map(|(seat, note)| Some((seat, note, near(note)?)))?;
    let evidence = format!(
        "{} frames arrived that no rule takes, such as, at peer {}: {}",
        found().count(),
        timeline.number(seat),
        note.example
    );
    lacks.then(|| {
        let name = words.name(near.kind);
        Insight::likely(&[Cause::Dialect], evidence)
            .and(format!("The rule that comes nearest, for `{name}`, is at {}: {}.", near.at, near.why))
    })
}

/// The part of a negotiation that a frame carries, by its content.
fn part_of(text: &str) -> Option<SignalPart> {
    mark_of(SignalPart::Candidate, text).filter(|_| !text.contains("a=ice-ufrag:")).map(|_| SignalPart::Candidate)
}

/// Text by which a part is found again, whatever frame carries it.
fn mark_of(part: SignalPart, text: &str) -> Option<&str> {
    let (start, ends): (&str, &[char]) = match part {
        SignalPart::Offer | SignalPart::Answer => ("a=ice-ufrag:", &['\\', '"', '\r', '\n']),
        SignalPart::Candidate => ("candidate:", &['\\', '"']),
        SignalPart::End => return None,
    };
    let from = text.find(start)?;
    let rest = &text[from..];
    Some(&rest[..rest.find(ends).unwrap_or(rest.len())])
}

/// The notes of the two peers of an edge.
fn notes(timeline: &Timeline, [(one, two), _]: [(Seat, Seat); 2]) -> impl Iterator<Item = (Seat, &FrameNote)> {
    let of_edge = timeline.texts().filter(move |event| [one, two].contains(&event.place.seat));
    of_edge.filter_map(|event| match &event.kind {
        EventKind::Peer(PeerEvent::Note { note }) => Some((event.place.seat, &**note)),
        _ => None,
    })
}

fn read(timeline: &Timeline, own: Seat) -> impl Iterator<Item = ReadFrame<'_>> {
    let events = timeline.texts().filter(move |event| event.place.seat == own);
    events.filter_map(|event| match &event.kind {
        EventKind::Peer(PeerEvent::Read { concern, text, rule, near, .. }) => {
            Some(ReadFrame { at: event.at, concern: *concern, text, rule: rule.as_deref(), near: near.as_ref() })
        }
        _ => None,
    })
}

fn written(timeline: &Timeline, own: Seat) -> impl Iterator<Item = (Instant, FrameKind, Option<Seat>, &str)> {
    let events = timeline.texts().filter(move |event| event.place.seat == own);
    events.filter_map(|event| match &event.kind {
        EventKind::Peer(PeerEvent::Written { kind, to, text }) => Some((event.at, *kind, *to, &**text)),
        _ => None,
    })
}
