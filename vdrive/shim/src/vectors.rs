//! Reading and writing many pieces of memory in one call: readv, preadv and what became of them.

use core::ffi::{c_int, c_void};

use crate::descriptors::{give, take, transfer};
use crate::files::{Slot, slot};
use crate::frame::Op;
use crate::real::{self, set_errno};

/// Most pieces of one call (readv(2), IOV_MAX).
const MOST: c_int = 1024;

/// Flags of preadv2(2) that ask for nothing here: RWF_HIPRI, RWF_DSYNC, RWF_SYNC.
const HARMLESS: c_int = 0x1 | 0x2 | 0x4;
/// What is not in memory, and nothing is, is not waited for: RWF_NOWAIT.
const NOWAIT: c_int = 0x8;

/// What a call does with its pieces.
#[derive(Clone, Copy)]
struct Call {
    op: Op,
    /// Where, or the file's position.
    at: Option<i64>,
    /// Flags of preadv2(2).
    how: c_int,
}

/// One piece of memory after the other, until one is not filled.
///
/// # Safety
/// `parts` leads to `count` pieces.
unsafe fn each(
    slot: &Slot,
    fd: c_int,
    parts: *const libc::iovec,
    count: c_int,
    call: Call,
) -> isize {
    let wrong = match call.how {
        _ if !(0..=MOST).contains(&count) => libc::EINVAL,
        how if how & !(HARMLESS | NOWAIT) != 0 => libc::EOPNOTSUPP,
        how if how & NOWAIT != 0 => libc::EAGAIN,
        _ => 0,
    };
    if wrong != 0 {
        set_errno(wrong);
        return -1;
    }
    let mut done = 0;
    for i in 0..count as usize {
        // SAFETY: passed on to the caller.
        let libc::iovec { iov_base, iov_len } = unsafe { parts.add(i).read() };
        let came = match (call.at, call.op) {
            (Some(at), op) => {
                let at = at.saturating_add(done as i64);
                transfer(slot, fd, op, iov_base as usize, iov_len, Some(at))
            }
            (None, Op::Read) => take(slot, fd, iov_base, iov_len),
            (None, _) => give(slot, fd, iov_base.cast_const().cast::<c_void>(), iov_len),
        };
        if came < 0 {
            return if done > 0 { done } else { came };
        }
        done += came;
        if (came as usize) < iov_len {
            break;
        }
    }
    done
}

macro_rules! calls {
    ($($name:ident($($at:ident $($how:ident)?)?), $op:expr, $call:expr;)+) => {
        $(
            /// readv(2).
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(
                fd: c_int,
                parts: *const libc::iovec,
                count: c_int,
                $($at: i64, $($how: c_int,)?)?
            ) -> isize {
                let (at, how) = $call;
                let call = Call { op: $op, at, how };
                match slot(fd) {
                    // SAFETY: the caller's pieces are as many as it says.
                    Some(slot) => unsafe { each(slot, fd, parts, count, call) },
                    // SAFETY: passed on as it came.
                    None => unsafe { real::$name(fd, parts, count $(, $at $(, $how)?)?) },
                }
            }
        )+
    };
}

calls! {
    readv(), Op::Read, (None, 0);
    writev(), Op::Write, (None, 0);
    preadv(at), Op::Read, (Some(at), 0);
    preadv64(at), Op::Read, (Some(at), 0);
    pwritev(at), Op::Write, (Some(at), 0);
    pwritev64(at), Op::Write, (Some(at), 0);
    preadv2(at how), Op::Read, (place(at), how);
    preadv64v2(at how), Op::Read, (place(at), how);
    pwritev2(at how), Op::Write, (place(at), how);
    pwritev64v2(at how), Op::Write, (place(at), how);
}

/// Where a call with flags reads or writes: -1 is the position.
fn place(at: i64) -> Option<i64> {
    Some(at).filter(|at| *at != -1)
}
