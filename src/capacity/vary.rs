//! The setting of a profile that a search varies, and the profile at a given load.

use crate::profile::{ArrivalStage, MessagePattern, Profile, Size};
use crate::vocabulary::EngineKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The setting that grows from probe to probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Vary {
    /// More rooms in the same time: arrival rates grow with the number of rooms.
    Rooms,
    /// Larger rooms in the same time: arrival rates grow with the number of peers.
    RoomSize,
    /// The same rooms, arriving faster; the same rooms are the warm-up.
    Arrivals,
    /// More messages per second on each channel.
    MessageRate,
}

impl Vary {
    pub const ALL: [Self; 4] = [Self::Rooms, Self::RoomSize, Self::Arrivals, Self::MessageRate];

    pub fn name(self) -> &'static str {
        match self {
            Self::Rooms => "rooms",
            Self::RoomSize => "room-size",
            Self::Arrivals => "arrivals",
            Self::MessageRate => "message-rate",
        }
    }

    pub fn is_whole(self) -> bool {
        matches!(self, Self::Rooms | Self::RoomSize)
    }

    /// The smallest load; a mesh needs two peers.
    pub fn least(self) -> f64 {
        match self {
            Self::Rooms => 1.0,
            Self::RoomSize => 2.0,
            // As in a profile.
            Self::Arrivals | Self::MessageRate => 1.0 / 3600.0,
        }
    }

    /// The largest load that a plan can have.
    pub fn most(self, profile: &Profile) -> f64 {
        match self {
            Self::Rooms => f64::from(u32::MAX) / f64::from(sizes(profile).max),
            Self::RoomSize => 10_000.0,
            Self::Arrivals | Self::MessageRate => 1e6,
        }
    }

    /// The profile's own load.
    ///
    /// # Errors
    /// One sentence on why the profile has no such load.
    pub fn load_of(self, profile: &Profile) -> Result<f64, String> {
        match self {
            Self::Rooms => Ok(f64::from(profile.room_count)),
            Self::RoomSize if profile.scenarios.iter().any(|scenario| scenario.rooms.size != sizes(profile)) => {
                Err("--vary room-size: the scenarios have rooms of their own sizes; vary rooms or arrivals".to_owned())
            }
            Self::RoomSize => Ok(f64::from(sizes(profile).max)),
            Self::Arrivals => fastest(&profile.arrivals)
                .ok_or_else(|| "--vary arrivals: the arrivals are one burst, which has no rate to vary".to_owned()),
            Self::MessageRate if profile.engine.kind == EngineKind::None => {
                Err("--vary message-rate: the engine none opens no channels, so no messages are sent".to_owned())
            }
            Self::MessageRate if profile.phases.steady.is_zero() => {
                Err("--vary message-rate: the steady phase, in which messages are sent, is 0s: give it some --duration"
                    .to_owned())
            }
            Self::MessageRate => match message_rates(profile)[..] {
                [rate] => Ok(rate),
                [] => Err("--vary message-rate: the profile sends no messages".to_owned()),
                _ => {
                    Err("--vary message-rate: the scenarios have rates of their own; vary rooms or arrivals".to_owned())
                }
            },
        }
    }

    /// The profile at `load`, which is from `least` to `most`.
    pub fn apply(self, profile: &Profile, load: f64) -> Profile {
        let mut changed = profile.clone();
        match self {
            Self::Rooms => {
                changed.room_count = load as u32;
                scale(&mut changed.arrivals, load / f64::from(profile.room_count));
            }
            Self::RoomSize => {
                let size = load as u16;
                let before = f64::from(sizes(profile).min) + f64::from(sizes(profile).max);
                for scenario in &mut changed.scenarios {
                    scenario.rooms.size = Size { min: size, max: size };
                }
                scale(&mut changed.arrivals, 2.0 * load / before);
            }
            Self::Arrivals => {
                if let Some(before) = fastest(&profile.arrivals) {
                    scale(&mut changed.arrivals, load / before);
                    changed.phases.warmup = profile.phases.warmup.mul_f64(before / load);
                }
            }
            Self::MessageRate => changed.scenarios.iter_mut().for_each(|scenario| scenario.messages.rate = load),
        }
        changed
    }

    /// The load for people: `210 rooms of 4`, `10 rooms of 12`, `40 peers/s`, `3 messages/s on each channel`.
    pub fn label(self, profile: &Profile, load: f64) -> String {
        let figure = figure(load);
        match self {
            Self::Rooms => {
                let (Size { min, max }, rooms) = (sizes(profile), if load == 1.0 { "room" } else { "rooms" });
                if min == max {
                    format!("{figure} {rooms} of {min}")
                } else {
                    format!("{figure} {rooms} of {min} to {max}")
                }
            }
            Self::RoomSize => format!("{} rooms of {figure}", profile.room_count),
            Self::Arrivals => format!("{figure} peers/s"),
            Self::MessageRate => format!("{figure} messages/s on each channel"),
        }
    }

    /// The load without its context, after a `label`: `147`, `rooms of 8`, `28 peers/s`.
    pub fn short_label(self, load: f64) -> String {
        let figure = figure(load);
        match self {
            Self::Rooms => figure,
            Self::RoomSize => format!("rooms of {figure}"),
            Self::Arrivals => format!("{figure} peers/s"),
            Self::MessageRate => format!("{figure} messages/s"),
        }
    }

    /// The options of `meshload run` for the load of `changed`, a result of `apply`; `None` for a curve of several stages,
    /// which no option can scale.
    pub fn options(self, changed: &Profile) -> Option<String> {
        let arrivals = match changed.arrivals[..] {
            [ArrivalStage::Constant { rate, lasts: None } | ArrivalStage::Poisson { rate, lasts: None }] => {
                format!(" --arrivals {rate}/s")
            }
            [ArrivalStage::Burst { .. }] => String::new(),
            _ => return None,
        };
        Some(match self {
            Self::Rooms => format!("--rooms {}{arrivals}", changed.room_count),
            Self::RoomSize => format!("--room-size {}{arrivals}", sizes(changed).max),
            Self::Arrivals if changed.phases.warmup.is_zero() => arrivals.trim().to_owned(),
            Self::Arrivals => format!("{} --warmup {}us", arrivals.trim(), changed.phases.warmup.as_micros()),
            Self::MessageRate => format!("--set messages.rate={}/s", message_rates(changed).first()?),
        })
    }
}

