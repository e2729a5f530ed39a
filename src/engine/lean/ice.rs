//! ICE for one component and one local host candidate, sans-IO (RFC 8445), with consent (RFC 7675) and trickling (RFC 8838).

use super::drive::Drive;
use super::stun::{self, Check, IceRole, Message, ROLE_CONFLICT, Transaction, kind};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Most candidate pairs of an agent: each remote candidate, signalled or peer-reflexive, forms one.
const PAIRS_MAX: usize = 20;

/// The first pause between checks of a pair; it doubles up to `PAUSE_LAST`. Loopback and LAN paths answer within it,
/// and a room of 100 has 9,900 ends that check. RFC 8445 §14.3 has 500 ms for unknown paths.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_LAST: Duration = Duration::from_millis(500);

/// Consent checks are 5 s apart, give or take 20 %; consent ends `CONSENT_ENDS` after the last answer (RFC 7675 §5.1).
const CONSENT_EVERY: Duration = Duration::from_secs(5);
const CONSENT_ENDS: Duration = Duration::from_secs(30);

/// A consent check is drawn 5.5 to 6 s after the last one, and goes out up to this much early if its peer is awake anyway:
/// waking up costs more than the check.
const CONSENT_EARLY: Duration = Duration::from_millis(1_500);

/// The pause between consent checks while an answer is missing: an outage of seconds must not end consent.
const CONSENT_AGAIN: Duration = Duration::from_secs(1);

/// The priority of a peer-reflexive candidate, which a check carries (RFC 8445 §7.1.1).
const PRIORITY: u32 = 110 << 24 | 65_535 << 8 | 255;

/// A ufrag and its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub ufrag: Box<str>,
    pub password: Box<str>,
}

/// The local candidate with one of the other end's.
#[derive(Debug)]
struct CandidatePair {
    to: SocketAddr,
    /// A check was answered.
    succeeded: bool,
    /// The last check: its transaction, the time it was first sent if still unanswered, and its nomination.
    transaction: Transaction,
    sent_at: Option<Instant>,
    nominating: bool,
    /// The other end has nominated it.
    nominated: bool,
}

/// One agent.
#[derive(Debug)]
pub struct Ice {
    role: IceRole,
    local: Credentials,
    /// The other end's password and, as `ufrag`, the USERNAME of our checks.
    remote: Option<Credentials>,
    pairs: Vec<CandidatePair>,
    selected: Option<SocketAddr>,
    pause: Duration,
    /// The time of the next connectivity or consent check.
    timer: Option<Instant>,
    /// The time at which the agent gives up without an answer to a check.
    ends_at: Option<Instant>,
    round_trip: Duration,
}

/// The reason for which an agent ends.
pub const NO_ANSWER: &str = "no check was answered";

impl Ice {
    pub fn new(controlling: bool, local: Credentials, random: &mut ChaCha8Rng) -> Self {
        Self {
            role: IceRole { controlling, tie_breaker: random.random() },
            local,
            remote: None,
            pairs: Vec::new(),
            selected: None,
            pause: PAUSE_FIRST,
            timer: None,
            ends_at: None,
            round_trip: Duration::ZERO,
        }
    }

    pub fn local(&self) -> &Credentials {
        &self.local
    }

    pub fn selected(&self) -> Option<SocketAddr> {
        self.selected
    }

    /// The last measured round trip.
    pub fn round_trip(&self) -> Duration {
        self.round_trip
    }

    /// True if data from `address` is accepted.
    pub fn knows(&self, address: SocketAddr) -> bool {
        self.pairs.iter().any(|pair| pair.to == address)
    }

    /// Starts the checks, and gives up after `patience`. An ICE lite end never controls (RFC 8445 §6.1.1).
    pub fn begin(&mut self, now: Instant, remote: &Credentials, is_lite: bool, patience: Duration, drive: &mut Drive) {
        let username = format!("{}:{}", remote.ufrag, self.local.ufrag).into();
        self.remote = Some(Credentials { ufrag: username, password: remote.password.clone() });
        self.role.controlling |= is_lite;
        self.ends_at = Some(now + patience);
        self.check_all(now, drive);
    }

