//! Named groups of clients: the subscribers of a channel, or the members of a room.

use crate::server::rooms::client_id::ClientId;
use rustc_hash::FxHashMap;

/// Index of a group; reused by another group once its own has no members left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(u32);

/// All groups that have members.
#[derive(Default)]
pub(super) struct Groups {
    groups: Vec<Group>,
    free: Vec<Slot>,
    by_name: FxHashMap<Box<str>, Slot>,
}

#[derive(Default)]
struct Group {
    name: Box<str>,
    members: Vec<ClientId>,
}

impl Groups {
    pub(super) fn find(&self, name: &str) -> Option<Slot> {
        self.by_name.get(name).copied()
    }

    pub(super) fn name(&self, slot: Slot) -> &str {
        &self.groups[slot.0 as usize].name
    }

    /// Members of a group; none if it has gone since the slot was looked up.
    pub(super) fn members(&self, slot: Slot) -> &[ClientId] {
        self.groups.get(slot.0 as usize).map_or(&[], |group| &group.members)
    }

    /// Slots of all groups that have members, in no particular order.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> {
        (0..self.groups.len() as u32).map(Slot).filter(|slot| !self.members(*slot).is_empty())
    }

    /// Adds a client that is not a member yet.
    pub(super) fn enter(&mut self, name: &str, client: ClientId) -> Slot {
        let slot = self.find(name).unwrap_or_else(|| self.open(name));
        self.groups[slot.0 as usize].members.push(client);
        slot
    }

    pub(super) fn leave(&mut self, slot: Slot, client: ClientId) {
        let group = &mut self.groups[slot.0 as usize];
        if let Some(index) = group.members.iter().position(|member| *member == client) {
            group.members.swap_remove(index);
            if group.members.is_empty() {
                self.by_name.remove(&group.name);
                *group = Group::default();
                self.free.push(slot);
            }
            if self.by_name.is_empty() {
                // Give the memory of a crowd back once it has left.
                *self = Self::default();
            }
        }
    }

    fn open(&mut self, name: &str) -> Slot {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.groups.push(Group::default());
            Slot(self.groups.len() as u32 - 1)
        });
        self.groups[slot.0 as usize].name = name.into();
        self.by_name.insert(name.into(), slot);
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_lives_as_long_as_it_has_members_and_its_place_is_used_again() {
        let mut groups = Groups::default();
        let first = groups.enter("a", ClientId(1));
        groups.enter("a", ClientId(2));
        groups.leave(first, ClientId(1));
        assert_eq!(groups.members(first), [ClientId(2)]);
        groups.leave(first, ClientId(2));
        assert_eq!((groups.find("a"), groups.slots().count(), groups.groups.capacity()), (None, 0, 0));
        assert_eq!(groups.members(first), [], "a frame may be on its way to the group");
        assert_eq!(groups.enter("b", ClientId(3)), first);
        let second = groups.enter("c", ClientId(3));
        groups.leave(first, ClientId(3));
        assert_eq!(groups.name(first), "");
        assert_eq!(groups.enter("d", ClientId(3)), first);
        assert_eq!(groups.name(second), "c");
    }

    #[test]
    fn a_stranger_leaving_changes_nothing() {
        let mut groups = Groups::default();
        let slot = groups.enter("a", ClientId(1));
        groups.leave(slot, ClientId(9));
        assert_eq!(groups.members(slot), [ClientId(1)]);
    }
}
