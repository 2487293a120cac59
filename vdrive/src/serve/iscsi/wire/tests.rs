//! Units that other programs sent, parsed and emitted again.
