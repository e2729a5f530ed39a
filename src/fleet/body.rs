//! The bytes of a `part.mesh`: magic, version, checksum, then deflated MessagePack, read under bounds.

use super::context::PartContext;
use super::format::{BYTES_MAX, COUNT_MAX, FORMAT, Unusable};
use super::numbers::all_at_most;
use crate::controller::PlayedShare;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};

/// The most that a file may inflate to.
const INFLATED_MAX: u64 = 256 << 20;
const MAGIC: &[u8; 8] = b"meshpart";
const SHA_BYTES: usize = 32;
/// Magic, version, the length of the rest, checksum of the rest.
const HEADER_BYTES: usize = MAGIC.len() + 1 + 8 + SHA_BYTES;

pub(super) fn write(context: &PartContext, played: &PlayedShare, control: Option<&PlayedShare>) -> Vec<u8> {
    let PlayedShare { facts, figures, health, target_process } = played;
    let control_facts = control.map(|control| &control.facts);
    let control_figures = control.map(|control| (&control.figures, &control.health));
    // Numbers of the description enter no sum unless it saturates; those of the figures don't exceed `COUNT_MAX`.
    let described = packed(&(context, facts, target_process, control_facts));
    let measured = packed(&(figures, health, control_figures));
    let mut plain = (described.len() as u32).to_be_bytes().to_vec();
    plain.extend(described);
    plain.extend(measured);
    sealed(&plain)
}

/// A file with a right checksum around any `plain`: the length of the description in four bytes, then description and figures.
pub fn sealed(plain: &[u8]) -> Vec<u8> {
    let mut deflated = ZlibEncoder::new(vec![], Compression::default());
    deflated.write_all(plain).expect("writing to memory does not fail");
    let deflated = deflated.finish().expect("writing to memory does not fail");
    let mut file = MAGIC.to_vec();
    file.push(FORMAT);
    file.extend((deflated.len() as u64).to_be_bytes());
    file.extend(Sha256::digest(&deflated));
    file.extend(deflated);
    file
}

/// The context of a part, its share as it was played, and its control run if it has one.
type ReadPart = (PartContext, PlayedShare, Option<PlayedShare>);

pub(super) fn read(bytes: &[u8]) -> Result<ReadPart, Unusable> {
    let plain = opened(bytes)?;
    let cut = Unusable::Damaged("it ends early");
    let (length, rest) = plain.split_first_chunk::<4>().ok_or(cut.clone())?;
    let (described, measured) = rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or(cut)?;
    if !all_at_most(measured, COUNT_MAX) {
        return Err(Unusable::Unsound("a figure is larger than any run's"));
    }
    let (context, facts, target_process, control_facts) = unpacked(described)?;
    let (figures, health, control_figures) = unpacked::<(_, _, Option<_>)>(measured)?;
    let played = PlayedShare { facts, figures, health, target_process };
    let control = Option::zip(control_facts, control_figures).map(|(facts, (figures, health))| PlayedShare {
        facts,
        figures,
        health,
        target_process: None,
    });
    Ok((context, played, control))
}

/// The plain content, once version, length and checksum are right.
fn opened(bytes: &[u8]) -> Result<Vec<u8>, Unusable> {
    if bytes.len() > BYTES_MAX {
        return Err(Unusable::TooLong);
    }
    let rest = bytes.strip_prefix(MAGIC).ok_or(Unusable::NotOurs)?;
    let (version, rest) = rest.split_first().ok_or(Unusable::Damaged("it ends early"))?;
    if *version != FORMAT {
        return Err(Unusable::Version(*version));
    }
    let deflated = bytes.get(HEADER_BYTES..).ok_or(Unusable::Damaged("it ends early"))?;
    let (length, checksum) = rest[..HEADER_BYTES - MAGIC.len() - 1].split_at(8);
    if length != (deflated.len() as u64).to_be_bytes() {
        return Err(Unusable::Damaged("it is not as long as it says"));
    }
    if Sha256::digest(deflated).as_slice() != checksum {
        return Err(Unusable::Damaged("its checksum differs"));
    }
    let mut plain = vec![];
    let inflated = ZlibDecoder::new(deflated).take(INFLATED_MAX + 1).read_to_end(&mut plain);
    inflated.map_err(|_| Unusable::Damaged("it does not inflate"))?;
    if plain.len() as u64 > INFLATED_MAX { Err(Unusable::TooLong) } else { Ok(plain) }
}

fn packed(value: &impl Serialize) -> Vec<u8> {
    rmp_serde::to_vec_named(value).expect("every type of a part has a MessagePack form")
}

fn unpacked<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Unusable> {
    rmp_serde::from_slice(bytes).map_err(|error| Unusable::Foreign(error.to_string()))
}
