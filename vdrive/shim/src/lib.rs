//! A library that shows lent virtual drives to one program in place of real ones.
//!
//! Loaded before the C library (`LD_PRELOAD`), it stands in for the functions by which a program
//! looks for `/dev/sr0` and `/dev/sg0` and speaks to them, and takes what it is told to the server
//! whose socket `KILN_VDRIVE_SOCKET` names. Without that variable it only passes on. It is a
//! messenger: what a kernel does and knows is the server's affair.
//!
//! What it keeps to, since it lives inside programs that know nothing of it: no memory is allocated
//! but what the program is to free, and nothing is printed; no state has to be set up or torn down,
//! but for a standard stream that a shell has opened on a node; the C library's functions are found
//! when first needed; what is not the server's is passed on unchanged, with `errno` as it was;
//! nothing panics, and if something did, the program would end at the border (`extern "C"`).
#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "it is made of C functions and the memory of programs")]

#[path = "../../src/serve/local/calls.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared with the server, which needs the rest")]
mod calls;
mod descriptors;
mod files;
mod folders;
#[path = "../../src/serve/local/frame.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared with the server, which needs the rest")]
mod frame;
mod lock;
mod look;
mod moving;
mod names;
mod opening;
mod polling;
mod queue;
mod real;
mod sgio;
mod streams;
mod vectors;
mod wire;
