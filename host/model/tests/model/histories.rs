//! Recorded histories of released versions.
