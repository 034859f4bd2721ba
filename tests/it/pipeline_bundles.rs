//! Pipelines in Tekton bundles: found by their names, pinned by digest, kept, and refused where the bundle is not as it should be.

use assay_model::digest::Digest;
use serde_json::json;
use xtask::{layer::Layer, layout};

use crate::{
    fixture::{CommandOutput, command},
    registry::{Fault, Registry},
    runs::Shop,
};

/// A bundle with resources: kind, name, the file in the layer.
fn bundle(registry: &Registry, name: &str, resources: &[(&str, &str, &str)]) -> Digest {
    let layers: Vec<_> = resources
        .iter()
        .map(|(kind, name, text)| {
            let layer = Layer::of(&[(*name, *text)]).unwrap();
            registry.put_blob(&layer.bytes);
            json!({"mediaType": layer.media_type, "digest": Digest::of(&layer.bytes), "size": layer.bytes.len(),
                "annotations": {"dev.tekton.image.kind": kind, "dev.tekton.image.name": name, "dev.tekton.image.apiVersion": "v1"}})
        })
        .collect();
    let manifest = json!({"schemaVersion": 2, "mediaType": layout::MANIFEST,
        "config": {"mediaType": layout::CONFIG, "digest": Digest::of(b"{}"), "size": 2}, "layers": layers});
    registry.put_manifest(name, layout::MANIFEST, manifest.to_string().as_bytes())
}

/// A shop whose pipeline is in a bundle and not among its files.
struct Bundled {
    shop: Shop,
    registry: Registry,
    digest: Digest,
    resources: String,
}

impl Bundled {
    fn new() -> Self {
        let (shop, registry) = (Shop::new("success"), Registry::start());
        let text = fs_err::read_to_string(shop.fixture.path("resources.yaml")).unwrap();
        let (resources, pipeline) = text.rsplit_once("---\n").unwrap();
        let task = "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: two-tasks}\nspec: {steps: [{name: a, image: a}]}\n";
        let other = pipeline.replace("name: two-tasks", "name: other");
        let all =
            [("task", "two-tasks", task), ("pipeline", "other", other.as_str()), ("Pipeline", "two-tasks", pipeline)];
        let digest = bundle(&registry, "tests/two:1", &all);
        Self { resources: resources.to_owned(), shop, registry, digest }
    }

    /// Runs with the pipeline of this name in the bundle of this reference.
    fn run(&self, reference: &str, name: &str, more: &[&str]) -> CommandOutput {
        let cluster = "{resolver: cluster, params: [{name: kind, value: pipeline}, {name: name, value: two-tasks}]}";
        let bundles = format!(
            "{{resolver: bundles, params: [{{name: bundle, value: '{}/{reference}'}}, {{name: name, value: {name}}}, {{name: kind, value: pipeline}}]}}",
            self.registry.host()
        );
        assert!(self.resources.contains(cluster));
        self.shop.fixture.file("resources.yaml", &self.resources.replace(cluster, &bundles));
        let cache = self.shop.fixture.path("fetched");
        let arguments = self.shop.arguments(&["--dev", "--cache-dir", cache.as_str()]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
        CommandOutput::of(&command(&arguments).output().unwrap())
    }

    fn pinned(&self) -> String {
        format!("tests/two@{}", self.digest)
    }
}

/// P16: what is pinned and was fetched once needs no registry any more.
#[test]
fn a_pipeline_of_a_bundle_is_pinned_and_kept_and_then_needs_no_registry() {
    let bundled = Bundled::new();
    bundled.run(&bundled.pinned(), "two-tasks", &[]).expect(0, "verdict passed");
    let requests = bundled.registry.requests().len();
    assert!(requests > 0);
    fs_err::remove_dir_all(bundled.shop.fixture.path("store")).unwrap();
    bundled.registry.fault("tests/two", Fault::Broken);
    bundled.run(&bundled.pinned(), "two-tasks", &[]).expect(0, "verdict passed");
    assert_eq!(bundled.registry.requests().len(), requests, "{:?}", bundled.registry.requests());
    // Another one of the same bundle: only its layer is missing, and the registry is broken.
    let output = bundled.run(&bundled.pinned(), "other", &[]);
    output.expect(2, "the scenario `extra`");
    assert!(output.err.contains(&bundled.registry.host()), "{output:?}");
}

#[test]
fn a_tag_is_resolved_each_time_and_people_learn_what_it_was() {
    let bundled = Bundled::new();
    let output = bundled.run("tests/two:1", "two-tasks", &[]);
    output.expect(0, "verdict passed");
    assert!(output.err.contains(&format!("it is {}/{} now", bundled.registry.host(), bundled.pinned())), "{output:?}");
}

#[test]
fn a_bundle_without_the_pipeline_is_refused_with_what_it_has() {
    let bundled = Bundled::new();
    bundled.run(&bundled.pinned(), "two-task", &[]).expect(2, "did you mean `two-tasks`?");
    bundled.run("tests/absent:1", "two-tasks", &[]).expect(2, "tests/absent");
    bundled.run("tests/two@sha256:1", "two-tasks", &[]).expect(2, "is not an image reference");
    let steps = "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {name: p}\nspec: {tasks: [{name: a, taskRef: {name: b}}]}\n";
    for (text, says) in [("{", "is rejected"), ("kind: Nothing", "has no pipeline"), (steps, "container steps")] {
        bundle(&bundled.registry, "tests/odd:1", &[("pipeline", "p", text)]);
        bundled.run("tests/odd:1", "p", &[]).expect(2, says);
    }
    // A layer beyond the limit would be one that nobody looks at.
    bundle(&bundled.registry, "tests/odd:1", &[("pipeline", "p", steps); 101]);
    bundled.run("tests/odd:1", "p", &[]).expect(2, "101 layers, more than the 100 allowed");
    assert!(!bundled.shop.fixture.path("store").exists());
}

/// D13: resolving has a limit, and nothing waits for a registry that is silent.
#[test]
fn a_registry_that_never_answers_ends_with_the_time_limit() {
    let bundled = Bundled::new();
    bundled.registry.fault("tests/two", Fault::Hang);
    let output = bundled.run(&bundled.pinned(), "two-tasks", &["--timeout", "2s"]);
    output.expect(3, "exceeded allowed execution time of 2s");
    assert!(!bundled.shop.fixture.path("store").exists());
}

/// P16: a registry that is busy is requested again, and one that stays busy so often and not more often, by each class of failure.
#[test]
fn a_registry_that_is_busy_for_a_moment_is_requested_again_and_one_that_stays_so_is_named() {
    let quickly = ["--retry-duration", "10ms", "--retry-max-wait", "20ms", "--retry-max-retry", "2"];
    let bundled = Bundled::new();
    bundled.registry.fault("tests/two", Fault::Later);
    bundled.run(&bundled.pinned(), "two-tasks", &quickly).expect(0, "verdict passed");
    let bundled = Bundled::new();
    bundled.registry.fault("tests/two", Fault::Throttled);
    let output = bundled.run(&bundled.pinned(), "two-tasks", &quickly);
    assert!(output.code == 2 || output.code == 3, "{output:?}");
    for part in ["the scenario `extra`", &bundled.registry.host(), "429"] {
        assert!(output.err.contains(part), "{output:?}");
    }
    // Two scenarios name it, and each request is made three times.
    assert_eq!(bundled.registry.requests().len(), 6, "{:?}", bundled.registry.requests());
}
