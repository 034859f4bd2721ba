//! The runner with evidence providers and evaluators made of closures.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::channel,
    },
    time::{Duration, Instant},
};

use assay_model::{
    decide::Decision,
    digest::Digest,
    effective_time::EffectiveTime,
    error::{ErrorCode, EvaluationError},
    event::{RunEvent, RunFinished, RunStarted, StopReason},
    evidence::{Attestation, Check, CheckKind, Evidence},
    finding::Finding,
    image::{ImageRef, PinnedImage},
    outcome::{Outcome, Verdict},
    policy::PolicySpec,
    port::{EvaluationContext, Evaluator, EvidenceProvider, IndexEntry, ResolvedImage},
    snapshot::{Component, Snapshot},
};

use crate::{Evaluators, Job, RunError, RunHandle, run};

type Collected = Box<dyn Fn(&PinnedImage) -> Result<Evidence, EvaluationError> + Send + Sync>;

struct Images {
    collected: Collected,
}

fn pinned(image: &ImageRef) -> PinnedImage {
    image.pinned().unwrap_or_else(|| image.repository().at(Digest::of(image.to_string().as_bytes())))
}

impl EvidenceProvider for Images {
    fn resolve(&self, image: &ImageRef) -> Result<ResolvedImage, EvaluationError> {
        if image.repository().path().contains("lost") {
            return Err(EvaluationError::new(ErrorCode::ImageNotFound, format!("`{image}` is not there")));
        }
        let entry = |architecture: Option<&str>, bytes: &[u8]| IndexEntry {
            digest: Digest::of(bytes),
            position: 1,
            architecture: architecture.map(str::to_owned),
        };
        let index = image.repository().path().contains("index");
        Ok(ResolvedImage {
            image: pinned(image),
            index: index
                .then(|| vec![entry(Some("amd64"), b"1"), entry((image.tag() == Some("2")).then_some(""), b"2")]),
        })
    }

    fn check_exists(&self, image: &PinnedImage) -> Result<(), EvaluationError> {
        // The first manifest of an index that is not there.
        match image.repository.path() {
            "absent-index" if image.digest == Digest::of(b"1") => {
                Err(EvaluationError::new(ErrorCode::ImageNotFound, "it is not there"))
            }
            _ => Ok(()),
        }
    }

    fn collect(&self, image: &PinnedImage) -> Result<Evidence, EvaluationError> {
        (self.collected)(image)
    }
}

fn evidence(image: &PinnedImage) -> Evidence {
    Evidence {
        image: image.clone(),
        media_type: "m".to_owned(),
        manifest: (*b"{}").into(),
        config: None,
        base_image: None,
        files: std::collections::BTreeMap::new(),
        signatures: vec![],
        attestations: vec![attestation()],
        notices: vec![],
        checks: vec![Check { kind: CheckKind::ImageSignature, failure: None }],
    }
}

fn attestation() -> Attestation {
    Attestation {
        statement: (*b"{}").into(),
        digest: Digest::of(b"{}"),
        statement_type: "t".to_owned(),
        predicate_type: "p".to_owned(),
        build_type: None,
        signatures: vec![],
    }
}

struct FnEvaluator<F>(F);

impl<F: Fn(&EvaluationContext<'_>) -> Result<Decision, EvaluationError> + Send + Sync> Evaluator for FnEvaluator<F> {
    fn name(&self) -> &'static str {
        "says"
    }

    fn evaluate(&self, context: &EvaluationContext<'_>) -> Result<Decision, EvaluationError> {
        (self.0)(context)
    }
}

fn fine(_: &EvaluationContext<'_>) -> Result<Decision, EvaluationError> {
    Ok(Decision { successes: vec![Finding::new("says.fine", "Pass")], ..Decision::default() })
}

fn snapshot(components: &[(&str, &str)]) -> Arc<Snapshot> {
    let components = components.iter().map(|(name, image)| Component::new(name, image)).collect();
    Arc::new(Snapshot { components, ..Snapshot::of_image("r.example/a") })
}

fn evaluators(evaluators: Vec<Arc<dyn Evaluator>>) -> Evaluators {
    let head = RunStarted {
        snapshot: String::new(),
        application: String::new(),
        key: String::new(),
        policy: PolicySpec::default(),
        skipped: vec![],
        plugins: vec![],
        started_at: None,
        effective_time: jiff::Timestamp::UNIX_EPOCH,
        version: "0".to_owned(),
    };
    Evaluators { head: Arc::new(head), evaluators: evaluators.into() }
}

