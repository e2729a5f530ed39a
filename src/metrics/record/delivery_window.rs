//! Counts delivered, duplicated, reordered and lost messages of one direction of a channel.

use crate::summary::Messages;

/// Sequences count from 0; arrivals of the last 64 are kept one by one.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::metrics) struct DeliveryWindow {
    sent: u32,
    received: u32,
    duplicated: u32,
    out_of_order: u32,
    /// The highest sequence received, plus one.
    reach: u32,
    /// Bit `i`: the message `reach - 1 - i` has arrived.
    window: u64,
}

impl DeliveryWindow {
    pub(crate) fn send(&mut self) {
        self.sent = self.sent.saturating_add(1);
    }

    /// Records an arrival and returns true if it is the first of its sequence; one older than the window counts as first.
    pub(crate) fn receive(&mut self, sequence: u32) -> bool {
        let next = sequence.saturating_add(1);
        if next > self.reach {
            let step = next - self.reach;
            self.window = if step < 64 { self.window << step | 1 } else { 1 };
            self.reach = next;
        } else {
            let age = self.reach - next;
            let bit = if age < 64 { 1 << age } else { 0 };
            if self.window & bit != 0 {
                self.duplicated = self.duplicated.saturating_add(1);
                return false;
            }
            self.window |= bit;
            self.out_of_order = self.out_of_order.saturating_add(1);
        }
        self.received = self.received.saturating_add(1);
        true
    }

    /// Adds the outcome of all messages to `messages`. A channel closed `by_plan` cuts those in flight; those that
    /// later messages had overtaken are lost all the same. Returns the number of arrivals that nothing was sent for.
    pub(crate) fn settle(&self, by_plan: bool, messages: &mut Messages) -> u64 {
        let delivered = self.received.min(self.sent);
        let missing = u64::from(self.sent - delivered);
        let lost = if by_plan { self.overtaken().min(missing) } else { missing };
        messages.sent += u64::from(self.sent);
        messages.delivered += u64::from(delivered);
        messages.duplicated += u64::from(self.duplicated);
        messages.out_of_order += u64::from(self.out_of_order);
        messages.lost += lost;
        messages.cut += missing - lost;
        u64::from(self.received - delivered)
    }

    pub(crate) fn sent(&self) -> u32 {
        self.sent
    }

    pub(crate) fn received(&self) -> u32 {
        self.received
    }

    /// Messages that later ones have overtaken; they may still arrive.
    pub(crate) fn overtaken(&self) -> u64 {
        u64::from(self.reach.saturating_sub(self.received))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sent: u32, received: &[u32], by_plan: bool, expected: Messages) {
        let mut window = DeliveryWindow::default();
        (0..sent).for_each(|_| window.send());
        received.iter().for_each(|sequence| {
            window.receive(*sequence);
        });
        let mut messages = Messages::default();
        window.settle(by_plan, &mut messages);
        assert_eq!(messages, expected);
    }

    #[test]
    fn what_never_came_is_lost() {
        check(4, &[0, 1, 3], false, Messages { sent: 4, delivered: 3, lost: 1, ..Messages::default() });
    }

    #[test]
    fn what_was_in_flight_at_a_planned_close_is_cut() {
        check(4, &[0, 1], true, Messages { sent: 4, delivered: 2, cut: 2, ..Messages::default() });
    }

    #[test]
    fn what_was_overtaken_before_a_planned_close_is_lost_and_not_cut() {
        check(5, &[0, 2], true, Messages { sent: 5, delivered: 2, lost: 1, cut: 2, ..Messages::default() });
        check(5, &[0, 4], true, Messages { sent: 5, delivered: 2, lost: 3, ..Messages::default() });
    }

    #[test]
    fn a_second_copy_is_a_duplicate_and_a_late_one_out_of_order() {
        let expected = Messages { sent: 3, delivered: 3, duplicated: 2, out_of_order: 1, ..Messages::default() };
        check(3, &[0, 2, 1, 1, 2], false, expected);
    }

    #[test]
    fn the_window_remembers_sixty_four() {
        let sixty_fourth = Messages { sent: 64, delivered: 2, duplicated: 1, lost: 62, ..Messages::default() };
        check(64, &[0, 63, 0], false, sixty_fourth);
        let one_more = Messages { sent: 65, delivered: 3, out_of_order: 1, lost: 62, ..Messages::default() };
        check(65, &[0, 64, 0], false, one_more);
    }

    #[test]
    fn more_arrivals_than_sent_are_not_delivered() {
        let mut window = DeliveryWindow::default();
        window.receive(u32::MAX);
        let mut messages = Messages::default();
        assert_eq!((window.settle(false, &mut messages), messages), (1, Messages::default()));
    }
}
