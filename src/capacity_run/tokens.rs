//! The numbers of tokens, which limit the loads that a search can try.

use crate::controller::Access;
use crate::plan::Plan;

/// The numbers of tokens that peers have, `None` where they need none.
#[derive(Default)]
pub struct TokenCounts {
    /// One for each of all peers.
    all: Option<u64>,
    /// By scenario, one for each of its own peers.
    of_scenarios: Vec<Option<u64>>,
}

impl TokenCounts {
    pub fn of(access: &Access) -> Self {
        let count = |tokens: &[_]| (!tokens.is_empty()).then_some(tokens.len() as u64);
        let of_scenarios = access.scenario_tokens.iter().map(|own| count(own.as_deref()?)).collect();
        Self { all: count(&access.tokens), of_scenarios }
    }

    /// One sentence about the first of the plan's scenarios, or the whole, that has more peers than tokens.
    pub(super) fn problem(&self, plan: &Plan) -> Option<String> {
        let lacks = |tokens: Option<u64>, peers| tokens.filter(|tokens| *tokens < peers);
        if let Some(tokens) = lacks(self.all, plan.peers()) {
            return Some(format!("{tokens} tokens are too few for {} peers", plan.peers()));
        }
        let scenarios = plan.profile.scenarios.iter().zip(plan.peers_of_scenarios());
        scenarios.zip(&self.of_scenarios).find_map(|((scenario, peers), tokens)| {
            let tokens = lacks(*tokens, peers)?;
            Some(format!("scenario {}: {tokens} tokens are too few for {peers} peers", scenario.name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{self, ProfileSource, Secret};
    use crate::vocabulary::Seed;

    fn tokens(count: usize) -> Vec<Secret> {
        vec![Secret::new("t"); count]
    }

    /// 6 peers in a, 2 in b.
    fn plan() -> Plan {
        let text = "[rooms]\ncount = 4\nsize = 2\n[[scenarios]]\nname = \"a\"\nshare = \"75%\"\n\
                    [[scenarios]]\nname = \"b\"\nshare = \"25%\"\n";
        let plan = Plan::new(profile::read(ProfileSource { name: "test", text }, &[], &|_| None).unwrap(), Seed(1));
        assert_eq!(plan.peers_of_scenarios(), [6, 2]);
        plan
    }

    #[test]
    fn each_scenario_needs_as_many_of_its_own_tokens_as_it_has_peers() {
        let told = |all, a: Option<usize>, b: Option<usize>| {
            let scenario_tokens = [a, b].map(|own| own.map(|count| tokens(count).into()));
            let access =
                Access { tokens: tokens(all).into(), scenario_tokens: scenario_tokens.into(), ..Access::default() };
            TokenCounts::of(&access).problem(&plan())
        };
        assert_eq!((told(0, None, None), told(8, Some(6), Some(2)), told(0, Some(6), None)), (None, None, None));
        assert_eq!(told(7, None, None).unwrap(), "7 tokens are too few for 8 peers");
        assert_eq!(told(8, Some(5), Some(2)).unwrap(), "scenario a: 5 tokens are too few for 6 peers");
        assert_eq!(told(0, None, Some(1)).unwrap(), "scenario b: 1 tokens are too few for 2 peers");
    }
}
