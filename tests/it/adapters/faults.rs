//! Every adapter: green, red, canceled in the queue and while it runs, and each way in which a service breaks.

use super::shop::{Adapter, OTHERS, RUST, Shop, for_each};

/// What is done to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Nothing,
    CancelQueued,
    CancelRunning,
}

struct Case {
    faults: &'static [&'static str],
    act: Act,
    /// Whether jobs fail.
    fails: bool,
    /// The state of the task.
    state: &'static str,
    /// What the cause says.
    says: &'static str,
    submissions: usize,
}

const fn case(faults: &'static [&'static str], act: Act, state: &'static str, says: &'static str) -> Case {
    Case { faults, act, fails: false, state, says, submissions: 1 }
}

const CASES: [Case; 15] = [
    case(&[], Act::Nothing, "passed", ""),
    Case { fails: true, ..case(&[], Act::Nothing, "failed", "") },
    case(&["queued-for-ever"], Act::CancelQueued, "canceled", ""),
    case(&["never"], Act::CancelRunning, "canceled", ""),
    case(&["never", "orphan"], Act::CancelRunning, "canceled", ""),
    case(&["429:1"], Act::Nothing, "passed", ""),
    case(&["503:1"], Act::Nothing, "passed", ""),
    case(&["lost-post:1"], Act::Nothing, "passed", ""),
    case(&["half:1"], Act::Nothing, "passed", ""),
    case(&["slow:1"], Act::Nothing, "passed", ""),
    Case { submissions: 0, ..case(&["expired"], Act::Nothing, "error", "secret `") },
    case(&["vanish"], Act::Nothing, "error", "404"),
    case(&["clock-skew:86400"], Act::Nothing, "passed", ""),
    case(&["no-report"], Act::Nothing, "passed", ""),
    case(&["endless-log"], Act::Nothing, "passed", ""),
];

fn check(adapter: Adapter, case: &Case) {
    let shop = Shop::new(&[adapter], case.faults, |options| {
        if case.fails {
            options.result = options.service.failed().to_owned();
        }
    });
    let ended = match case.act {
        Act::Nothing => shop.run(),
        Act::CancelQueued => shop.run_and_cancel(|job| job.polls > 0),
        Act::CancelRunning => shop.run_and_cancel(|job| job.state == "running"),
    };
    let (task, jobs) = (ended.task(), shop.jobs());
    let about = || {
        format!(
            "{} {:?}: {task:#} {jobs:#?} {:?} {:#?}",
            adapter.name,
            case.faults,
            ended.output,
            shop.doubles[0].requests()
        )
    };
    assert_eq!(task["state"], case.state, "{}", about());
    let cause = task["cause"]["message"].as_str().unwrap_or_default();
    assert!(cause.contains(case.says), "{}", about());
    let lost = usize::from(!adapter.has_search && case.faults == ["lost-post:1"]);
    assert_eq!(jobs.len(), case.submissions + lost, "{}", about());
    let open = jobs.iter().filter(|job| job.is_open).count();
    assert_eq!(open, lost, "{}", about());
    let keys: std::collections::BTreeSet<&str> = jobs.iter().map(|job| job.key.as_str()).collect();
    assert!(keys.len() == case.submissions && keys.iter().all(|key| key.len() == 64), "{}", about());
    if case.submissions > 0 {
        let remote = &task["remote"];
        assert_eq!(remote["service"], adapter.name, "{}", about());
        assert!(remote["id"].is_string() && remote["polls"].as_u64() > Some(0), "{}", about());
    }
}

fn check_all(adapters: &[Adapter]) {
    let all: Vec<(Adapter, &Case)> =
        adapters.iter().flat_map(|adapter| CASES.iter().map(move |case| (*adapter, case))).collect();
    for_each(&all, |(adapter, case)| check(*adapter, case));
}

#[test]
fn an_adapter_in_rust_submits_once_ends_with_the_verdict_and_leaves_nothing_running() {
    check_all(&RUST);
}

#[test]
#[ignore = "needs the plugins in other languages: ASSAY_PLUGINS, the folder of `cargo xtask plugins`"]
fn an_adapter_in_another_language_submits_once_ends_with_the_verdict_and_leaves_nothing_running() {
    check_all(&OTHERS);
}
