//! What the engine decides.

use std::{collections::BTreeMap, time::Duration};

use assay_konflux::plan::{OnError, Predecessor, ScenarioPlan, Section, TaskPlan, Timeouts};
use assay_model::{
    outcome::Verdict,
    port::RecordChange,
    run::{Cause, Change, Concurrency, Job, JobKey, OnFull, ParamValue, RunState, TaskId, TaskResult},
};
use jiff::Timestamp;
use proptest::prelude::*;

use super::support::{finally_task, matrix_of, request, scenario, taking, task, when_status, when_text};
use crate::{
    Reused, RunRequest,
    engine::{Engine, Limits, Now, Output, Restored},
};

/// An engine with a queue and a record that are maps.
struct World {
    engine: Engine,
    request: RunRequest,
    now: Now,
    queue: BTreeMap<JobKey, Job>,
    results: Vec<(JobKey, TaskId, TaskResult)>,
    states: BTreeMap<String, RunState>,
    causes: BTreeMap<String, Cause>,
    order: Vec<String>,
    abandoned: BTreeMap<JobKey, (RunState, Cause)>,
}

impl World {
    fn new(request: RunRequest) -> Self {
        let now = Now { elapsed: Duration::ZERO, wall: Timestamp::UNIX_EPOCH };
        let engine = Engine::new(Limits::default());
        let mut world = Self {
            engine,
            request,
            now,
            queue: BTreeMap::new(),
            results: Vec::new(),
            states: BTreeMap::new(),
            causes: BTreeMap::new(),
            order: Vec::new(),
            abandoned: BTreeMap::new(),
        };
        world.restart();
        world
    }

    /// All that is not in the queue or the record is forgotten.
    fn restart(&mut self) {
        self.engine = Engine::new(Limits::default());
        let mut stored = Restored::nothing(&self.request);
        self.results.iter().for_each(|(_, task, result)| stored.add_result(task.clone(), result));
        self.queue.values().for_each(|job| stored.add_job(job.task.clone(), job.key.clone()));
        let mut output = Output::default();
        let id = self.request.run_id().unwrap();
        self.engine.add(id, self.request.clone(), stored, self.now, &mut output).unwrap();
        self.take(output);
    }

    fn take(&mut self, output: Output) {
        for job in output.offers {
            self.order.push(job.task.task.clone());
            self.queue.insert(job.key.clone(), job);
        }
        for change in output.changes {
            let (name, record) = match change {
                RecordChange::Scenario { scenario, state, .. } => (scenario, state),
                RecordChange::Task { task, state, .. } => (task.to_string(), state),
                RecordChange::Run { state, .. } => ("run".to_owned(), state),
                RecordChange::Event(event) => {
                    if let Change::State { state, .. } = event.change
                        && let Some(task) = event.task
                    {
                        self.states.insert(format!("{}/{task}", event.scenario.unwrap()), state);
                    }
                    continue;
                }
            };
            self.states.insert(name.clone(), record.state);
            if let Some(cause) = record.cause {
                self.causes.insert(name, cause);
            }
        }
        for (key, state, cause) in output.abandoned {
            self.abandoned.insert(key, (state, cause));
        }
    }

    fn fill(&mut self, window: usize) {
        let mut output = Output::default();
        self.engine.check_deadlines(self.now, &mut output);
        self.engine.fill(window, self.now, &mut output);
        self.take(output);
    }

    fn job(&self, task: &str) -> Job {
        let found = self.queue.values().find(|job| job.task.task == task);
        found.unwrap_or_else(|| panic!("no job for {task}: {:?}", self.order)).clone()
    }

    fn start(&mut self, task: &str) {
        let mut output = Output::default();
        let key = self.job(task).key;
        self.engine.started(&key, 1, self.now, &mut output);
        self.take(output);
    }

    fn end(&mut self, task: &str, state: RunState) {
        let result = ParamValue::from("value");
        self.end_with(task, state, &[("r", result)]);
    }

