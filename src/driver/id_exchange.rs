//! Passes a room's wire ids, joins and shared values between its peers inside the process.

use crate::vocabulary::Seat;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::{Context, Waker};

/// A handle that the peers of one room share; all of them run on one worker.
#[derive(Clone, Debug)]
pub struct IdExchange(Rc<ExchangeState>);

#[derive(Debug)]
struct ExchangeState {
    entries: RefCell<Vec<ExchangeEntry>>,
    shared: RefCell<BTreeMap<String, String>>,
    /// The number of changes.
    revision: Cell<u64>,
    arrivals: Cell<u32>,
}

#[derive(Clone, Debug, Default)]
struct ExchangeEntry {
    id: Option<String>,
    /// The position in the order of joins.
    joined: Option<u32>,
    gone: bool,
    waker: Option<Waker>,
}

impl IdExchange {
    /// An empty exchange for a room of `size` peers.
    pub fn new(size: u16) -> Self {
        Self(Rc::new(ExchangeState {
            entries: RefCell::new(vec![ExchangeEntry::default(); usize::from(size)]),
            shared: RefCell::default(),
            revision: Cell::new(0),
            arrivals: Cell::new(0),
        }))
    }

    /// The number of changes so far.
    pub fn revision(&self) -> u64 {
        self.0.revision.get()
    }

    /// Wakes the task of `context`, that of `seat`, at the next change.
    pub fn watch(&self, seat: Seat, context: &Context<'_>) {
        if let Some(entry) = self.0.entries.borrow_mut().get_mut(usize::from(seat.0)) {
            match &mut entry.waker {
                Some(waker) => waker.clone_from(context.waker()),
                empty => *empty = Some(context.waker().clone()),
            }
        }
    }

    pub(super) fn set_id(&self, seat: Seat, id: &str) {
        self.change(seat, |entry| entry.id = Some(id.to_owned()));
    }

    pub(super) fn mark_joined(&self, seat: Seat) {
        let number = self.0.arrivals.get();
        self.0.arrivals.set(number + 1);
        self.change(seat, |entry| entry.joined = entry.joined.or(Some(number)));
    }

    /// Marks a joined peer as not joined: its socket is lost until it reconnects.
    pub(super) fn mark_disconnected(&self, seat: Seat) {
        let is_joined = |entry: &ExchangeEntry| entry.joined.is_some();
        if self.0.entries.borrow().get(usize::from(seat.0)).is_some_and(is_joined) {
            self.change(seat, |entry| entry.joined = None);
        }
    }

    /// Marks a peer that never joins, or does not return.
    pub fn mark_gone(&self, seat: Seat) {
        self.change(seat, |entry| entry.gone = true);
    }

    /// Marks a peer that has left and returns: it has yet to join, and keeps its id until it sets another.
    pub fn mark_returning(&self, seat: Seat) {
        self.change(seat, |entry| {
            entry.gone = false;
            entry.joined = None;
        });
    }

    pub(super) fn share(&self, name: &str, json: &str) {
        self.0.shared.borrow_mut().insert(name.to_owned(), json.to_owned());
        self.publish();
    }

    pub(super) fn shared(&self) -> BTreeMap<String, String> {
        self.0.shared.borrow().clone()
    }

    pub(super) fn id(&self, seat: Seat) -> Option<String> {
        self.0.entries.borrow().get(usize::from(seat.0))?.id.clone()
    }

    /// The known ids of all seats but `own`.
    pub(super) fn other_ids(&self, own: Seat) -> Vec<String> {
        let entries = self.0.entries.borrow();
        let others = entries.iter().enumerate().filter(|(index, _)| *index != usize::from(own.0));
        others.filter_map(|(_, entry)| entry.id.clone()).collect()
    }

    pub(super) fn seat(&self, id: &str) -> Option<Seat> {
        let entries = self.0.entries.borrow();
        entries.iter().position(|entry| entry.id.as_deref() == Some(id)).map(|index| Seat(index as u16))
    }

    /// The ids of all seats are known, so that an unknown id is not of this room.
    pub(super) fn is_complete(&self) -> bool {
        self.0.entries.borrow().iter().all(|entry| entry.id.is_some())
    }

    /// The other joined peers: seat, id, and true if the peer joined before the one at `own`.
    pub(super) fn present(&self, own: Seat) -> Vec<(Seat, String, bool)> {
        let entries = self.0.entries.borrow();
        let mine = entries.get(usize::from(own.0)).and_then(|entry| entry.joined);
        let others = entries.iter().enumerate().filter(|(index, entry)| *index != usize::from(own.0) && !entry.gone);
        others
            .filter_map(|(index, entry)| {
                let (id, joined) = (entry.id.clone()?, entry.joined?);
                Some((Seat(index as u16), id, mine.is_none_or(|mine| joined < mine)))
            })
            .collect()
    }

    /// Every peer with a lower seat has joined or never will.
    pub(super) fn is_turn_of(&self, seat: Seat) -> bool {
        let entries = self.0.entries.borrow();
        entries.iter().take(usize::from(seat.0)).all(|entry| entry.joined.is_some() || entry.gone)
    }

    fn change(&self, seat: Seat, change: impl FnOnce(&mut ExchangeEntry)) {
        if let Some(entry) = self.0.entries.borrow_mut().get_mut(usize::from(seat.0)) {
            change(entry);
        }
        self.publish();
    }

    fn publish(&self) {
        self.0.revision.set(self.0.revision.get() + 1);
        for entry in self.0.entries.borrow_mut().iter_mut() {
            if let Some(waker) = entry.waker.take() {
                waker.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEATS: [Seat; 3] = [Seat(0), Seat(1), Seat(2)];

    fn exchange() -> IdExchange {
        let exchange = IdExchange::new(3);
        for (seat, id) in SEATS.into_iter().zip(["a", "b", "c"]) {
            exchange.set_id(seat, id);
            exchange.mark_joined(seat);
        }
        exchange
    }

    #[test]
    fn who_lost_its_socket_is_called_by_nobody_and_comes_last_when_it_has_joined_again() {
        let exchange = exchange();
        let [first, second, third] = SEATS;
        exchange.mark_disconnected(first);
        assert_eq!(exchange.present(third), [(second, "b".to_owned(), true)]);
        assert!(exchange.is_turn_of(first) && !exchange.is_turn_of(second), "the turn goes by seats again");
        exchange.mark_joined(first);
        assert_eq!(exchange.present(third), [(first, "a".to_owned(), false), (second, "b".to_owned(), true)]);
        assert_eq!(exchange.present(first), [(second, "b".to_owned(), true), (third, "c".to_owned(), true)]);
    }

    #[test]
    fn nobody_waits_for_who_lost_its_socket_for_good() {
        let exchange = exchange();
        exchange.mark_gone(SEATS[0]);
        assert!(exchange.is_turn_of(SEATS[2]));
        assert_eq!(exchange.present(SEATS[2]), [(SEATS[1], "b".to_owned(), true)]);
    }

    #[test]
    fn a_loss_before_the_join_is_no_news() {
        let exchange = IdExchange::new(3);
        let revision = exchange.revision();
        exchange.mark_disconnected(SEATS[0]);
        assert_eq!(exchange.revision(), revision);
    }
}
