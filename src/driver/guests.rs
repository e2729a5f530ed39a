//! Assigns seats after the room's own to guests: peers of other programs, known by their ids.

use crate::vocabulary::{EdgeEvent, EventKind, Heard, Seat, Signal};

/// One peer's view of its room's guests.
#[derive(Debug, Default)]
pub(super) struct GuestSeats {
    /// The first guest's seat: the room's size.
    first: u16,
    seats: Vec<Guest>,
}

#[derive(Clone, Debug, Default)]
struct Guest {
    id: Option<String>,
    /// The guest has left or its channel is closed, so another may take the seat.
    gone: bool,
}

impl GuestSeats {
    pub(super) fn new(room_size: u16, admitted: u16) -> Self {
        Self { first: room_size, seats: vec![Guest::default(); usize::from(admitted)] }
    }

    pub(super) fn seat(&self, id: &str) -> Option<Seat> {
        let index = self.seats.iter().position(|guest| guest.id.as_deref() == Some(id))?;
        Some(Seat(self.first + index as u16))
    }

    pub(super) fn id(&self, seat: Seat) -> Option<String> {
        self.seats.get(usize::from(seat.0.checked_sub(self.first)?))?.id.clone()
    }

    /// Assigns a seat to a new guest; true if the edge of that seat had ended before, by a leave or a timeout. `None` if
    /// every seat is taken.
    pub(super) fn admit(&mut self, id: &str) -> Option<(Seat, bool)> {
        let find = |fits: &dyn Fn(&Guest) -> bool| self.seats.iter().position(fits);
        let own = find(&|guest| guest.gone && guest.id.as_deref() == Some(id));
        let index = own.or_else(|| find(&|guest| guest.id.is_none())).or_else(|| find(&|guest| guest.gone))?;
        let before = std::mem::replace(&mut self.seats[index], Guest { id: Some(id.to_owned()), gone: false });
        Some((Seat(self.first + index as u16), before.gone))
    }

    /// A guest of this id was here, and is gone.
    pub(super) fn has_gone(&self, id: &str) -> bool {
        self.seats.iter().any(|guest| guest.gone && guest.id.as_deref() == Some(id))
    }

    /// Marks the guest of an edge that ended, and returns its id.
    pub(super) fn observe(&mut self, what: &EventKind) -> Option<&str> {
        let (EventKind::Edge { other, event: EdgeEvent::NoticedLeave }
        | EventKind::Edge { other, event: EdgeEvent::Closed { .. } }
        | EventKind::Edge { other, event: EdgeEvent::Failed { .. } }) = what
        else {
            return None;
        };
        self.mark_gone(*other)
    }

    /// Frees the seat of a guest, and returns its id; ignores the room's own seats.
    pub(super) fn mark_gone(&mut self, seat: Seat) -> Option<&str> {
        let guest = self.seats.get_mut(usize::from(seat.0.checked_sub(self.first)?))?;
        guest.gone = true;
        guest.id.as_deref()
    }
}

/// The id of a peer whose arrival a message implies.
pub(super) fn arriving_id(heard: &Heard<String>) -> Option<&str> {
    match heard {
        Heard::Met { who: id, .. } | Heard::Signal { from: id, signal: Signal::Offer { .. }, .. } => Some(id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{Failure, Phase};

    #[test]
    fn guests_sit_after_the_rooms_own_and_no_more_than_were_planned() {
        let mut guests = GuestSeats::new(5, 2);
        assert_eq!(guests.admit("ann"), Some((Seat(5), false)));
        assert_eq!(guests.admit("bob"), Some((Seat(6), false)));
        assert_eq!(guests.admit("eve"), None);
        assert_eq!((guests.seat("bob"), guests.seat("eve")), (Some(Seat(6)), None));
        assert_eq!((guests.id(Seat(5)), guests.id(Seat(4))), (Some("ann".to_owned()), None));
    }

    #[test]
    fn the_seat_of_one_who_is_gone_is_given_to_the_next() {
        let mut guests = GuestSeats::new(5, 2);
        guests.admit("ann");
        guests.admit("bob");
        guests.observe(&EventKind::Edge { other: Seat(5), event: EdgeEvent::NoticedLeave });
        guests.observe(&EventKind::Edge { other: Seat(1), event: EdgeEvent::Closed { planned: true } });
        assert_eq!(guests.admit("ann again"), Some((Seat(5), true)));
        assert_eq!(guests.admit("eve"), None);
    }

    #[test]
    fn one_who_comes_back_and_one_who_comes_too_late_get_a_new_edge() {
        let mut guests = GuestSeats::new(5, 2);
        let failure = Failure::timed_out(Phase::Discovery);
        guests.observe(&EventKind::Edge { other: Seat(5), event: EdgeEvent::Failed { failure } });
        assert_eq!(guests.admit("late"), Some((Seat(5), true)));
        guests.admit("bob");
        guests.mark_gone(Seat(6));
        assert!(guests.has_gone("bob") && !guests.has_gone("late"));
        assert_eq!(guests.admit("bob"), Some((Seat(6), true)));
        assert!(!guests.has_gone("bob"));
    }
}
