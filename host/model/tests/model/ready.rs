//! What an execution wants done next: each place of a step, in each situation.