/// The smallest and the largest room of all scenarios.
fn sizes(profile: &Profile) -> Size {
    let all = profile.scenarios.iter().map(|scenario| scenario.rooms.size);
    all.reduce(|one, other| Size { min: one.min.min(other.min), max: one.max.max(other.max) })
        .unwrap_or(Size { min: 2, max: 2 })
}

/// The different rates of the scenarios that send messages.
fn message_rates(profile: &Profile) -> Vec<f64> {
    let messages = profile.scenarios.iter().map(|scenario| &scenario.messages);
    let sending = messages.filter(|messages| messages.pattern != MessagePattern::None && messages.rate > 0.0);
    let mut rates: Vec<_> = sending.map(|messages| messages.rate).collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    rates
}

/// Formats a load: three significant digits unless it is a whole number.
pub(super) fn figure(load: f64) -> String {
    if load.fract() == 0.0 {
        return format!("{load}");
    }
    let decimals = (2 - load.abs().log10().floor() as i32).clamp(0, 6) as usize;
    format!("{load:.decimals$}")
}

/// The highest rate of the curve, in peers per second; `None` for a burst.
fn fastest(stages: &[ArrivalStage]) -> Option<f64> {
    let rate = |stage: &ArrivalStage| match *stage {
        ArrivalStage::Constant { rate, .. } | ArrivalStage::Poisson { rate, .. } => Some(rate),
        ArrivalStage::Ramp { from, to, .. } => Some(from.max(to)),
        ArrivalStage::Burst { .. } => None,
    };
    stages.iter().filter_map(rate).reduce(f64::max).filter(|rate| *rate > 0.0)
}

fn scale(stages: &mut [ArrivalStage], factor: f64) {
    for stage in stages {
        match stage {
            ArrivalStage::Constant { rate, .. } | ArrivalStage::Poisson { rate, .. } => *rate *= factor,
            ArrivalStage::Ramp { from, to, .. } => {
                *from *= factor;
                *to *= factor;
            }
            ArrivalStage::Burst { peers } => {
                *peers = peers.map(|peers| (f64::from(peers) * factor).round().max(1.0) as u32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{ProfileSource, read};
    use std::time::Duration;

    fn profile(text: &str) -> Profile {
        read(ProfileSource { name: "t", text }, &[], &|_| None).unwrap()
    }

    /// Checks `vary` at `load` for ten rooms of four that arrive at 20/s: rooms, size, peers per second.
    fn check(vary: Vary, load: f64, expected: (u32, u16, f64)) {
        let changed = vary.apply(&profile("[rooms]\ncount = 10\nsize = 4\n[arrivals]\nrate = \"20/s\""), load);
        let ArrivalStage::Constant { rate, .. } = changed.arrivals[0] else { panic!("{:?}", changed.arrivals) };
        assert_eq!((changed.room_count, sizes(&changed).max, rate), expected);
    }

    #[test]
    fn more_or_larger_rooms_arrive_in_the_same_time() {
        check(Vary::Rooms, 30.0, (30, 4, 60.0));
        check(Vary::RoomSize, 8.0, (10, 8, 40.0));
    }

    #[test]
    fn arrivals_change_the_rate_alone() {
        check(Vary::Arrivals, 50.0, (10, 4, 50.0));
    }

    #[test]
    fn arrivals_that_are_faster_keep_the_rooms_of_the_warm_up() {
        let ten = profile("[rooms]\ncount = 10\n[arrivals]\nrate = \"20/s\"\n[phases]\nwarmup = \"1s\"");
        let faster = Vary::Arrivals.apply(&ten, 80.0);
        assert_eq!(faster.phases.warmup, Duration::from_millis(250));
        assert_eq!(Vary::Arrivals.options(&faster).unwrap(), "--arrivals 80/s --warmup 250000us");
    }

    #[test]
    fn a_burst_has_no_rate_to_vary_and_silence_none_either() {
        assert!(Vary::Arrivals.load_of(&profile("[arrivals]\nshape = \"burst\"")).is_err());
        assert!(Vary::MessageRate.load_of(&profile("[messages]\npattern = \"none\"")).is_err());
        assert!(Vary::MessageRate.load_of(&profile("[engine]\nkind = \"none\"")).is_err());
        assert!(Vary::MessageRate.load_of(&profile("[phases]\nsteady = \"0s\"")).is_err());
        assert_eq!(Vary::MessageRate.load_of(&profile("")), Ok(2.0));
    }

    #[test]
    fn a_load_is_said_as_people_would() {
        let ten = profile("");
        assert_eq!(Vary::Rooms.label(&ten, 210.0), "210 rooms of 4");
        assert_eq!(Vary::Arrivals.label(&ten, 41.4214), "41.4 peers/s");
        assert_eq!(Vary::Rooms.options(&Vary::Rooms.apply(&ten, 30.0)).unwrap(), "--rooms 30 --arrivals 60/s");
    }
}
