//! The engine in virtual time, and the scheduler with plugins made of closures on a real store.

mod engine;
mod hostile;
mod outline;
mod remote;
mod scheduler;
mod support;
