//! Comparisons with what the originals did, recorded.

mod callback;
mod jinja;
