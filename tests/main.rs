//! Tests of the whole: one binary, one file per theme.

mod case;
mod laws;