/// A job with its evaluators.
struct TestRun {
    job: Job,
    evaluators: Evaluators,
}

fn job(components: &[(&str, &str)], collected: Collected, all: Vec<Arc<dyn Evaluator>>) -> TestRun {
    let evaluators = evaluators(all);
    let job = Job {
        head: Arc::clone(&evaluators.head),
        snapshot: snapshot(components),
        provider: Arc::new(Images { collected }),
        unreachable_policy: None,
        effective_time: EffectiveTime::At(jiff::Timestamp::UNIX_EPOCH),
        keep_inputs: false,
        keep_statements: false,
        workers: NonZeroUsize::new(4).unwrap(),
        deadline: None,
        clock: || jiff::Timestamp::UNIX_EPOCH,
    };
    TestRun { job, evaluators }
}

fn ended(run_setup: &TestRun) -> (Arc<RunFinished>, Vec<RunEvent>) {
    let (_control, receiver) = RunHandle::new();
    let mut events = Vec::new();
    let evaluators = run_setup.evaluators.clone();
    let end =
        run(&run_setup.job, || Ok::<_, RunError>(evaluators), &receiver, &mut |event| events.push(event)).unwrap();
    (end, events)
}

fn shown(end: &RunFinished) -> Vec<String> {
    let line = |outcome: &Arc<assay_model::outcome::Outcome>| {
        let error = outcome.error.as_ref().map_or("", |error| error.code.as_str());
        let Decision { violations, warnings, successes } = &outcome.decision;
        format!("{} {}/{}/{} {error}", outcome.component.name, violations.len(), warnings.len(), successes.len())
    };
    end.outcomes.iter().map(line).collect()
}

#[test]
fn components_of_one_digest_are_both_evaluated_and_ties_have_one_order() {
    let same = [("b", "r.example/x:1"), ("a", "r.example/x:1"), ("c", "r.example/y:1")];
    let (end, events) = ended(&job(&same, Box::new(|image| Ok(evidence(image))), vec![Arc::new(FnEvaluator(fine))]));
    assert_eq!(shown(&end), ["c 0/0/2 ", "a 0/0/2 ", "b 0/0/2 "]);
    assert_eq!(end.verdict, Verdict::Allowed);
    assert!(matches!(events.first(), Some(RunEvent::Started(_))));
    assert!(matches!(events.get(1), Some(RunEvent::Planned { components: 3 })));
    assert!(matches!(events.last(), Some(RunEvent::Finished(_))));
    assert_eq!(events.len(), 3 + 2 * 3);
}

#[test]
fn an_index_is_evaluated_as_itself_and_as_each_of_its_manifests() {
    let (end, _) = ended(&job(&[("i", "r.example/index:1")], Box::new(|image| Ok(evidence(image))), vec![]));
    let mut names: Vec<_> = end.outcomes.iter().map(|outcome| outcome.component.name.clone()).collect();
    names.sort();
    let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
    let mut want = ["i".to_owned(), format!("i-{one}-amd64"), format!("i-{two}-noarch-1")];
    want.sort();
    assert_eq!(names, want);
}

#[test]
fn an_empty_architecture_is_none() {
    let (end, _) = ended(&job(&[("i", "r.example/index:2")], Box::new(|image| Ok(evidence(image))), vec![]));
    let want = format!("i-{}-noarch-1", Digest::of(b"2"));
    assert!(end.outcomes.iter().any(|outcome| outcome.component.name == want), "{:?}", shown(&end));
}

#[test]
fn a_manifest_of_an_index_that_is_not_there_is_a_violation_where_that_is_wanted() {
    let all = [("i", "r.example/absent-index:1")];
    let collected: Collected = Box::new(|image| Ok(evidence(image)));
    let mut run_setup = job(&all, collected, vec![Arc::new(FnEvaluator(fine))]);
    let count = |run_setup: &TestRun| {
        let (end, _) = ended(run_setup);
        let with = |is: fn(&Outcome) -> bool| end.outcomes.iter().filter(|outcome| is(outcome)).count();
        (with(|outcome| outcome.error.is_some()), with(|outcome| !outcome.decision.violations.is_empty()))
    };
    assert_eq!(count(&run_setup), (1, 0));
    run_setup.job.unreachable_policy =
        Some(Arc::new(|_, error| Some(Finding::new("not.there", error.message.clone()))));
    assert_eq!(count(&run_setup), (0, 1));
}

