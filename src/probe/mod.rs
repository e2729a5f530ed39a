//! One handshake, looked at closely: two peers, then three, experiments where something is amiss, and a verdict.

mod cast;
mod curtain;
mod frames;
mod lab;
mod live;
mod order;
mod remedies;
mod render;
mod repeat;
mod report;
mod trials;
mod world;

pub use curtain::Curtain;
pub use live::{Live, Setup};
pub use order::{Order, Repeat};
pub use render::{html, json, mermaid, text};
pub use report::{Remedy, Repeated, Report, Room};
pub use world::{Line, News, Play, Tidings, World};

use crate::diagnosis::{Asking, Cause, Findings, Story, diagnose};
use crate::dialect::Dialect;
use crate::vocabulary::event::{Part, What};
use crate::vocabulary::failure::Reason;
use crate::vocabulary::phase::Phase;
use cast::{Cast, kind_of, steady};
use lab::Lab;
use order::EXPERIMENTS_SPEAK;
use std::time::Duration;

/// A larger room is tried for as long as all of it keeps within the timeout and 3 s, experiments included: once
/// something is amiss, and it took longer than this to get through all the same, they say more.
const AMISS_MAX: Duration = Duration::from_millis(500);

/// Probes, and tells each step as it is done.
pub fn probe(world: &mut dyn World, order: &Order, tell: &mut dyn FnMut(&str)) -> Report {
    let mut findings = Findings { asking: Asking::of(&order.dialect.kinds()), ..Findings::default() };
    let mut lab = match Lab::open(world, &order.run_id, order.timeout) {
        Ok(lab) => lab,
        Err(failure) => {
            tell(&format!("no connection: {failure}"));
            findings.refused = Some(failure);
            return Report::new(order, findings, vec![], None);
        }
    };
    let mut cast = Cast::new(order);
    for size in order.sizes.iter().copied() {
        tell(&format!("{size} peers"));
        let began = lab.world.now();
        let story = cast.play(&mut lab, &steady(size), order.trigger, order.settle, tell);
        let works = story.opened() == story.planned();
        let limps = is_amiss(&story) && lab.world.now().saturating_duration_since(began) > AMISS_MAX;
        findings.stories.push(story);
        if !works || limps {
            break;
        }
    }
    let repeated = order.repeat.filter(|_| is_sound(&findings)).map(|repeat| {
        let (repeated, failed) = repeat::repeat(&mut cast, &mut lab, repeat, tell);
        findings.stories.extend(failed);
        repeated
    });
    if order.dialect.name() == EXPERIMENTS_SPEAK {
        experiment(&mut lab, order, &mut findings, tell);
    }
    let unsound = diagnose(&findings).cause != Cause::None;
    let remedies = if order.try_remedies && unsound { remedies::try_all(&mut cast, &mut lab, tell) } else { vec![] };
    Report::new(order, findings, remedies, repeated)
}

/// Runs what experiments the handshakes call for.
fn experiment(lab: &mut Lab<'_>, order: &Order, findings: &mut Findings, tell: &mut dyn FnMut(&str)) {
    if findings.stories.iter().any(was_turned_away) {
        return;
    }
    if findings.stories.iter().any(is_amiss) {
        tell("something is amiss: experiments with connections of the probe's own");
        findings.trials = Some(trials::trials(lab));
    }
    if is_sound(findings) && diagnose(findings).cause == Cause::None {
        if findings.stories.iter().any(|story| saw_a_list(story, &order.dialect)) {
            findings.roster = trials::roster(lab);
        }
        findings.fanout = trials::fanout(lab);
    }
}

/// Every channel opened.
fn is_sound(findings: &Findings) -> bool {
    findings.stories.iter().all(|story| story.opened() == story.planned())
}

/// A channel stayed shut, or something said was not heard.
fn is_amiss(story: &Story) -> bool {
    let mut directions = story.directions();
    let unheard = directions.any(|(own, other)| {
        let (said, lost) = (story.count(own, other, Part::Candidate), story.unheard(own, other, Part::Candidate));
        (said > 0 && said == lost) || story.altered(own, other).is_some()
    });
    story.opened() < story.planned() || unheard || !story.losses().is_empty()
}

/// The server's no says all there is to say.
fn was_turned_away(story: &Story) -> bool {
    story.refusal().is_some_and(|failure| failure.phase == Phase::Connect || failure.reason == Reason::Rejected)
}

fn saw_a_list(story: &Story, dialect: &Dialect) -> bool {
    let list = kind_of(dialect, frames::ROOM_LIST);
    story.events().iter().any(|event| matches!(event.what, What::Frame { kind, .. } if Some(kind) == list))
}
