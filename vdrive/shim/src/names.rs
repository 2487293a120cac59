//! Which paths mean a node of the server, and which mean something in the tree beside its socket.
//!
//! Paths are looked at as text; a few bytes are compared before anything else is done.

use core::ffi::{CStr, c_char, c_int};
use core::sync::atomic::{AtomicU32, Ordering};

use crate::files;
use crate::frame::{Node, Op, Request};
use crate::wire;

/// Longest path that is looked at.
pub(crate) const LONGEST: usize = 512;

/// What a path means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// A node of the server; whether by way of a link.
    Node(Node, bool),
    /// A descriptor of this process that is a file of the server.
    Descriptor(Node),
    /// The folder of the nodes.
    Dev,
    /// A node that a recorder of this machine may have: there is none, to the program.
    Absent,
}

/// What is usually linked to the first drive.
pub(crate) const LINKS: [&CStr; 4] = [c"cdrom", c"cdrw", c"dvd", c"dvdrw"];

/// A path of its own.
pub(crate) struct Path {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Path {
    const fn empty() -> Path {
        Path { bytes: [0; LONGEST], len: 0 }
    }

    fn push(&mut self, byte: u8) -> bool {
        // The last byte stays zero.
        let fits = self.len + 1 < LONGEST;
        if fits {
            self.bytes[self.len] = byte;
            self.len += 1;
        }
        fits
    }

    fn extend(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().all(|byte| self.push(*byte))
    }

    fn text(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// For the C library.
    pub(crate) fn as_ptr(&self) -> *const c_char {
        self.bytes.as_ptr().cast()
    }
}

/// How many drives the server has, once it has been asked, plus one.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// How many drives there are.
pub(crate) fn count() -> u16 {
    let known = COUNT.load(Ordering::Relaxed);
    if known > 0 {
        return (known - 1) as u16;
    }
    let asked = wire::question(&Request::new(Op::Count));
    let count = asked.ok().and_then(|count| u16::try_from(count).ok());
    if let Some(count) = count {
        COUNT.store(u32::from(count) + 1, Ordering::Relaxed);
    }
    count.unwrap_or(0)
}

/// What a path means to this library; `None` for all that is not its affair.
///
/// # Safety
/// `path` is null or a C string.
pub(crate) unsafe fn name(path: *const c_char) -> Option<Name> {
    // SAFETY: passed on to the caller.
    let text = unsafe { candidate(path) }?;
    let mut tidy = Path::empty();
    if text[0] != b'/' {
        let here = working_folder();
        if !(tidy.extend(here.text()) && tidy.push(b'/')) {
            return None;
        }
    }
    for part in text.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return None,
            part => {
                if tidy.text().last() != Some(&b'/') && !tidy.push(b'/') {
                    return None;
                }
                if !tidy.extend(part) {
                    return None;
                }
            }
        }
    }
    meaning(tidy.text())
}

/// The text of a path, if a glance does not rule it out.
///
/// # Safety
/// `path` is null or a C string.
unsafe fn candidate<'a>(path: *const c_char) -> Option<&'a [u8]> {
    if path.is_null() || !wire::is_active() {
        return None;
    }
    // SAFETY: the path is a C string.
    let text = unsafe { CStr::from_ptr(path) }.to_bytes();
    if text.is_empty() || text.len() >= LONGEST {
        return None;
    }
    if text[0] == b'/' {
        return Some(text);
    }
    let last = text.rsplit(|byte| *byte == b'/').next().unwrap_or(text);
    (plain_node(last).is_some() || link(last)).then_some(text)
}

fn working_folder() -> Path {
    let mut path = Path::empty();
    let room = path.bytes.len();
    // SAFETY: the buffer is as long as said.
    let len = unsafe { libc::syscall(libc::SYS_getcwd, path.bytes.as_mut_ptr(), room) };
    path.len = usize::try_from(len).unwrap_or(1).saturating_sub(1).min(LONGEST - 1);
    path
}

fn meaning(path: &[u8]) -> Option<Name> {
    if let Some(rest) = path.strip_prefix(b"/dev") {
        return match rest {
            b"" => Some(Name::Dev),
            b"/stdin" => descriptor(b"0"),
            b"/stdout" => descriptor(b"1"),
            b"/stderr" => descriptor(b"2"),
            _ => {
                let name = rest.strip_prefix(b"/")?;
                name.strip_prefix(b"fd/").map_or_else(|| device(name), descriptor)
            }
        };
    }
    descriptor(path.strip_prefix(b"/proc/self/fd/")?)
}

fn descriptor(number: &[u8]) -> Option<Name> {
    let fd = c_int::try_from(decimal(number)?).ok()?;
    files::slot(fd).map(|slot| Name::Descriptor(slot.node()))
}

fn device(name: &[u8]) -> Option<Name> {
    if let Some(node) = plain_node(name) {
        // The old name of an sr node is a link to it.
        let link = name.starts_with(b"scd");
        return Some(if node.index < count() { Name::Node(node, link) } else { Name::Absent });
    }
    let first = Node { sg: false, index: 0 };
    (link(name) && count() > 0).then_some(Name::Node(first, true))
}

fn link(name: &[u8]) -> bool {
    LINKS.iter().any(|link| link.to_bytes() == name)
}

/// The node of a name such as `sr0`, whether there is such a drive or not.
pub(crate) fn plain_node(name: &[u8]) -> Option<Node> {
    let (sg, number) = match name {
        [b's', b'r', number @ ..] => (false, number),
        [b's', b'g', number @ ..] => (true, number),
        [b's', b'c', b'd', number @ ..] => (false, number),
        _ => return None,
    };
    let index = u16::try_from(decimal(number)?).ok()?;
    Some(Node { sg, index })
}

fn decimal(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 5 {
        return None;
    }
    text.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
    })
}

/// Where a path leads in the tree beside the socket, if it is there.
///
/// # Safety
/// `path` is null or a C string.
pub(crate) unsafe fn mirror(path: *const c_char) -> Option<Path> {
    if path.is_null() || !wire::is_active() {
        return None;
    }
    // SAFETY: the path is a C string.
    let text = unsafe { CStr::from_ptr(path) }.to_bytes();
    let ours = [&b"/sys/"[..], b"/proc/scsi", b"/proc/sys/dev/cdrom", b"/proc/partitions"];
    if !ours.iter().any(|start| text.starts_with(start)) {
        return None;
    }
    let root = root()?;
    let mut there = Path::empty();
    if !(there.extend(root.text()) && there.extend(text)) {
        return None;
    }
    let saved = crate::real::errno();
    // SAFETY: the path is a C string.
    let found = unsafe {
        libc::syscall(libc::SYS_faccessat, libc::AT_FDCWD, there.as_ptr(), libc::F_OK) == 0
    };
    crate::real::set_errno(saved);
    found.then_some(there)
}

/// The root of the tree beside the socket.
pub(crate) fn root() -> Option<Path> {
    let (socket, len) = wire::server()?;
    let mut root = Path::empty();
    (root.extend(&socket[..len]) && root.extend(b".d")).then_some(root)
}

/// The part of a path behind the root of the tree, if it lies in there.
///
/// # Safety
/// `path` is a C string.
pub(crate) unsafe fn behind_root(path: *const c_char) -> Option<*const c_char> {
    let root = root()?;
    // SAFETY: the path is a C string.
    let text = unsafe { CStr::from_ptr(path) }.to_bytes();
    let rest = text.strip_prefix(root.text())?;
    Some(rest.as_ptr().cast())
}
