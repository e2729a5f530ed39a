//! The three known remedies (protocol.md), tried against the target as it is.

use super::cast::{Cast, steady};
use super::frames::{self, Address};
use super::lab::Lab;
use super::order::EXPERIMENTS_SPEAK;
use super::report::Remedy;
use crate::diagnosis::{Outcome, Word};
use crate::vocabulary::choice::Trigger;
use std::time::Duration;

/// Long enough for a subscription that is late to be in force.
const SETTLE: Duration = Duration::from_millis(1_500);

pub fn try_all(cast: &mut Cast<'_>, lab: &mut Lab<'_>, tell: &mut dyn FnMut(&str)) -> Vec<Remedy> {
    let mut remedies = vec![];
    if cast.order.dialect.name() == EXPERIMENTS_SPEAK {
        tell("remedy: one channel for all room messages");
        remedies.push(one_channel(lab));
    }
    tell("remedy: settle before peer-ready");
    let name = format!("settle {SETTLE:?} before peer-ready");
    remedies.push(played(cast, lab, name, cast.order.trigger, SETTLE));
    tell("remedy: start from user-joined-room");
    let name = "start from user-joined-room instead of peer-ready".to_owned();
    remedies.push(played(cast, lab, name, Trigger::UserJoinedRoom, cast.order.settle));
    remedies
}

/// Says peer-ready on the rooms channel, to a connection that is as fresh as a newcomer's.
fn one_channel(lab: &mut Lab<'_>) -> Remedy {
    let heard = lab.fresh().and_then(|line| {
        lab.subscribe(line);
        lab.enter(line);
        let haste = lab.haste();
        lab.ping(line, haste);
        let address: Address = lab.address();
        lab.world.say(lab.sender, frames::frame_on(frames::ROOMS, Word::Ready, &address));
        let patience = lab.patience();
        let heard = lab.listen(line, patience, |text| frames::recognise(text, &address));
        lab.world.hang_up(line);
        heard
    });
    let worked = matches!(&heard, Some(((Word::Ready, Outcome::Renamed(name)), _)) if name == frames::ROOMS);
    let detail = match worked {
        true => "peer-ready, said on the rooms channel, reaches a connection that has just subscribed",
        false => "peer-ready does not arrive on the rooms channel either",
    };
    Remedy { remedy: "one channel for all room messages".to_owned(), worked, detail: detail.to_owned() }
}

fn played(cast: &mut Cast<'_>, lab: &mut Lab<'_>, remedy: String, trigger: Trigger, settle: Duration) -> Remedy {
    let story = cast.play(lab, &steady(2), trigger, settle, &mut |_| {});
    let worked = story.opened() == story.planned();
    let detail = match story.worst_edge() {
        _ if worked => "the channel opened".to_owned(),
        Some((_, _, failure)) => format!("no channel: {failure}"),
        None => "no channel".to_owned(),
    };
    Remedy { remedy, worked, detail }
}
