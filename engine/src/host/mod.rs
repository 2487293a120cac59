//! Device implementations of this machine: SG_IO and the host clock. The only place in `engine` with `unsafe`.
