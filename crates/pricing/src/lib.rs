//! Turns lines and rules into a quote with its reasons. Pure: no database, no clock, no network.
