//! A room's notice board inside the process: who goes by which id on the wire, who has joined, and what is shared.

use crate::vocabulary::ids::Seat;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::{Context, Waker};

/// Shared by the peers of one room, which all live on one worker.
#[derive(Clone, Debug)]
pub struct IdExchange(Rc<ExchangeState>);

#[derive(Debug)]
struct ExchangeState {
    entries: RefCell<Vec<ExchangeEntry>>,
    shared: RefCell<BTreeMap<String, String>>,
    /// Grows with each change.
    revision: Cell<u64>,
    arrivals: Cell<u32>,
}

#[derive(Clone, Debug, Default)]
struct ExchangeEntry {
    id: Option<String>,
    /// Its number in the order of joining.
    joined: Option<u32>,
    gone: bool,
    waker: Option<Waker>,
}

impl IdExchange {
    /// For a room of `size`.
    pub fn new(size: u16) -> Self {
        Self(Rc::new(ExchangeState {
            entries: RefCell::new(vec![ExchangeEntry::default(); usize::from(size)]),
            shared: RefCell::default(),
            revision: Cell::new(0),
            arrivals: Cell::new(0),
        }))
    }

    /// Its changes so far: when this grows, there is something to read.
    pub fn revision(&self) -> u64 {
        self.0.revision.get()
    }

    /// The peer at `seat` is woken at the next change.
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

    /// Whoever sits there has no socket, and joins anew when it has one: until then nobody can reach it.
    pub(super) fn mark_disconnected(&self, seat: Seat) {
        let is_joined = |entry: &ExchangeEntry| entry.joined.is_some();
        if self.0.entries.borrow().get(usize::from(seat.0)).is_some_and(is_joined) {
            self.change(seat, |entry| entry.joined = None);
        }
    }

    /// Whoever sits there never comes, or does not come back.
    pub fn mark_gone(&self, seat: Seat) {
        self.change(seat, |entry| entry.gone = true);
    }

    /// Whoever sat there left, and comes back: it has yet to join. Its id is the old one until it tells another.
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

    pub(super) fn seat(&self, id: &str) -> Option<Seat> {
        let entries = self.0.entries.borrow();
        entries.iter().position(|entry| entry.id.as_deref() == Some(id)).map(|index| Seat(index as u16))
    }

    /// Ids of all are known: who is still a stranger is not of this room.
    pub(super) fn is_complete(&self) -> bool {
        self.0.entries.borrow().iter().all(|entry| entry.id.is_some())
    }

    /// The others that have joined: seat, id, and whether before the one at `own`.
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

    /// All who sit before `seat` have joined, or never will.
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
