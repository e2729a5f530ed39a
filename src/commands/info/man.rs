//! `meshload man`: prints the manual, or writes a page a command.

use crate::cli::{self, ManArgs};
use crate::commands::Exit;
use crate::commands::report::runs::write_whole;
use crate::commands::terminal::{write_stderr, write_stdout};

pub fn man(args: &ManArgs) -> Exit {
    let written = cli::manual().and_then(|pages| match &args.out {
        None => Ok(write_stdout(pages.into_iter().flat_map(|(_, page)| page).collect::<Vec<u8>>())),
        Some(folder) => {
            pages.into_iter().try_for_each(|(name, page)| write_whole(&folder.join(name), page))?;
            Ok(Exit::Passed)
        }
    });
    written.unwrap_or_else(|error| {
        write_stderr([error]);
        Exit::Broken
    })
}
