//! The exit codes, which scripts depend on.

use crate::controller::StopSignal;

/// Exit codes of docs/spec/interface.md. If several apply, the one of lowest `rank` is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// The command completed, and its gates passed.
    Passed,
    /// meshload itself failed, or its output could not be written.
    Broken,
    /// Bad arguments, profile, dialect or summary, or a plan too large for this machine.
    Usage,
    /// The target is neither on this machine nor private, and `--allow-target` did not name it.
    Refused,
    /// No peer ever connected.
    Unreachable,
    /// Part of the run's data is missing.
    Incomplete,
    /// The generator, not the target, was the limit.
    Invalid,
    /// The command completed, and a gate failed.
    Failed,
    Hangup,
    Interrupted,
    Terminated,
}

impl Exit {
    pub const ALL: [Self; 11] = [
        Self::Passed,
        Self::Broken,
        Self::Usage,
        Self::Refused,
        Self::Unreachable,
        Self::Incomplete,
        Self::Invalid,
        Self::Failed,
        Self::Hangup,
        Self::Interrupted,
        Self::Terminated,
    ];

    pub fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Broken => 1,
            Self::Usage => 2,
            Self::Refused => 95,
            Self::Unreachable => 96,
            Self::Incomplete => 97,
            Self::Invalid => 98,
            Self::Failed => 99,
            Self::Hangup => 129,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// Picks the one of two that takes precedence (docs/spec/interface.md, "Exit codes").
    pub fn first_of(self, other: Self) -> Self {
        if other.rank() < self.rank() { other } else { self }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Usage => 0,
            Self::Refused => 1,
            Self::Broken => 2,
            Self::Unreachable => 3,
            Self::Incomplete => 4,
            Self::Hangup | Self::Interrupted | Self::Terminated => 5,
            Self::Invalid => 6,
            Self::Failed => 7,
            Self::Passed => 8,
        }
    }
}

/// Exit of a command that the signal or the loss of another process stopped.
impl From<StopSignal> for Exit {
    fn from(signal: StopSignal) -> Self {
        match signal {
            StopSignal::Hangup => Self::Hangup,
            StopSignal::Interrupt => Self::Interrupted,
            StopSignal::Terminate => Self::Terminated,
            StopSignal::ControllerLost | StopSignal::AgentLost => Self::Incomplete,
            StopSignal::Gate => Self::Failed,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_every_code() {
        let listed = crate::cli::EXIT_CODES.into_iter().flat_map(|(codes, _)| codes.split(", "));
        let mut listed: Vec<u8> = listed.map(|code| code.parse().unwrap()).collect();
        let mut codes = Exit::ALL.map(Exit::code);
        listed.sort_unstable();
        codes.sort_unstable();
        assert_eq!(listed, codes);
    }

    #[test]
    fn what_holds_first_is_what_counts() {
        let worst = |exits: &[Exit]| exits.iter().fold(Exit::Passed, |first, &exit| first.first_of(exit)).code();
        assert_eq!(worst(&[]), 0);
        assert_eq!(worst(&[Exit::Failed, Exit::Invalid]), 98);
        assert_eq!(worst(&[Exit::Failed, Exit::Interrupted, Exit::Invalid]), 130);
        assert_eq!(worst(&[Exit::Incomplete, Exit::Unreachable, Exit::Broken]), 1);
        assert_eq!(worst(&[Exit::Broken, Exit::Refused]), 95);
        assert_eq!(worst(&Exit::ALL), 2);
    }
}
