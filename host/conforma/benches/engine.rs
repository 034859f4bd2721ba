//! `cargo bench --package assay-rego`: parsing, loading, compiling and evaluating, each by itself, on the policies of
//! this repository and on one that is made here.

#![expect(clippy::expect_used, reason = "a bench that cannot run has to say so")]

use std::{hint::black_box, path::Path, sync::Arc};

use assay_conforma::compile_options;
use assay_rego::{
    Sources,
    bench_support::{HostResults, PreparedResults, Program, on_large_stack, parse},
};
use criterion::{Criterion, criterion_group, criterion_main};

/// A typical policy: lists of data are searched for each element of the input.
const POLICY: &str = r#"package bench

tasks contains task if some task in input.tasks

trusted[ref] := last if {
	some ref, records in data.trusted
	current := [record | some record in records; time.parse_rfc3339_ns(record.from) < time.now_ns()]
	last := current[count(current) - 1]
}

digest(task) := parts[1] if parts := split(task.ref, "@")

deny contains result if {
	some task in tasks
	not trusted[split(task.ref, "@")[0]].digest == digest(task)
	result := {"code": "bench.trusted", "msg": sprintf("Task %s is not trusted", [task.name])}
}

warn contains result if {
	some task in tasks
	every step in task.steps {
		not regex.match(`^quay\.io/other/`, step.image)
	}
	some label, value in task.labels
	startswith(label, "odd-")
	result := {"code": "bench.labels", "msg": concat(": ", [task.name, label, value])}
}
"#;

fn data() -> String {
    let record = |task: usize, day: u8| {
        format!("    - from: \"2025-01-{day:02}T00:00:00Z\"\n      digest: sha256:{task:032x}{day:032x}\n")
    };
    let task = |task: usize| {
        let records: String = (1..=20).map(|day| record(task, day)).collect();
        format!("  quay.io/tasks/task-{task}:\n{records}")
    };
    let tasks: String = (0..200).map(task).collect();
    format!("trusted:\n{tasks}")
}

fn input() -> String {
    let task = |at: usize| {
        let step = |step: usize| format!(r#"{{"image":"quay.io/steps/step-{step}"}}"#);
        let steps: Vec<_> = (0..5).map(step).collect();
        let labels = r#"{"a":"1","odd-b":"2","c":"3"}"#;
        let reference = format!("quay.io/tasks/task-{at}@sha256:{at:032x}{:032x}", 20);
        format!(r#"{{"name":"t{at}","ref":"{reference}","labels":{labels},"steps":[{}]}}"#, steps.join(","))
    };
    let tasks: Vec<_> = (0..100).map(task).collect();
    format!(r#"{{"tasks":[{}]}}"#, tasks.join(","))
}

fn sources(folder: &Path) -> Sources {
    let mut sources = Sources::new();
    sources.add_policy(&folder.join("bench.rego")).expect("the policy is there");
    sources.add_data(&folder.join("data.yaml")).expect("the data is there");
    sources
}

fn engine(bench: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    fs_err::write(folder.path().join("bench.rego"), POLICY).expect("written");
    fs_err::write(folder.path().join("data.yaml"), data()).expect("written");
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let text = fs_err::read_to_string(ours.join("release/build/build.rego")).expect("a policy of ours");
    bench.bench_function("parse one policy", |bench| bench.iter(|| parse(black_box(&text))));
    bench.bench_function("read 4,000 records of data", |bench| bench.iter(|| sources(folder.path())));
    bench.bench_function("compile our policies", |bench| {
        let sources = || {
            let mut sources = Sources::new();
            sources.add_policy(&ours).expect("our policies");
            sources
        };
        bench.iter_batched(
            sources,
            |sources| Program::compile(sources, compile_options()),
            criterion::BatchSize::SmallInput,
        );
    });
    let program = Program::compile(sources(folder.path()), compile_options()).expect("it compiles");
    let (input, results) = (input(), Arc::new(PreparedResults::new(&HostResults::new()).expect("no results")));
    let mut now = 1_763_000_000_000_000_000;
    bench.bench_function("evaluate at one time", |bench| {
        on_large_stack(|| bench.iter(|| program.run(&input, &results, now))).expect("a thread");
    });
    bench.bench_function("evaluate each run at another time", |bench| {
        on_large_stack(|| {
            bench.iter(|| {
                now += 1;
                program.run(&input, &results, now)
            });
        })
        .expect("a thread");
    });
}

criterion_group!(benches, engine);
criterion_main!(benches);
