//! What holds for the model: the fold, what it wants next, recorded histories, and playbooks with mistakes.

mod fold;
mod histories;
mod history;
mod playbooks;
mod ready;
