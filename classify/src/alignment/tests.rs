//! What alignments must do.
