//! What several modules share.