#[test]
fn an_error_leaves_the_other_components_evaluated_and_outranks_a_denial() {
    let collected: Collected = Box::new(|image| match image.repository.path() {
        "broken" => Err(EvaluationError::new(ErrorCode::DigestMismatch, "no")),
        "panics" => panic!("a bug"),
        _ => Ok(evidence(image)),
    });
    let deny = FnEvaluator(|context: &EvaluationContext<'_>| match context.component.name.as_str() {
        "d" => Ok(Decision { violations: vec![Finding::new("says.no", "No")], ..Decision::default() }),
        "j" => panic!("another bug"),
        "n" => Ok(Decision::default()),
        _ => fine(context),
    });
    let components = [
        ("a", "r.example/broken"),
        ("b", "r.example/lost"),
        ("c", "Not An Image"),
        ("d", "r.example/d"),
        ("e", "r.example/e"),
        ("j", "r.example/j"),
        ("n", "r.example/n"),
        ("p", "r.example/panics"),
    ];
    let (end, _) = ended(&job(&components, collected, vec![Arc::new(deny), Arc::new(FnEvaluator(fine))]));
    let mut lines = shown(&end);
    lines.sort();
    let want = [
        "a 0/0/0 digest-mismatch",
        "b 0/0/0 image-not-found",
        "c 0/0/0 image-reference",
        "d 1/0/2 ",
        "e 0/0/3 ",
        "j 0/0/2 internal",
        "n 0/0/2 no-results",
        "p 0/0/0 internal",
    ];
    assert_eq!(lines, want);
    assert_eq!(end.verdict, Verdict::Error);
}

#[test]
fn an_image_that_cannot_be_resolved_is_a_violation_where_that_is_wanted() {
    let components = [("b", "r.example/lost"), ("c", "Not An Image"), ("e", "r.example/e")];
    let mut run_setup = job(&components, Box::new(|image| Ok(evidence(image))), vec![Arc::new(FnEvaluator(fine))]);
    run_setup.job.unreachable_policy = Some(Arc::new(|_, error| {
        (error.code == ErrorCode::ImageNotFound).then(|| Finding::new("not.there", error.message.clone()))
    }));
    let (end, _) = ended(&run_setup);
    let mut lines = shown(&end);
    lines.sort();
    assert_eq!(lines, ["b 1/0/0 ", "c 0/0/0 image-reference", "e 0/0/2 "]);
}

#[test]
fn an_image_whose_attestations_fail_is_denied_without_evaluating_policies() {
    let collected: Collected = Box::new(|image| {
        let failed = Check { kind: CheckKind::AttestationSignature, failure: Some("none".to_owned()) };
        Ok(Evidence { checks: vec![failed], ..evidence(image) })
    });
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let evaluator = FnEvaluator(move |context: &EvaluationContext<'_>| {
        count.fetch_add(1, Ordering::Relaxed);
        fine(context)
    });
    let (end, _) = ended(&job(&[("a", "r.example/a")], collected, vec![Arc::new(evaluator)]));
    assert_eq!(shown(&end), ["a 1/0/0 "]);
    assert_eq!((end.verdict, calls.load(Ordering::Relaxed)), (Verdict::Denied, 0));
}

#[test]
fn an_image_without_attestations_is_denied_even_where_their_check_is_left_out() {
    let collected: Collected = Box::new(|image| Ok(Evidence { attestations: vec![], ..evidence(image) }));
    let (end, _) = ended(&job(&[("a", "r.example/a")], collected, vec![Arc::new(FnEvaluator(fine))]));
    assert_eq!(shown(&end), ["a 1/0/1 "]);
    let violation = end.outcomes.first().unwrap().decision.violations.first().unwrap().clone();
    assert_eq!(violation.message, "No attestations contain a subject that match the given image.");
}