    fn end_with(&mut self, task: &str, state: RunState, results: &[(&str, ParamValue)]) {
        let job = self.job(task);
        self.queue.remove(&job.key);
        let (state, cause) = match self.abandoned.get(&job.key) {
            Some((state, cause)) => (*state, Some(cause.clone())),
            None => (state, (state != RunState::Passed).then(|| Cause::new("test", "as the test says"))),
        };
        let mut result = TaskResult::new(state, Timestamp::UNIX_EPOCH);
        result.cause = cause;
        result.results = results.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        self.results.push((job.key.clone(), job.task.clone(), result.clone()));
        let mut output = Output::default();
        self.engine.ended(&job.key, &result, self.now, &mut output);
        self.take(output);
    }

    /// Ends every task as it says, the default is passed.
    fn finish(&mut self, states: &[(&str, RunState)]) {
        loop {
            self.fill(usize::MAX);
            let Some(job) = self.queue.values().next().cloned() else { break };
            let task = &job.task.task;
            let state = states.iter().find(|(name, _)| name == task).map_or(RunState::Passed, |(_, state)| *state);
            self.start(task);
            self.end(task, state);
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now.elapsed += Duration::from_millis(ms);
    }

    fn cancel(&mut self) {
        let mut output = Output::default();
        let id = self.request.run_id().unwrap();
        self.engine.cancel(&id, &Cause::new("canceled", "by the test"), self.now, &mut output);
        self.take(output);
    }

    fn verdict(&self) -> Option<Verdict> {
        self.engine.ends().next().and_then(|(_, end)| end).map(|(_, verdict)| verdict)
    }

    fn state(&self, name: &str) -> RunState {
        *self.states.get(name).unwrap_or_else(|| panic!("{name}: {:?}", self.states))
    }
}

fn one(tasks: Vec<TaskPlan>) -> World {
    World::new(request(vec![scenario("s", tasks)]))
}

#[test]
fn tasks_start_when_those_before_them_have_ended() {
    let mut world = one(vec![task("c", &["a", "b"]), task("a", &[]), task("b", &[]), finally_task("f")]);
    world.fill(10);
    assert_eq!(world.order, ["a", "b"]);
    world.end("a", RunState::Passed);
    world.fill(10);
    assert_eq!(world.order.len(), 2);
    world.end("b", RunState::Warned);
    world.fill(10);
    assert_eq!(world.order, ["a", "b", "c"]);
    world.end("c", RunState::Passed);
    world.fill(10);
    assert_eq!(world.order, ["a", "b", "c", "f"]);
    assert!(!world.engine.is_done());
    world.end("f", RunState::Passed);
    assert!(world.engine.is_done());
    assert_eq!((world.state("s"), world.verdict()), (RunState::Warned, Some(Verdict::Allowed)));
}

#[test]
fn a_failed_task_keeps_others_from_starting_and_finally_runs_all_the_same() {
    let mut world = one(vec![task("a", &[]), task("b", &[]), task("c", &["a"]), finally_task("f")]);
    world.fill(10);
    world.end("a", RunState::Failed);
    assert_eq!(world.state("s/c"), RunState::Skipped);
    world.fill(10);
    assert_eq!(world.order, ["a", "b"], "what runs is left to end");
    world.end("b", RunState::Passed);
    world.fill(10);
    assert_eq!(world.order, ["a", "b", "f"]);
    world.end("f", RunState::Passed);
    assert_eq!((world.state("s"), world.verdict()), (RunState::Failed, Some(Verdict::Denied)));
    assert!(world.causes["s"].message.contains("`a`"), "{:?}", world.causes["s"]);
}

#[test]
fn a_failure_that_is_ignored_lets_the_others_go_on_and_is_reported() {
    let ignored = TaskPlan { on_error: OnError::Continue, ..task("a", &[]) };
    let mut world = one(vec![ignored, task("b", &["a"])]);
    world.finish(&[("a", RunState::Failed)]);
    assert_eq!((world.state("s"), world.verdict()), (RunState::Warned, Some(Verdict::Allowed)));
    assert!(world.causes["s"].message.contains("`a`"));
}

#[test]
fn a_condition_that_does_not_hold_skips_the_task_and_what_takes_its_results_and_nothing_else() {
    let mut world = one(vec![when_text("a", false, &[]), taking("b", "a"), task("c", &["a"]), task("d", &["b"])]);
    world.finish(&[]);
    assert_eq!(
        ["a", "b", "c", "d"].map(|task| world.state(&format!("s/{task}"))),
        [RunState::Skipped, RunState::Skipped, RunState::Passed, RunState::Passed]
    );
    assert_eq!(world.state("s"), RunState::Passed);
    let mut nothing = one(vec![when_text("a", false, &[])]);
    nothing.finish(&[]);
    assert_eq!(nothing.state("s"), RunState::Warned, "nothing was tested, and that is reported");
}

#[test]
fn a_task_that_passed_without_the_result_that_another_takes_is_an_error() {
    let mut world = one(vec![task("a", &[]), taking("b", "a")]);
    world.fill(10);
    world.end_with("a", RunState::Passed, &[]);
    world.fill(10);
    assert_eq!((world.state("s/b"), world.state("s")), (RunState::Error, RunState::Error));
    assert_eq!(world.verdict(), Some(Verdict::Error));
    assert_eq!(world.causes["s/b"].code, "missing-result");
}

#[test]
fn results_become_parameters_and_never_expressions() {
    let mut world = one(vec![task("a", &[]), taking("b", "a")]);
    world.fill(10);
    world.end_with("a", RunState::Passed, &[("r", ParamValue::from("$(tasks.a.results.r)"))]);
    world.fill(10);
    assert_eq!(world.job("b").call.params["p"], ParamValue::from("$(tasks.a.results.r)"));
}

#[test]
fn finally_sees_how_tasks_ended() {
    let finally = |task: TaskPlan| TaskPlan { section: Section::Finally, ..task };
    let tasks = vec![
        task("a", &[]),
        task("b", &["a"]),
        finally(when_status("on-failed", "a", "Failed")),
        finally(when_status("on-none", "b", "None")),
        finally(when_status("on-passed", "a", "Succeeded")),
    ];
    let mut world = one(tasks);
    world.finish(&[("a", RunState::Failed)]);
    assert_eq!(
        ["on-failed", "on-none", "on-passed"].map(|task| world.state(&format!("s/{task}"))),
        [RunState::Passed, RunState::Passed, RunState::Skipped]
    );
}

#[test]
fn a_matrix_of_a_result_becomes_cells_and_their_results_a_list() {
    let mut world = one(vec![task("a", &[]), matrix_of("m", "a"), task("c", &["m"])]);
    world.fill(10);
    let list = ParamValue::Items(vec!["x".to_owned(), "y".to_owned()]);
    world.end_with("a", RunState::Passed, &[("r", list)]);
    world.fill(10);
    assert_eq!(world.order, ["a", "m-0", "m-1"]);
    assert_eq!(world.job("m-1").call.params["p"], ParamValue::from("y"));
    world.end("m-0", RunState::Passed);
    world.fill(10);
    assert_eq!(world.order.len(), 3, "all cells first");
    world.restart();
    world.end("m-1", RunState::Passed);
    world.finish(&[]);
    assert_eq!(
        (world.state("s/c"), world.state("s/m"), world.state("s")),
        (RunState::Passed, RunState::Passed, RunState::Passed)
    );
}

#[test]
fn a_scenario_after_another_one_starts_then_and_fails_with_it_if_it_is_to_fail_fast() {
    let after = |name: &str, fail_fast| ScenarioPlan {
        after: vec![Predecessor { name: "first".to_owned(), fail_fast }],
        ..scenario(name, vec![task(name, &[])])
    };
    let build = || {
        World::new(request(vec![
            scenario("first", vec![task("first", &[])]),
            after("fast", true),
            after("slow", false),
        ]))
    };
    let mut world = build();
    world.fill(10);
    assert_eq!(world.order, ["first"]);
    assert_eq!((world.state("fast"), world.causes["fast"].code.as_str()), (RunState::Pending, "predecessors"));
    world.end("first", RunState::Failed);
    world.finish(&[]);
    assert_eq!(["fast", "slow"].map(|name| world.state(name)), [RunState::Failed, RunState::Passed]);
    assert_eq!(world.causes["fast"].message, "Cancelled on account of required first failing");
    let mut world = build();
    world.finish(&[]);
    assert_eq!(world.verdict(), Some(Verdict::Allowed));
}

#[test]
fn a_scenario_that_never_begins_leaves_no_task_without_an_end() {
    let build = || {
        World::new(request(vec![
            scenario("first", vec![task("first", &[])]),
            ScenarioPlan {
                after: vec![Predecessor { name: "first".to_owned(), fail_fast: true }],
                ..scenario("second", vec![task("a", &[]), task("b", &["a"]), finally_task("f")])
            },
        ]))
    };
    let mut world = build();
    world.finish(&[("first", RunState::Failed)]);
    assert_eq!(["a", "b", "f"].map(|task| world.state(&format!("second/{task}"))), [RunState::Skipped; 3]);
    assert_eq!(world.state("second"), RunState::Failed);
    let mut world = build();
    world.cancel();
    world.finish(&[]);
    assert_eq!(["a", "b", "f"].map(|task| world.state(&format!("second/{task}"))), [RunState::Canceled; 3]);
}

/// B28: what was replaced by a newer run starts nothing more.
#[test]
fn a_run_that_was_replaced_starts_nothing_more() {
    let mut world = one(vec![task("a", &[]), task("b", &["a"])]);
    world.fill(10);
    world.start("a");
    world.cancel();
    world.end("a", RunState::Passed);
    world.finish(&[]);
    assert_eq!(world.order, ["a"]);
    assert_eq!((world.state("s/b"), world.verdict()), (RunState::Canceled, Some(Verdict::Error)));
}

/// B14: without a required scenario nothing denies.
#[test]
fn a_run_without_a_required_scenario_passes() {
    let mut world = World::new(request(Vec::new()));
    world.finish(&[]);
    assert_eq!(world.verdict(), Some(Verdict::Allowed));
    let optional = ScenarioPlan { optional: true, ..scenario("s", vec![task("a", &[])]) };
    let mut world = World::new(request(vec![optional]));
    world.finish(&[("a", RunState::Failed)]);
    assert_eq!((world.state("s"), world.verdict()), (RunState::Failed, Some(Verdict::Allowed)));
}

#[test]
fn a_result_that_is_reused_counts_and_what_comes_after_it_starts() {
    let after = vec![Predecessor { name: "first".to_owned(), fail_fast: true }];
    let mut plan = request(vec![
        scenario("first", vec![task("a", &[]), finally_task("f")]),
        ScenarioPlan { after, ..scenario("second", vec![task("b", &[])]) },
    ]);
    let (run, id) = (plan.run_id().unwrap(), plan.run_id().unwrap());
    plan.reused = BTreeMap::from([("first".to_owned(), Reused { run, state: RunState::Passed })]);
    assert_eq!(plan.run_id().unwrap(), id, "what is reused makes no other run");
    let mut world = World::new(plan);
    world.finish(&[]);
    assert_eq!(world.order, ["b"]);
    assert_eq!((world.state("first"), world.causes["first"].code.as_str()), (RunState::Passed, "cached"));
    assert_eq!((world.state("first/f"), world.verdict()), (RunState::Skipped, Some(Verdict::Allowed)));
    // Only what passed is reused.
    let mut plan = request(vec![scenario("first", vec![task("a", &[])])]);
    let run = plan.run_id().unwrap();
    plan.reused = BTreeMap::from([("first".to_owned(), Reused { run, state: RunState::Failed })]);
    let mut world = World::new(plan);
    world.finish(&[]);
    assert_eq!(world.order, ["a"]);
}

#[test]
fn the_content_of_a_scenario_is_its_tasks_its_plugins_and_the_components_that_it_looks_at() {
    let of = |param: &str, components: &[&str], plugin: &[u8]| {
        let components = components.iter().map(|name| (*name).to_owned()).collect();
        let mut plan = request(vec![ScenarioPlan { components, ..scenario("s", vec![task("a", &[])]) }]);
        plan.plan.snapshot.param = param.to_owned();
        plan.plugins.get_mut("noop").unwrap().digest = assay_model::digest::Digest::of(plugin);
        plan.content_of("s").unwrap()
    };
    let one = r#"{"components":[{"name":"a","containerImage":"1"},{"name":"b","containerImage":"1"}]}"#;
    let other = one.replace(r#""b","containerImage":"1""#, r#""b","containerImage":"2""#);
    assert_eq!(of(one, &["a"], b"p"), of(&other, &["a"], b"p"));
    assert_ne!(of(one, &["b"], b"p"), of(&other, &["b"], b"p"));
    assert_ne!(of(one, &[], b"p"), of(&other, &[], b"p"));
    assert_ne!(of(one, &["a"], b"p"), of(one, &["a"], b"q"));
    assert_eq!(request(Vec::new()).content_of("s"), None);
}

#[test]
fn the_verdict_is_that_of_the_required_scenarios_and_an_error_counts_more_than_a_failure() {
    let optional = |name: &str| ScenarioPlan { optional: true, ..scenario(name, vec![task(name, &[])]) };
    let required = |name: &str| scenario(name, vec![task(name, &[])]);
    for (states, want) in [
        ([RunState::Passed, RunState::Passed, RunState::Failed], Verdict::Allowed),
        ([RunState::Passed, RunState::Warned, RunState::Error], Verdict::Allowed),
        ([RunState::Failed, RunState::Passed, RunState::Passed], Verdict::Denied),
        ([RunState::Failed, RunState::Error, RunState::Passed], Verdict::Error),
        ([RunState::TimedOut, RunState::Failed, RunState::Passed], Verdict::Error),
    ] {
        let mut world = World::new(request(vec![required("a"), required("b"), optional("c")]));
        world.finish(&[("a", states[0]), ("b", states[1]), ("c", states[2])]);
        assert_eq!(world.verdict(), Some(want), "{states:?}");
    }
    let mut world = World::new(request(vec![]));
    world.fill(1);
    assert_eq!((world.verdict(), world.causes["run"].code.as_str()), (Some(Verdict::Allowed), "no-required-scenario"));
}

#[test]
fn a_canceled_run_lets_go_of_its_tasks_and_cleans_up() {
    let mut world = one(vec![task("a", &[]), task("b", &["a"]), finally_task("f")]);
    world.fill(10);
    world.start("a");
    world.cancel();
    assert_eq!(world.state("s/b"), RunState::Canceled);
    assert_eq!(world.abandoned.len(), 1);
    world.end("a", RunState::Passed);
    world.cancel();
    world.finish(&[]);
    assert_eq!(
        ["s/f", "s", "run"].map(|name| world.state(name)),
        [RunState::Passed, RunState::Canceled, RunState::Canceled]
    );
    assert_eq!(world.verdict(), Some(Verdict::Error));
}

#[test]
fn a_budget_counts_from_the_first_task_that_starts_and_ends_the_tasks_that_it_is_for() {
    let timeouts = Timeouts { tasks: Some(1_000), finally_tasks: Some(500), pipeline: Some(2_000) };
    let plan = ScenarioPlan { timeouts, ..scenario("s", vec![task("a", &[]), task("b", &["a"]), finally_task("f")]) };
    let mut world = World::new(request(vec![plan]));
    world.fill(10);
    world.pass(100_000);
    world.fill(10);
    assert!(world.abandoned.is_empty(), "time in the queue is not charged");
    world.start("a");
    assert_eq!(world.engine.next_deadline(), Some(Duration::from_millis(101_000)));
    world.pass(999);
    world.fill(10);
    assert!(world.abandoned.is_empty());
    world.pass(1);
    world.fill(10);
    assert_eq!(world.state("s/b"), RunState::TimedOut);
    assert_eq!(world.abandoned.len(), 1);
    world.end("a", RunState::Passed);
    world.fill(10);
    world.start("f");
    world.end("f", RunState::Passed);
    assert_eq!(world.state("s"), RunState::TimedOut);
    assert!(world.causes["s"].message.contains("`run`"), "{}", world.causes["s"].message);
}

#[test]
fn a_task_that_waits_for_a_worker_for_too_long_is_timed_out() {
    let mut plan = request(vec![scenario("s", vec![task("a", &[]), task("b", &[])])]);
    plan.queue_ms = Some(1_000);
    let mut world = World::new(plan);
    world.fill(1);
    world.pass(1_000);
    world.fill(1);
    assert_eq!(world.abandoned.len(), 1);
    assert_eq!(world.state("s/b"), RunState::TimedOut);
    assert!(world.causes["s/b"].message.contains("`queue`"));
}

#[test]
fn a_full_concurrency_group_makes_a_scenario_wait_or_replaces_the_oldest() {
    for (on_full, want) in [(OnFull::Queue, RunState::Passed), (OnFull::CancelOlder, RunState::Canceled)] {
        let mut plan = request(vec![scenario("old", vec![task("old", &[])]), scenario("new", vec![task("new", &[])])]);
        for name in ["old", "new"] {
            let group = Concurrency { group: "cluster".to_owned(), max: 1, on_full };
            plan.concurrency.insert(name.to_owned(), group);
        }
        let mut world = World::new(plan);
        world.fill(10);
        assert_eq!((world.state("new"), world.causes["new"].code.as_str()), (RunState::Queued, "concurrency-group"));
        world.finish(&[]);
        assert_eq!([world.state("old"), world.state("new")], [want, RunState::Passed]);
    }
}

#[test]
fn a_plan_that_goes_round_in_a_circle_or_names_nothing_is_refused() {
    for tasks in [
        vec![task("a", &["b"]), task("b", &["a"])],
        vec![task("a", &["a"])],
        vec![task("a", &["nowhere"])],
        vec![task("a", &[]), task("a", &[])],
    ] {
        let plan = request(vec![scenario("s", tasks)]);
        let stored = Restored::default();
        let now = Now { elapsed: Duration::ZERO, wall: Timestamp::UNIX_EPOCH };
        let id = plan.run_id().unwrap();
        let added = Engine::new(Limits::default()).add(id, plan, stored, now, &mut Output::default());
        assert!(matches!(added, Err(crate::InvalidRequest::Malformed(_))), "{added:?}");
    }
}

/// A pipeline and how its tasks end.
fn pipelines() -> impl Strategy<Value = (Vec<TaskPlan>, Vec<RunState>)> {
    let task = (any::<u32>(), 0_u8..8, prop::bool::weighted(0.2));
    proptest::collection::vec(task, 1..9).prop_map(|drawn| {
        let mut tasks: Vec<TaskPlan> = Vec::new();
        let mut states = Vec::new();
        for (index, (bits, kind, is_ignored)) in drawn.into_iter().enumerate() {
            let name = format!("t{index}");
            let after: Vec<String> =
                (0..index).filter(|before| bits >> before & 3 == 0).map(|before| format!("t{before}")).collect();
            let after: Vec<&str> = after.iter().map(String::as_str).collect();
            let mut plan = match (kind, after.last()) {
                (0, Some(last)) => taking(&name, last),
                (1, _) => when_text(&name, bits & 1 == 0, &after),
                _ => task_named(&name, &after),
            };
            if is_ignored {
                plan.on_error = OnError::Continue;
            }
            tasks.push(plan);
            states.push(if kind == 7 { RunState::Failed } else { RunState::Passed });
        }
        tasks.push(finally_task("f"));
        states.push(RunState::Passed);
        (tasks, states)
    })
}

fn task_named(name: &str, after: &[&str]) -> TaskPlan {
    task(name, after)
}

/// Ends one task after the other in the order in which they were offered, and restarts after each of these numbers of ends.
fn play(tasks: &[TaskPlan], states: &[RunState], restarts: &[usize]) -> BTreeMap<String, RunState> {
    let mut world = one(tasks.to_vec());
    for number in 0.. {
        if restarts.contains(&number) {
            world.restart();
        }
        // With a smaller window it is chance what has started when a task fails.
        world.fill(usize::MAX);
        if restarts.contains(&(number + 100)) {
            world.restart();
            world.fill(usize::MAX);
        }
        let Some(name) =
            world.order.iter().find(|name| world.queue.values().any(|job| job.task.task == **name)).cloned()
        else {
            break;
        };
        let index = tasks.iter().position(|task| task.name == name).unwrap();
        world.start(&name);
        world.end(&name, states[index]);
    }
    assert!(world.engine.is_done(), "it hangs: {:?}", world.states);
    let mut ends = world.states;
    ends.extend(world.results.into_iter().map(|(_, task, result)| (task.to_string(), result.state)));
    ends
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn a_run_that_is_interrupted_anywhere_ends_as_one_that_is_not(
        (tasks, states) in pipelines(),
        restarts in proptest::collection::vec(prop_oneof![0_usize..10, 100_usize..110], 0..6),
    ) {
        let whole = play(&tasks, &states, &[]);
        for state in whole.values() {
            prop_assert!(state.is_final(), "{whole:?}");
        }
        prop_assert_eq!(play(&tasks, &states, &restarts), whole);
    }
}
