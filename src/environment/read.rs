//! The bytes of a file → its text. Reads no more than an environment file may
//! have, and tells apart what it is when it is no text.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::desired::Location;
use super::load_error::Unreadable;

/// Many thousand services; past it the file is something else.
const LARGEST: u64 = 1024 * 1024;

pub(super) fn text(path: &Path) -> Result<String, Unreadable> {
    let file = path.to_string_lossy();
    let cannot = |error: std::io::Error| Unreadable::io(&file, &error);
    // Looked at before it is opened: opening a pipe may wait forever.
    let kind = fs::metadata(path).map_err(cannot)?;
    if kind.is_dir() {
        return Err(Unreadable::new(&file, "is a folder, not a file"));
    }
    if !kind.is_file() {
        return Err(Unreadable::new(&file, "is not an ordinary file").help("name a .toml file"));
    }
    if kind.len() > LARGEST {
        return Err(too_large(&file, &format!("is {}", size(kind.len()))));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|opened| opened.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(cannot)?;
    if bytes.len() as u64 > LARGEST {
        // It has grown, or says of itself that it is smaller.
        return Err(too_large(&file, "is too large"));
    }
    decode(&file, bytes)
}

/// A file that an environment file names; its name starts at that file's folder.
pub(super) fn beside(environment: &Path, name: &str) -> io::Result<Vec<u8>> {
    bytes(&place(environment, name))
}

/// Where such a file is.
pub(super) fn place(environment: &Path, name: &str) -> PathBuf {
    environment.parent().unwrap_or(Path::new("")).join(name)
}

/// What is in a file, whatever it is.
pub(super) fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let kind = fs::metadata(path)?;
    if !kind.is_file() {
        return Err(io::Error::other("it is not an ordinary file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    Ok(bytes)
}

fn too_large(file: &str, what: &str) -> Unreadable {
    Unreadable::new(
        file,
        &format!("{what}; an environment file has at most 1 MiB"),
    )
    .help("check that it is the right file; a large environment can be split into several files")
}

/// The size of what is too large: rounded up, so that it never reads as 1 MB.
fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let tenths = bytes.div_ceil(unit / 10);
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole} {name}"),
        (whole @ 0..10, tenth) => format!("{whole}.{tenth} {name}"),
        (whole, _) => format!("{} {name}", whole + 1),
    }
}

pub(super) fn decode(file: &str, bytes: Vec<u8>) -> Result<String, Unreadable> {
    if is_utf16(&bytes) {
        return Err(Unreadable::new(file, "is UTF-16 text").help("save it as UTF-8"));
    }
    if let Some(nul) = bytes.iter().position(|b| *b == 0) {
        return Err(Unreadable::new(file, "is binary: it has a NUL byte")
            .at(location(file, &bytes, nul))
            .help("check that it is the right file; an environment file is UTF-8 text"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let byte = bytes.get(at).copied().unwrap_or_default();
        Unreadable::new(
            file,
            &format!("is not UTF-8: the byte 0x{byte:02X} cannot be read"),
        )
        .at(location(file, bytes, at))
        .help("save the file as UTF-8")
    })
}

/// A byte order mark, or NUL as every other byte of the beginning: so UTF-16
/// writes the characters that TOML is made of.
fn is_utf16(bytes: &[u8]) -> bool {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return true;
    }
    let pairs: Vec<&[u8]> = bytes[..bytes.len().min(256)].chunks_exact(2).collect();
    let nul = |side: usize| pairs.iter().filter(|pair| pair[side] == 0).count();
    let (first, second) = (nul(0), nul(1));
    let most = pairs.len() * 3 / 4;
    pairs.len() >= 2 && ((first == 0 && second > most) || (second == 0 && first > most))
}

fn location(file: &str, bytes: &[u8], offset: usize) -> Location {
    let before = &bytes[..offset];
    let start = before
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |end| end + 1);
    Location {
        file: file.to_owned(),
        line: before.iter().filter(|b| **b == b'\n').count() + 1,
        column: String::from_utf8_lossy(&before[start..]).chars().count() + 1,
    }
}
