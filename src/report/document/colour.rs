//! The colours of the charts, each with its variants on light and on dark screens.

macro_rules! colours {
    ($($(#[$doc:meta])* $name:ident $light:literal $dark:literal,)*) => {
        /// The meaning of a colour.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ChartColour { $($(#[$doc])* $name,)* }

        impl ChartColour {
            /// Each colour with its values on light and on dark screens.
            pub const ALL: &[(Self, &str, &str)] = &[$((Self::$name, $light, $dark),)*];
        }
    };
}

colours! {
    /// Times counted from due; also the base of a comparison.
    Due "#1f5fc8" "#7caeff",
    /// Times counted from began; also the new side of a comparison.
    Began "#0b7f77" "#4fd1c5",
    Joined "#6d4fc4" "#b09cf2",
    Opened "#1b7f4b" "#5fd394",
    Failed "#c02636" "#ff7b86",
    Sent "#8c95a1" "#848d99",
    Received "#1e60c9" "#7badfe",
    Median "#122b5c" "#eaf1ff",
    Tail "#9a2ba6" "#e59cf0",
    Connect "#173f8a" "#4c7bd9",
    Join "#2b63c6" "#6b9aef",
    Discovery "#5a8fe6" "#93b8f7",
    Negotiation "#98bcf5" "#bfd6fc",
    Ice "#a64b08" "#d97a24",
    Dtls "#db8218" "#f0a24a",
    Channel "#f2b460" "#facb8d",
    OwnWork "#9aa1ab" "#7c8591",
    /// A forecast beyond the measured range.
    Extrapolated "#6b7480" "#a9b2bd",
    /// Neither open nor failed.
    Undecided "#565f6b" "#a3adba",
}

impl ChartColour {
    /// The colour of a phase, by its name.
    pub fn of_phase(phase: &str) -> Self {
        match phase {
            "connect" => Self::Connect,
            "join" => Self::Join,
            "discovery" => Self::Discovery,
            "negotiation" => Self::Negotiation,
            "ice" => Self::Ice,
            "dtls" => Self::Dtls,
            "channel" => Self::Channel,
            _ => Self::OwnWork,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_of_an_edge_has_a_colour() {
        let phases = ["connect", "join", "discovery", "negotiation", "ice", "dtls", "channel"];
        assert!(phases.into_iter().all(|phase| ChartColour::of_phase(phase) != ChartColour::OwnWork));
    }
}
