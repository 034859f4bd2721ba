//! Jobs whose time came, many at once.

use std::time::Duration;

use assay_model::{
    port::{Disposition, Queue as _, RunRecord as _, TakeRequest},
    run::{ErrorClass, Job, Priority},
};

use super::{Folder, job, outline, run};

/// More of them than are changed in one piece of work.
#[test]
fn however_many_jobs_are_due_the_most_urgent_is_taken_first() {
    let folder = Folder::new();
    let store = folder.open();
    let id = run("run-a");
    store.create(&id, &outline(&["a"])).unwrap();
    let request = |max| TakeRequest { worker: "w".to_owned(), max, lease: Duration::from_secs(30), runs: Vec::new() };
    let names: Vec<String> = (0..300).map(|number| format!("t{number}")).collect();
    let jobs = names.iter().map(|name| {
        let priority = if name == "t299" { Priority::Urgent } else { Priority::Bulk };
        Job { priority, ..job(&id, name) }
    });
    store.offer(jobs.collect()).unwrap();
    let mut leases = store.take(&request(300), Duration::ZERO).unwrap();
    assert_eq!(leases.len(), 300);
    // The urgent one is the last that is due.
    leases.sort_by_key(|lease| lease.job.priority);
    for (after, lease) in (1..).zip(&leases) {
        let retry = Disposition::Retry { after: Duration::from_millis(after), class: ErrorClass::Infrastructure };
        store.settle(vec![(lease.token.clone(), retry)]).unwrap();
    }
    folder.clock.advance(Duration::from_secs(1));
    let first = store.take(&request(1), Duration::ZERO).unwrap();
    assert_eq!(first.iter().map(|lease| lease.job.task.task.as_str()).collect::<Vec<_>>(), ["t299"]);
    assert_eq!(store.take(&request(300), Duration::ZERO).unwrap().len(), 299);
}
