//! A recorder as a person knows it: identity, abilities, medium, tray, lock.