    /// Adds a candidate of the other end, and checks it at once if it can.
    pub fn add(&mut self, now: Instant, to: SocketAddr, drive: &mut Drive) {
        if let Some(at) = self.pair(to)
            && !self.pairs[at].succeeded
            && self.pairs[at].sent_at.is_none()
        {
            self.pause = PAUSE_FIRST;
            self.check(now, at, drive);
        }
    }

    /// The next time to call `wake`.
    pub fn wake_at(&self) -> Option<Instant> {
        [self.timer, self.ends_at].into_iter().flatten().min()
    }

    /// The time of the next consent check; `None` while no pair is selected.
    pub fn consent_at(&self) -> Option<Instant> {
        self.selected.and(self.timer)
    }

    /// Sends the consent check if it is due within `CONSENT_EARLY` and none is unanswered.
    pub fn check_consent(&mut self, now: Instant, drive: &mut Drive) {
        if self.consent_at().is_some_and(|at| at <= now + CONSENT_EARLY)
            && let Some(at) = self.selected.and_then(|to| self.pair(to))
            && self.pairs[at].sent_at.is_none()
        {
            self.ask_consent(now, at, drive);
        }
    }

    fn ask_consent(&mut self, now: Instant, at: usize, drive: &mut Drive) {
        self.check(now, at, drive);
        self.timer = Some(now + CONSENT_AGAIN);
    }

