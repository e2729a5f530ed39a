//! One handshake, looked at closely: two peers, then three, experiments where something is amiss, and a verdict.

mod curtain;
mod frames;
mod lab;
mod live;
mod remedies;
mod render;
mod repeat;
mod report;
mod trials;
mod world;

pub use curtain::Curtain;
pub use live::{Live, Setup};
pub use render::{html, json, mermaid, text};
pub use report::{Remedy, Repeated, Report, Room};
pub use world::{Line, News, Play, Tidings, World};

use crate::diagnosis::{Asking, Cause, Findings, Story, diagnose};
use crate::dialect::Dialect;
use crate::summary::run::Way;
use crate::vocabulary::choice::{Approval, Initiator, Trigger};
use crate::vocabulary::event::{Part, What};
use crate::vocabulary::failure::Reason;
use crate::vocabulary::ids::Naming;
use crate::vocabulary::message::Kind;
use crate::vocabulary::phase::Phase;
use crate::vocabulary::seed::Seed;
use lab::Lab;
use std::time::Duration;

/// The dialect that the experiments' own frames are of.
const EXPERIMENTS_SPEAK: &str = "dashboard";
/// Between two peers of the first handshakes: the later one finds the earlier one listening.
const GAP: Duration = Duration::from_millis(100);
/// A larger room is tried for as long as all of it keeps within the timeout and 3 s, experiments included: once
/// something is amiss, and it took longer than this to get through all the same, they say more.
const AMISS_MAX: Duration = Duration::from_millis(500);

/// What is to be probed, and how.
#[derive(Clone, Debug)]
pub struct Order {
    /// The prefix of all names on the wire.
    pub run_id: String,
    pub dialect: Dialect,
    /// The rooms that are tried, by their size, until one fails.
    pub sizes: Vec<u16>,
    pub trigger: Trigger,
    pub initiator: Initiator,
    pub settle: Duration,
    pub approval: Approval,
    pub timeout: Duration,
    pub trickle: bool,
    pub seed: Seed,
    pub repeat: Option<Repeat>,
    pub try_remedies: bool,
    /// What is special about the way to the target.
    pub way: Way,
}

/// Fresh handshakes with jittered joins, for what fails only sometimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    Times(u32),
    /// Or until the time is up.
    UntilFailure(Duration),
}

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
    let mut cast = Cast { order, plays: 0 };
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

fn kind_of(dialect: &Dialect, name: &str) -> Option<Kind> {
    Kind::named(&dialect.kinds(), &[name]).first().copied()
}

/// The host first, the others one gap after each other.
fn steady(size: u16) -> Vec<Duration> {
    (0..u32::from(size)).map(|seat| GAP * seat).collect()
}

/// Puts whole peers on stage, again and again, each time under names of their own.
struct Cast<'a> {
    order: &'a Order,
    plays: u32,
}

impl Cast<'_> {
    fn play(
        &mut self,
        lab: &mut Lab<'_>,
        begins: &[Duration],
        trigger: Trigger,
        settle: Duration,
        tell: &mut dyn FnMut(&str),
    ) -> Story {
        self.plays += 1;
        let order = self.order;
        let size = begins.len() as u16;
        let prefix = format!("{}x{}", order.run_id, self.plays);
        let play = Play {
            dialect: order.dialect.clone(),
            naming: Naming::new(prefix.clone(), u32::from(size)),
            room: format!("{prefix}-room"),
            begins: begins.to_vec(),
            trigger,
            initiator: order.initiator,
            settle,
            approval: order.approval,
            timeout: order.timeout + settle,
            trickle: order.trickle,
        };
        let announcements = frames::ANNOUNCEMENTS.iter().filter_map(|name| kind_of(&order.dialect, name)).collect();
        let mut curtain = Curtain::new(Story::new(size, announcements), lab.world.now(), play.longest(), tell);
        lab.world.play(&play, &mut curtain);
        curtain.into_story()
    }
}