#[test]
fn each_component_has_its_own_time_and_keeps_what_reports_need() {
    let collected: Collected = Box::new(|image| {
        let year = if image.repository.path() == "old" { 2020 } else { 2021 };
        let statement = format!(r#"{{"predicate":{{"metadata":{{"buildFinishedOn":"{year}-01-01T00:00:00Z"}}}}}}"#);
        let attestation = Attestation { statement: statement.into_bytes().into(), ..attestation() };
        Ok(Evidence { attestations: vec![attestation], ..evidence(image) })
    });
    let says = FnEvaluator(|context: &EvaluationContext<'_>| {
        let success = Finding::new("says.when", context.when.to_string());
        Ok(Decision { successes: vec![success], ..Decision::default() })
    });
    let mut run_setup = job(&[("old", "r.example/old"), ("new", "r.example/new")], collected, vec![Arc::new(says)]);
    run_setup.job.effective_time = EffectiveTime::PerBuild { fallback: jiff::Timestamp::UNIX_EPOCH };
    (run_setup.job.keep_inputs, run_setup.job.keep_statements) = (true, true);
    let (end, _) = ended(&run_setup);
    let of = |outcome: &Outcome| {
        let message = outcome.decision.successes.last().unwrap().message.clone();
        (message, outcome.evaluated_at.unwrap().to_string(), outcome.input.is_some(), outcome.statements.len())
    };
    let at = |time: &str| (time.to_owned(), time.to_owned(), true, 1);
    let got: Vec<_> = end.outcomes.iter().map(|outcome| of(outcome)).collect();
    assert_eq!(got, [at("2020-01-01T00:00:00Z"), at("2021-01-01T00:00:00Z")]);
    assert_eq!(end.effective_time.to_string(), "2021-01-01T00:00:00Z");
}

#[test]
fn the_end_does_not_depend_on_the_number_of_workers() {
    let components: Vec<(String, String)> =
        (0..40).map(|n| (format!("c{n}"), format!("r.example/{}/index", n % 7))).collect();
    let components: Vec<(&str, &str)> =
        components.iter().map(|(name, image)| (name.as_str(), image.as_str())).collect();
    let of = |workers| {
        let mut run_setup = job(&components, Box::new(|image| Ok(evidence(image))), vec![Arc::new(FnEvaluator(fine))]);
        run_setup.job.workers = NonZeroUsize::new(workers).unwrap();
        let (end, _) = ended(&run_setup);
        format!("{:?}", end.outcomes)
    };
    let one = of(1);
    assert_eq!(one, of(8));
    assert!(one.contains("c39"));
}

/// Evaluators wait for it until the test opens it, so that a run is stopped before its end.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn wait(&self) {
        let open = self.open.lock().unwrap();
        drop(self.opened.wait_while(open, |open| !*open).unwrap());
    }
    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

fn held_job(gate: &Arc<Gate>) -> TestRun {
    let gate = Arc::clone(gate);
    let evaluator = FnEvaluator(move |context: &EvaluationContext<'_>| {
        if context.component.name == "slow" {
            gate.wait();
        }
        fine(context)
    });
    let components = [("fast", "r.example/fast"), ("slow", "r.example/slow"), ("lost", "r.example/lost")];
    job(&components, Box::new(|image| Ok(evidence(image))), vec![Arc::new(evaluator)])
}

#[test]
fn a_deadline_is_an_error_only_of_components_without_an_outcome() {
    let gate = Arc::new(Gate::default());
    let mut run_setup = held_job(&gate);
    let limit = Duration::from_millis(300);
    run_setup.job.deadline = Some((Instant::now() + limit, limit));
    let (end, _) = ended(&run_setup);
    gate.open();
    assert_eq!(shown(&end), ["slow 0/0/0 deadline", "lost 0/0/0 image-not-found", "fast 0/0/2 "]);
    assert_eq!((end.stopped, end.verdict), (Some(StopReason::Deadline), Verdict::Error));
}

#[test]
fn an_interruption_ends_the_run_with_what_is_known() {
    let gate = Arc::new(Gate::default());
    let TestRun { job, evaluators } = held_job(&gate);
    let (control, receiver) = RunHandle::new();
    let mut evaluated = 0;
    let end = run(&job, || Ok::<_, RunError>(evaluators), &receiver, &mut |event| {
        if matches!(event, RunEvent::ComponentFinished(_)) {
            evaluated += 1;
            if evaluated == 2 {
                control.interrupt();
            }
        }
    });
    gate.open();
    let end = end.unwrap();
    assert_eq!(shown(&end), ["slow 0/0/0 interrupted", "lost 0/0/0 image-not-found", "fast 0/0/2 "]);
    assert_eq!(end.stopped, Some(StopReason::Interrupted));
}

