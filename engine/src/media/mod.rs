//! What each medium allows: a table from profile to rules.
