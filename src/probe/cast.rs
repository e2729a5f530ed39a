//! Handshakes of whole peers, one after the other, each under names of its own.

use super::curtain::Curtain;
use super::frames;
use super::lab::Lab;
use super::order::Order;
use super::world::Play;
use crate::diagnosis::Story;
use crate::dialect::Dialect;
use crate::vocabulary::choice::Trigger;
use crate::vocabulary::ids::Naming;
use crate::vocabulary::message::Kind;
use std::time::Duration;

/// Between two peers of the first handshakes: the later one finds the earlier one listening.
const GAP: Duration = Duration::from_millis(100);

/// Puts whole peers on stage, again and again, each time under names of their own.
pub(super) struct Cast<'a> {
    pub order: &'a Order,
    plays: u32,
}

impl<'a> Cast<'a> {
    pub fn new(order: &'a Order) -> Self {
        Self { order, plays: 0 }
    }

    pub fn play(
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

/// The host first, the others one gap after each other.
pub(super) fn steady(size: u16) -> Vec<Duration> {
    (0..u32::from(size)).map(|seat| GAP * seat).collect()
}

pub(super) fn kind_of(dialect: &Dialect, name: &str) -> Option<Kind> {
    Kind::named(&dialect.kinds(), &[name]).first().copied()
}