    /// Sends the checks that are due.
    ///
    /// # Errors
    /// No check was answered in time.
    pub fn wake(&mut self, now: Instant, drive: &mut Drive) -> Result<(), &'static str> {
        if self.ends_at.is_some_and(|at| at <= now) {
            (self.timer, self.ends_at) = (None, None);
            return Err(NO_ANSWER);
        }
        if self.timer.is_none_or(|at| at > now) {
            return Ok(());
        }
        match self.selected.and_then(|to| self.pair(to)) {
            Some(at) => self.ask_consent(now, at, drive),
            None => {
                self.pause = (self.pause * 2).min(PAUSE_LAST);
                self.check_all(now, drive);
            }
        }
        Ok(())
    }

    /// Takes in a message from `from`.
    pub fn handle(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8], drive: &mut Drive) {
        let Some(message) = Message::read(datagram) else { return };
        match message.kind {
            kind::REQUEST => self.on_request(now, from, &message, datagram, drive),
            kind::SUCCESS | kind::ERROR => self.on_response(now, from, &message, datagram, drive),
            _ => {}
        }
    }

    /// Answers a check, and checks back (RFC 8445 §7.3).
    fn on_request(
        &mut self,
        now: Instant,
        from: SocketAddr,
        message: &Message,
        datagram: &mut [u8],
        drive: &mut Drive,
    ) {
        let is_ours = stun::receiver_ufrag(datagram) == Some(&self.local.ufrag);
        if !is_ours || !message.is_authentic(datagram, self.local.password.as_bytes()) {
            return;
        }
        drive.out.aim(from);
        let refused = message.unknown.is_some() || !self.resolve(message.role);
        let (transaction, password) = (message.transaction, self.local.password.as_bytes());
        drive.out.write(|bytes| match refused {
            true => stun::write_error(bytes, transaction, message.unknown, password),
            false => stun::write_success(bytes, transaction, from, password),
        });
        if refused {
            return;
        }
        let Some(at) = self.pair(from) else { return };
        let pair = &mut self.pairs[at];
        pair.nominated |= message.nominates;
        // A recent unanswered check replaces a triggered one (RFC 8445 §7.3.1.4 would send another).
        let is_on_its_way = pair.sent_at.is_some_and(|sent| now.duration_since(sent) < PAUSE_FIRST);
        if pair.succeeded {
            self.select(now, at, &mut drive.random);
            // The check goes along with the answer: the other end wakes once for both.
            self.check_consent(now, drive);
        } else if self.remote.is_some() && !is_on_its_way {
            self.check(now, at, drive);
        }
    }

    /// Resolves a role conflict (RFC 8445 §7.3.1.1). `false`: the other end must change its role.
    fn resolve(&mut self, other: Option<IceRole>) -> bool {
        let Some(other) = other.filter(|other| other.controlling == self.role.controlling) else { return true };
        let wins = self.role.tie_breaker >= other.tie_breaker;
        if wins != self.role.controlling {
            self.role.controlling = !self.role.controlling;
            return true;
        }
        false
    }

    fn on_response(
        &mut self,
        now: Instant,
        from: SocketAddr,
        message: &Message,
        datagram: &mut [u8],
        drive: &mut Drive,
    ) {
        let Some(remote) = &self.remote else { return };
        // A response must come from the address that the check went to (RFC 8445 §7.2.5.2.1).
        let is_it =
            |pair: &CandidatePair| pair.to == from && pair.transaction == message.transaction && pair.sent_at.is_some();
        let Some(at) = self.pairs.iter().position(is_it) else { return };
        if !message.is_authentic(datagram, remote.password.as_bytes()) {
            return;
        }
        if message.kind == kind::ERROR {
            if message.error == ROLE_CONFLICT {
                self.role.controlling = !self.role.controlling;
                self.pairs[at].sent_at = None;
                self.check(now, at, drive);
            }
            return;
        }
        let pair = &mut self.pairs[at];
        self.round_trip = pair.sent_at.take().map_or(Duration::ZERO, |sent| now.duration_since(sent));
        pair.succeeded = true;
        if self.selected == Some(from) {
            self.consented(now, &mut drive.random);
        } else if self.role.controlling && self.selected.is_none() && !pair.nominating {
            self.check(now, at, drive);
        } else {
            self.select(now, at, &mut drive.random);
        }
    }

    /// Selects a pair that has succeeded and that the controlling end has nominated (RFC 8445 §8.1.1).
    fn select(&mut self, now: Instant, at: usize, random: &mut ChaCha8Rng) {
        let pair = &self.pairs[at];
        let is_nominated = if self.role.controlling { pair.nominating } else { pair.nominated };
        let is_first = self.selected.is_none() || !self.role.controlling;
        if is_nominated && is_first && self.selected != Some(pair.to) {
            self.selected = Some(pair.to);
            self.consented(now, random);
        }
    }

    fn consented(&mut self, now: Instant, random: &mut ChaCha8Rng) {
        self.timer = Some(now + CONSENT_EVERY.mul_f64(random.random_range(1.1..1.2)));
        self.ends_at = Some(now + CONSENT_ENDS);
    }

    /// The index of the pair with that address; a new pair is added if fewer than `PAIRS_MAX` exist.
    fn pair(&mut self, to: SocketAddr) -> Option<usize> {
        if let Some(at) = self.pairs.iter().position(|pair| pair.to == to) {
            return Some(at);
        }
        if self.pairs.len() == PAIRS_MAX {
            return None;
        }
        self.pairs.reserve_exact(1);
        let (succeeded, transaction, sent_at) = (false, [0; 12], None);
        self.pairs.push(CandidatePair { to, succeeded, transaction, sent_at, nominating: false, nominated: false });
        Some(self.pairs.len() - 1)
    }

    fn check_all(&mut self, now: Instant, drive: &mut Drive) {
        for at in 0..self.pairs.len() {
            self.check(now, at, drive);
        }
        self.timer = Some(now + self.pause);
    }

    fn check(&mut self, now: Instant, at: usize, drive: &mut Drive) {
        let Some(remote) = &self.remote else { return };
        let is_only = self.pairs.len() == 1;
        let pair = &mut self.pairs[at];
        // A single pair has no alternative: its first check nominates it.
        let nominates = self.role.controlling && (is_only || pair.succeeded);
        // A retransmitted check keeps its transaction, so that a late answer still counts (RFC 8489 §6.2.1).
        if pair.sent_at.is_none() || pair.nominating != nominates {
            (pair.transaction, pair.sent_at, pair.nominating) = (drive.random.random(), Some(now), nominates);
        }
        let (transaction, username) = (pair.transaction, &*remote.ufrag);
        drive.out.aim(pair.to);
        let check = Check { transaction, username, priority: PRIORITY, role: self.role, nominates };
        drive.out.write(|bytes| check.write(bytes, remote.password.as_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn address(end: usize) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 1_000 + end as u16))
    }

    struct World {
        ends: [Ice; 2],
        wire: Vec<(usize, Vec<u8>)>,
        drive: Drive,
        now: Instant,
        datagrams: usize,
        /// The times of each end's checks.
        checks: [Vec<Instant>; 2],
    }

    impl World {
        /// End 0 offers and controls, unless roles are told otherwise.
        fn new(controlling: [bool; 2]) -> Self {
            let mut random = ChaCha8Rng::seed_from_u64(1);
            let credentials =
                |name: &str| Credentials { ufrag: name.into(), password: format!("{name} {name}").into() };
            let ends = [0, 1].map(|end| Ice::new(controlling[end], credentials(["left", "right"][end]), &mut random));
            let (wire, drive, checks) = (vec![], Drive::new(random), [vec![], vec![]]);
            Self { ends, wire, drive, now: Instant::now(), datagrams: 0, checks }
        }

        fn connected() -> Self {
            let mut world = Self::new([true, false]);
            world.add(0, address(1));
            world.begin(0);
            world.begin(1);
            world.deliver_all();
            world
        }

        fn begin(&mut self, end: usize) {
            let remote = self.ends[1 - end].local().clone();
            let patience = Duration::from_secs(9);
            self.ends[end].begin(self.now, &remote, false, patience, &mut self.drive);
            self.collect(end);
        }

        fn add(&mut self, end: usize, to: SocketAddr) {
            self.ends[end].add(self.now, to, &mut self.drive);
            self.collect(end);
        }

        fn collect(&mut self, from: usize) {
            self.datagrams += self.drive.out.len();
            let is_check = |datagram: &[u8]| Message::read(datagram).is_some_and(|read| read.kind == kind::REQUEST);
            let checks = self.drive.out.iter().filter(|(_, datagram)| is_check(datagram)).count();
            self.checks[from].extend(std::iter::repeat_n(self.now, checks));
            // Datagrams to other addresses are lost.
            let heard = self.drive.out.iter().filter(|(to, _)| *to == address(1 - from));
            self.wire.extend(heard.map(|(_, datagram)| (1 - from, datagram.to_vec())));
            self.drive.out.clear();
        }

        fn deliver_all(&mut self) {
            for _ in 0..1_000 {
                let Some((to, mut datagram)) = (!self.wire.is_empty()).then(|| self.wire.remove(0)) else { return };
                self.ends[to].handle(self.now, address(1 - to), &mut datagram, &mut self.drive);
                self.collect(to);
            }
            panic!("the two never fall silent");
        }

        fn turn_clock(&mut self) -> [Result<(), &'static str>; 2] {
            self.now = self.ends.iter().filter_map(Ice::wake_at).min().unwrap();
            [0, 1].map(|end| {
                let done = self.ends[end].wake(self.now, &mut self.drive);
                self.collect(end);
                done
            })
        }

        fn selected(&self) -> [Option<SocketAddr>; 2] {
            [0, 1].map(|end| self.ends[end].selected())
        }
    }

    const BOTH: fn() -> [Option<SocketAddr>; 2] = || [Some(address(1)), Some(address(0))];

    #[test]
    fn two_ends_are_connected_in_four_datagrams_whoever_begins() {
        for first in [0, 1] {
            let mut world = World::new([true, false]);
            world.add(0, address(1));
            world.add(1, address(0));
            world.begin(first);
            world.deliver_all();
            world.begin(1 - first);
            world.deliver_all();
            assert_eq!(world.selected(), BOTH(), "{first}");
            assert_eq!(world.datagrams, 4, "{first}");
        }
    }

    #[test]
    fn a_check_that_overtakes_its_candidate_makes_a_peer_reflexive_one() {
        let mut world = World::new([true, false]);
        world.begin(0);
        world.begin(1);
        world.add(1, address(0));
        world.deliver_all();
        assert_eq!(world.selected(), BOTH());
    }

    #[test]
    fn a_conflict_of_roles_is_resolved() {
        for role in [true, false] {
            let mut world = World::new([role, role]);
            world.begin(0);
            world.begin(1);
            world.add(0, address(1));
            world.add(1, address(0));
            world.deliver_all();
            assert_eq!(world.turn_clock(), [Ok(()), Ok(())]);
            world.deliver_all();
            assert_eq!(world.selected(), BOTH(), "{role}");
            assert_ne!(world.ends[0].role.controlling, world.ends[1].role.controlling);
        }
    }

    #[test]
    fn of_several_candidates_the_first_that_answers_is_nominated() {
        let mut world = World::new([true, false]);
        for dead in [77, 78] {
            world.add(0, address(dead));
        }
        world.add(0, address(1));
        world.begin(0);
        world.begin(1);
        world.deliver_all();
        assert_eq!(world.selected(), BOTH());
    }

    #[test]
    fn candidates_without_end_are_no_more_than_twenty() {
        let mut world = World::new([true, false]);
        (0..1_000).for_each(|end| world.add(0, address(end)));
        assert_eq!(world.ends[0].pairs.len(), PAIRS_MAX);
    }

    #[test]
    fn without_an_answer_it_gives_up_in_time_and_with_few_checks() {
        let mut world = World::new([true, false]);
        world.add(0, address(9));
        world.begin(0);
        let began = world.now;
        let ended = (0..1_000).find_map(|_| world.turn_clock()[0].err());
        assert_eq!(ended, Some(NO_ANSWER));
        assert_eq!(world.now - began, Duration::from_secs(9));
        assert!(world.datagrams < 25, "{}", world.datagrams);
    }

    #[test]
    fn consent_is_checked_after_four_to_six_seconds_by_both_ends_at_once() {
        let mut world = World::connected();
        world.checks = [vec![world.now], vec![world.now]];
        for _ in 0..40 {
            assert_eq!(world.turn_clock(), [Ok(()), Ok(())]);
            world.deliver_all();
        }
        let [left, right] = &world.checks;
        assert_eq!(left, right);
        assert_eq!(left.len(), 41);
        let apart = left.windows(2).map(|two| (two[1] - two[0]).as_secs_f64());
        assert!(apart.clone().all(|apart| (4.0..=6.0).contains(&apart)), "{:?}", apart.collect::<Vec<_>>());
    }

    #[test]
    fn a_check_that_is_near_goes_out_once_and_one_that_is_far_not_at_all() {
        let mut world = World::connected();
        let (due, before) = (world.ends[0].consent_at().unwrap(), world.checks[0].len());
        for (early, checks) in [(1_501, 0), (1_500, 1), (900, 1)] {
            let now = due - Duration::from_millis(early);
            world.ends[0].check_consent(now, &mut world.drive);
            world.collect(0);
            assert_eq!(world.checks[0].len(), before + checks, "{early} ms early");
        }
    }

    #[test]
    fn consent_outlives_a_hole_and_ends_after_thirty_seconds() {
        let mut world = World::connected();
        let hole = world.now + Duration::from_secs(60);
        while world.now < hole {
            assert_eq!(world.turn_clock(), [Ok(()), Ok(())]);
            world.deliver_all();
        }
        let last = world.now;
        assert!(world.datagrams < 4 + 4 * 17, "{}", world.datagrams);
        while world.now < last + Duration::from_secs(25) {
            assert_eq!(world.turn_clock(), [Ok(()), Ok(())]);
            world.wire.clear();
        }
        let ended = (0..1_000).find(|_| {
            let done = world.turn_clock();
            world.wire.clear();
            done.contains(&Err(NO_ANSWER))
        });
        assert!(ended.is_some() && world.now == last + CONSENT_ENDS);
    }
}
