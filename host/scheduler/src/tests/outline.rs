//! The outline of a request, which is written part by part.

use assay_model::run::{RunOutline, WriteOutline as _};

use super::support::{request, scenario, task};
use crate::RunRequest;

/// The ID of a run depends on every byte of its outline.
#[test]
fn an_outline_that_is_written_is_an_outline_that_is_read_and_written_again() {
    let tasks = vec![task("a", &[]), task("b", &["a"])];
    let mut request = request(vec![scenario("s", tasks), scenario("t", Vec::new())]);
    for supersedes in [None, Some("group".to_owned())] {
        request.supersedes = supersedes;
        let mut written = Vec::new();
        request.outline().unwrap().write(&mut written).unwrap();
        let read: RunOutline = serde_json::from_slice(&written).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), serde_json::to_string(&read).unwrap());
        assert_eq!(RunRequest::of_outline(&read).unwrap(), request);
        assert_eq!(read.scenarios[0].tasks[1].name, "b");
    }
}