#[test]
fn images_are_collected_while_policies_are_loaded_and_nothing_is_reported_before() {
    let (has_collected, collected) = channel();
    let has_collected = Mutex::new(has_collected);
    let provider: Collected = Box::new(move |image| {
        drop(has_collected.lock().unwrap().send(image.to_string()));
        Ok(evidence(image))
    });
    let components: Vec<_> = (0..40).map(|n| (format!("c{n}"), format!("r.example/c{n}"))).collect();
    let mut components: Vec<_> = components.iter().map(|(name, image)| (name.as_str(), image.as_str())).collect();
    components.push(("lost", "r.example/lost"));
    let TestRun { job, evaluators } = job(&components, provider, vec![Arc::new(FnEvaluator(fine))]);
    let (_control, receiver) = RunHandle::new();
    // Waits for as many images as may be in memory before they are evaluated; more do not come.
    let load = move || {
        let buffered: Vec<_> = (0..12).map(|_| collected.recv_timeout(Duration::from_secs(60)).unwrap()).collect();
        assert_eq!((buffered.len(), collected.try_recv().is_err()), (12, true));
        Ok::<_, RunError>(evaluators)
    };
    let mut events = Vec::new();
    let end = run(&job, load, &receiver, &mut |event| events.push(event)).unwrap();
    assert!(matches!(events.get(..2), Some([RunEvent::Started(_), RunEvent::Planned { components: 41 }])));
    assert_eq!((end.verdict, end.outcomes.len(), events.len()), (Verdict::Error, 41, 3 + 2 * 41));
}

#[derive(Debug)]
enum Failed {
    NoPolicy,
    Run(RunError),
}

impl From<RunError> for Failed {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}

#[test]
fn policies_that_cannot_be_loaded_end_the_run_before_anything_is_reported() {
    let components = [("a", "r.example/a"), ("b", "r.example/lost")];
    let of = |load: fn() -> Result<Evaluators, Failed>| {
        let TestRun { job, .. } = job(&components, Box::new(|image| Ok(evidence(image))), vec![]);
        let (_control, receiver) = RunHandle::new();
        let mut emitted = 0;
        let error = run(&job, load, &receiver, &mut |_| emitted += 1).unwrap_err();
        assert_eq!(emitted, 0);
        error
    };
    assert!(matches!(of(|| Err(Failed::NoPolicy)), Failed::NoPolicy));
    assert!(matches!(of(|| panic!("a bug")), Failed::Run(RunError::Panicked)));
}

#[test]
fn a_run_that_is_stopped_while_policies_are_loaded_is_reported_completely() {
    let TestRun { job, evaluators } = job(
        &[("a", "r.example/a"), ("b", "r.example/lost")],
        Box::new(|image| Ok(evidence(image))),
        vec![Arc::new(FnEvaluator(fine))],
    );
    let (control, receiver) = RunHandle::new();
    let mut events = Vec::new();
    let load = move || {
        control.interrupt();
        Ok::<_, RunError>(evaluators)
    };
    let end = run(&job, load, &receiver, &mut |event| events.push(event)).unwrap();
    assert_eq!((end.stopped, end.verdict), (Some(StopReason::Interrupted), Verdict::Error));
    assert_eq!(end.outcomes.len(), 2);
    assert!(matches!(events.first(), Some(RunEvent::Started(_))));
}

#[test]
fn policies_that_never_load_do_not_keep_a_run_beyond_its_deadline() {
    let components = [("a", "r.example/a"), ("b", "r.example/lost")];
    let TestRun { mut job, evaluators } = job(&components, Box::new(|image| Ok(evidence(image))), vec![]);
    let limit = Duration::from_millis(100);
    job.deadline = Some((Instant::now() + limit, limit));
    let gate = Arc::new(Gate::default());
    let held = Arc::clone(&gate);
    let load = move || {
        held.wait();
        Ok::<_, RunError>(evaluators)
    };
    let (_control, receiver) = RunHandle::new();
    let mut events = Vec::new();
    let end = run(&job, load, &receiver, &mut |event| events.push(event)).unwrap();
    gate.open();
    assert_eq!(shown(&end), ["b 0/0/0 image-not-found", "a 0/0/0 deadline"]);
    assert_eq!((end.stopped, end.verdict), (Some(StopReason::Deadline), Verdict::Error));
    assert!(matches!(events.first(), Some(RunEvent::Started(_))));
}
