//! Services of third parties for tests: Testing Farm, Jenkins, Prow, GitHub Actions, GitLab and a service of no one.
//!
//! A [`Double`] listens on this machine, keeps its jobs in memory, and answers as the documentation of the real service says;
//! the real clients of each service read it (`.ci/check-doubles`). A job goes on when its status is requested, so that
//! nothing depends on time. A [`Fault`] makes it break on purpose.
//!
//! `GET /_double/jobs` lists the jobs of any double, which no real service has.

mod double;
mod fault;
mod github;
mod gitlab;
mod http;
mod http_job;
mod jenkins;
mod jobs;
mod prow;
mod testing_farm;

pub use double::{Double, Options, Service};
pub use fault::{Fault, ParseFaultError};
pub use jobs::JobView;
