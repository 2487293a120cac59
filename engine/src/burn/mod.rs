//! How an image gets onto a disc: plan, phases, events, outcome. Sees an image only as sectors.
