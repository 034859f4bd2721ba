//! Gathers and judges components in parallel and hands on what happened as events.
