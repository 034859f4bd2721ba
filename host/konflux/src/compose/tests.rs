//! Tests of composing.

use assay_model::port::{PointerKey, PointerKind};
use serde_json::json;

use super::*;
use crate::import::{Source, import};

fn digest(mark: char) -> String {
    format!("sha256:{}", mark.to_string().repeat(64))
}

fn component(name: &str, status: &str) -> String {
    format!(
        "---\napiVersion: appstudio.redhat.com/v1alpha1\nkind: Component\nmetadata: {{name: {name}}}\nspec: {{application: \
         shop, source: {{git: {{url: 'https://g.example/{name}', revision: main, context: ./{name}}}}}}}\nstatus: \
         {{{status}}}\n"
    )
}

fn promoted(mark: char) -> String {
    format!("lastPromotedImage: 'r.example/x@{}', lastBuiltCommit: c{mark}", digest(mark))
}

fn resources(text: &str) -> Resources {
    let imported = import([Source { file: "a.yaml", text, is_named: true }]);
    assert!(!imported.report.is_rejected(), "{:?}", imported.report);
    imported.resources
}

fn shop() -> Resources {
    resources(&format!(
        "{}{}{}",
        component("web", &promoted('2')),
        component("cart", &promoted('1')),
        component("new", "")
    ))
}

fn request(mode: Mode, sets: &[String]) -> ComposeRequest {
    let sets = sets.iter().map(|text| Set::parse(text).unwrap()).collect();
    ComposeRequest { mode, event: Event::Push, sets, build_start: Some(1_785_924_930_123), is_good_base: false }
}

fn composed(resources: &Resources, request: &ComposeRequest, pointers: &[Pointer]) -> Result<Composed, ComposeError> {
    compose(resources, &select_owner(resources, request, None)?, request, pointers)
}

fn summary(composed: &Composed) -> Vec<(String, From, char)> {
    let mark = |image: &str| image.chars().last().unwrap();
    composed.components.iter().map(|one| (one.name.clone(), one.from, mark(&one.image))).collect()
}

fn pointer(component: &str, kind: PointerKind, mark: char) -> Pointer {
    Pointer {
        key: PointerKey { group: "shop".to_owned(), component: component.to_owned(), version: String::new() },
        kind,
        image: format!("r.example/x@{}", digest(mark)),
        source: json!({"git": {"url": "https://g.example/x", "revision": "p"}}),
        build_start: 1,
        fence: 1,
    }
}

/// B1, B2, P36, D15, D16.
#[test]
fn exactly_the_built_component_differs_and_what_has_no_image_is_omitted_with_its_reason() {
    let set = format!("cart=r.example/cart@{},revision=abc", digest('9'));
    let composed = composed(&shop(), &request(Mode::Component, &[set]), &[]).unwrap();
    assert_eq!(summary(&composed), [("cart".to_owned(), From::Built, '9'), ("web".to_owned(), From::Candidate, '2')]);
    assert_eq!(composed.omitted[0].name, "new");
    let spec = &composed.snapshot["spec"];
    assert_eq!(
        spec["components"][0]["source"]["git"],
        json!({"url": "https://g.example/cart", "revision": "abc", "context": "./cart"})
    );
    assert_eq!(spec["components"][1]["source"]["git"]["revision"], "c2");
    assert_eq!((&spec["application"], &spec["artifacts"]), (&json!("shop"), &json!({})));
    let metadata = &composed.snapshot["metadata"];
    assert_eq!(metadata["name"], "shop-20260805-101530-123");
    assert_eq!(metadata["labels"]["test.appstudio.openshift.io/type"], "component");
    assert_eq!(metadata["labels"]["appstudio.openshift.io/component"], "cart");
    let status = &metadata["annotations"]["test.appstudio.openshift.io/create-snapshot-status"];
    assert!(status.as_str().unwrap().starts_with("Component(s) 'new' is(are) not included in snapshot"), "{status}");
    // What was composed is a Snapshot.
    let read = assay_model::snapshot::Snapshot::parse(&composed.snapshot.to_string()).unwrap();
    assert_eq!(read.components.len(), 2);
}

/// B9, P29: equal inputs are one Snapshot, whatever the order of files.
#[test]
fn the_id_depends_on_the_inputs_alone() {
    let set = |mark| format!("cart=r.example/cart@{}", digest(mark));
    let one = composed(&shop(), &request(Mode::Component, &[set('9')]), &[]).unwrap();
    let other = resources(&format!(
        "{}{}{}",
        component("new", ""),
        component("cart", &promoted('1')),
        component("web", &promoted('2'))
    ));
    let later = ComposeRequest { build_start: None, ..request(Mode::Component, &[set('9')]) };
    let again = composed(&other, &later, &[]).unwrap();
    assert_eq!((&one.id, &one.components), (&again.id, &again.components));
    assert!(again.name.starts_with("shop-") && again.name.len() == 17, "{}", again.name);
    let different = composed(&shop(), &request(Mode::Component, &[set('8')]), &[]).unwrap();
    assert_ne!(one.id, different.id);
}

/// B2, B3, D2.
#[test]
fn an_invalid_candidate_is_omitted_and_an_owner_without_any_is_an_error() {
    let tagged = component("web", "lastPromotedImage: 'r.example/x:latest'");
    let all = resources(&format!("{tagged}{}", component("cart", "")));
    let set = format!("cart=r.example/cart@{}", digest('9'));
    let found = composed(&all, &request(Mode::Component, &[set]), &[]).unwrap();
    assert!(found.omitted[0].reason.contains("`r.example/x:latest` has no valid digest"), "{:?}", found.omitted);
    let no_source = "---\napiVersion: appstudio.redhat.com/v1alpha1\nkind: Component\nmetadata: {name: a}\nspec: {application: shop}\nstatus: {lastPromotedImage: 'r.example/x@DIGEST'}\n".replace("DIGEST", &digest('1'));
    let owner = Owner { kind: OwnerKind::Application, namespace: String::new(), name: "shop".to_owned() };
    let nothing = ComposeRequest { sets: Vec::new(), ..request(Mode::Component, &[]) };
    let members = members::members_of(&resources(&no_source), &owner).unwrap();
    assert_eq!(
        candidate(&members[0], nothing.is_good_base, &[]).unwrap_err(),
        "the git source of its candidate is not known"
    );
    assert!(Set::parse("cart=r.example/cart@sha256:12").is_err());
}

#[test]
fn each_mode_takes_the_images_that_fit_it() {
    let cart = format!("cart=r.example/a@{},revision=r1", digest('8'));
    let web = format!("web=r.example/b@{},revision=r1", digest('9'));
    let later = format!("web=r.example/b@{},revision=r2", digest('9'));
    let bare = format!("web=r.example/b@{}", digest('9'));
    for (mode, sets, want) in [
        (Mode::Component, vec![&cart, &web], Err("takes one image, and 2 are given")),
        (Mode::Component, vec![], Err("takes one image, and 0 are given")),
        (Mode::Group, vec![&cart], Err("takes at least two images")),
        (Mode::Group, vec![&cart, &later], Ok(From::Group)),
        (Mode::Coupled, vec![&cart], Err("takes at least two images")),
        (Mode::Coupled, vec![&cart, &later], Ok(From::Built)),
        (Mode::Commit, vec![&cart, &bare], Err("needs the revision of `web`")),
        (Mode::Commit, vec![&cart, &later], Err("of different commits")),
        (Mode::Override, vec![], Err("takes at least one image")),
        (Mode::Override, vec![&cart], Ok(From::Override)),
        (Mode::Coupled, vec![&cart, &cart], Err("two images are given for `cart`")),
    ] {
        let sets: Vec<String> = sets.into_iter().cloned().collect();
        let found = composed(&shop(), &request(mode, &sets), &[]);
        match (found, want) {
            (Ok(found), Ok(from)) => assert_eq!(found.components[0].from, from, "{mode:?}"),
            (Err(error), Err(says)) => assert!(error.to_string().contains(says), "{mode:?}: {error}"),
            (found, want) => panic!("{mode:?}: {found:?} {want:?}"),
        }
    }
    let one_commit =
        [cart.replace("r1", "r1,url=https://g.example/mono"), web.replace("r1", "r1,url=https://g.example/mono")];
    assert!(composed(&shop(), &request(Mode::Commit, &one_commit), &[]).is_ok(), "P37, D23");
    let unknown = format!("carr=r.example/a@{}", digest('1'));
    let error = composed(&shop(), &request(Mode::Component, &[unknown]), &[]).unwrap_err();
    assert_eq!(
        (error.fact.as_str(), error.hint.as_str()),
        ("the application `shop` has no component `carr`", "did you mean `cart`?")
    );
}

/// B24, D4: an override is checked whole before anything moves.
#[test]
fn an_override_without_a_source_is_rejected() {
    let all = resources(
        "apiVersion: appstudio.redhat.com/v1alpha1\nkind: Component\nmetadata: {name: a}\nspec: {application: shop}\n",
    );
    let set = format!("a=r.example/a@{}", digest('1'));
    let error = composed(&all, &request(Mode::Override, std::slice::from_ref(&set)), &[]).unwrap_err();
    assert!(error.to_string().contains("the source of `a` is not known"), "{error}");
    let with = format!("{set},url=https://g.example/a,revision=r");
    assert!(composed(&all, &request(Mode::Override, &[with]), &[]).is_ok());
}

#[test]
fn the_record_counts_before_the_imported_status_and_a_base_that_passed_can_be_wanted() {
    let set = format!("cart=r.example/cart@{}", digest('9'));
    let latest = [pointer("web", PointerKind::Latest, '5')];
    let found = composed(&shop(), &request(Mode::Component, std::slice::from_ref(&set)), &latest).unwrap();
    assert_eq!(summary(&found)[1], ("web".to_owned(), From::Candidate, '5'));
    let good = ComposeRequest { is_good_base: true, ..request(Mode::Component, &[set]) };
    let found = composed(&shop(), &good, &[]).unwrap();
    let reasons: Vec<_> = found.omitted.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!(reasons, ["no build of it has passed"; 2]);
    let found = composed(&shop(), &good, &[pointer("web", PointerKind::Good, '6')]).unwrap();
    assert_eq!(summary(&found)[1].2, '6');
}

const GROUP: &str = "---\napiVersion: konflux-ci.dev/v1beta2\nkind: ComponentGroup\n";

/// B41: nested groups; a component that is in both has the outer group's candidate.
#[test]
fn the_components_of_nested_groups_are_members_once() {
    let candidate = |name: &str, mark| {
        format!(
            "{{name: {name}, version: v, url: 'https://g.example/r', lastPromotedImage: 'r.example/x@{}', lastPromotedCommit: c}}",
            digest(mark)
        )
    };
    let text = format!(
        "{GROUP}metadata: {{name: outer}}\nspec: {{components: [{{name: a, componentVersion: {{name: v}}}}, {{name: inner, kind: componentGroup}}]}}\nstatus: {{globalCandidateList: [{}]}}\n\
         {GROUP}metadata: {{name: inner}}\nspec: {{components: [{{name: a, componentVersion: {{name: v}}}}, {{name: b, componentVersion: {{name: v}}}}]}}\nstatus: {{globalCandidateList: [{}, {}]}}\n",
        candidate("a", '1'),
        candidate("a", '2'),
        candidate("b", '3')
    );
    let all = resources(&text);
    let set = format!("b@v=r.example/b@{}", digest('9'));
    let wanted = request(Mode::Component, &[set]);
    let owner = select_owner(&all, &wanted, Some((OwnerKind::ComponentGroup, "outer"))).unwrap();
    let found = compose(&all, &owner, &wanted, &[]).unwrap();
    assert_eq!(summary(&found), [("a".to_owned(), From::Candidate, '1'), ("b".to_owned(), From::Built, '9')]);
    assert_eq!(found.snapshot["spec"]["componentGroup"], "outer");
    assert_eq!(found.snapshot["spec"]["components"][0]["version"], "v");
    let ambiguous = select_owner(&all, &wanted, None).unwrap_err();
    assert!(ambiguous.hint.contains("--component-group"), "{ambiguous:?}");
    // A build moves the pointers of every group that the component is in.
    let moves = moves::of_record(&all, &owner, &wanted, &found, 7);
    let groups: Vec<_> = moves.iter().map(|one| (one.key.group.as_str(), one.key.version.as_str())).collect();
    assert_eq!(groups, [("inner", "v"), ("outer", "v")]);
}

#[test]
fn a_version_is_named_where_there_are_several() {
    let text = format!(
        "{GROUP}metadata: {{name: g}}\nspec: {{components: [{{name: a, componentVersion: {{name: v1}}}}, {{name: a, componentVersion: {{name: v2}}}}]}}\n"
    );
    let all = resources(&text);
    let set = |name: &str| format!("{name}=r.example/a@{}", digest('1'));
    let error = composed(&all, &request(Mode::Component, &[set("a")]), &[]).unwrap_err();
    assert_eq!(error.hint, "name one of a@v1, a@v2");
    assert!(composed(&all, &request(Mode::Component, &[set("a@v3")]), &[]).is_err());
    let found = composed(&all, &request(Mode::Component, &[set("a@v2")]), &[]).unwrap();
    assert_eq!((found.components[0].version.as_str(), found.omitted[0].name.as_str()), ("v2", "a@v1"));
}

/// B5, B7, B24, D3: who moves what, and an override fences at its own start.
#[test]
fn only_pushes_and_overrides_move_candidates() {
    let set = format!("cart=r.example/cart@{}", digest('9'));
    let web = format!("web=r.example/web@{}", digest('8'));
    let all = shop();
    let of = |request: &ComposeRequest| {
        let owner = select_owner(&all, request, None).unwrap();
        moves::of_record(&all, &owner, request, &compose(&all, &owner, request, &[]).unwrap(), 42)
    };
    let push = request(Mode::Component, std::slice::from_ref(&set));
    let moved = of(&push);
    assert_eq!(moved.len(), 1);
    assert_eq!(
        (moved[0].kind, moved[0].build_start, moved[0].override_start),
        (PointerKind::Latest, 1_785_924_930_123, None)
    );
    assert_eq!(of(&ComposeRequest { event: Event::PullRequest(7), ..push }), []);
    assert_eq!(of(&request(Mode::Group, &[set.clone(), web.clone()])), []);
    assert_eq!(of(&request(Mode::Coupled, &[set.clone(), web])).len(), 2);
    let moved = of(&request(Mode::Override, &[set]));
    assert_eq!((moved.len(), moved[0].override_start), (1, Some(42)));
}

/// B12: a Snapshot says whether a push or a pull request led to it, so that contexts match it.
#[test]
fn a_snapshot_says_what_led_to_it() {
    let cart = format!("cart=r.example/cart@{}", digest('9'));
    let web = format!("web=r.example/web@{}", digest('8'));
    for (mode, event, workflow, is_push) in [
        (Mode::Component, Event::Push, Some("push"), true),
        (Mode::Component, Event::PullRequest(7), Some("pull-request"), false),
        (Mode::Group, Event::PullRequest(7), Some("pull-request"), false),
        (Mode::Override, Event::Push, None, true),
    ] {
        let sets = if mode == Mode::Group { vec![cart.clone(), web.clone()] } else { vec![cart.clone()] };
        let found = composed(&shop(), &ComposeRequest { event, ..request(mode, &sets) }, &[]).unwrap();
        let annotations = &found.snapshot["metadata"]["annotations"];
        assert_eq!(annotations["test.appstudio.openshift.io/integration-workflow"].as_str(), workflow, "{mode:?}");
        let read = assay_model::snapshot::Snapshot::parse(&found.snapshot.to_string()).unwrap();
        assert_eq!(crate::matching::SnapshotFacts::of(&read).is_push, is_push, "{mode:?}");
    }
}

fn build(component: &str, mark: char, labels: &serde_json::Value, annotations: &serde_json::Value) -> Build {
    let mut document = json!({
        "apiVersion": "tekton.dev/v1", "kind": "PipelineRun",
        "metadata": {"name": format!("{component}-build"), "labels": labels, "annotations": annotations},
        "status": {"conditions": [{"type": "Succeeded", "status": "True"}], "results": [
            {"name": "IMAGE_URL", "value": format!("r.example/{component}")}, {"name": "IMAGE_DIGEST", "value": digest(mark)},
            {"name": "SHOULD_RELEASE", "value": "false"}]},
    });
    document["metadata"]["labels"]["appstudio.openshift.io/component"] = component.into();
    Build::of_document(&document).unwrap()
}

/// B10: labels of Pipelines as Code, of the build and of its owner's own are passed on, and no others.
#[test]
fn labels_of_a_build_are_passed_on_by_their_prefixes_and_make_no_other_snapshot() {
    let labels = json!({"pipelinesascode.tekton.dev/sha": "abc", "build.appstudio.redhat.com/commit_sha": "abc",
        "custom.appstudio.openshift.io/team": "a", "example.com/other": "x", "tekton.dev/pipeline": "p"});
    let annotations = json!({"pipelinesascode.tekton.dev/sha-title": "a title", "custom.appstudio.openshift.io/note": "n",
        "kubectl.kubernetes.io/last-applied-configuration": "{}"});
    let cart = build("cart", '9', &labels, &annotations);
    let request = ComposeRequest { sets: vec![cart.set.clone()], ..request(Mode::Component, &[]) };
    let plain = composed(&shop(), &request, &[]).unwrap();
    let mut found = plain.clone();
    found.pass_on(std::slice::from_ref(&cart)).unwrap();
    let names = |of: &Composed, part: &str| -> Vec<String> {
        of.snapshot["metadata"][part].as_object().unwrap().keys().cloned().collect()
    };
    let more = |part: &str| -> Vec<String> {
        names(&found, part).into_iter().filter(|name| !names(&plain, part).contains(name)).collect()
    };
    let mut passed = more("labels");
    passed.sort();
    assert_eq!(
        passed,
        [
            "appstudio.openshift.io/build-pipelinerun",
            "build.appstudio.redhat.com/commit_sha",
            "custom.appstudio.openshift.io/team",
            "pac.test.appstudio.openshift.io/sha"
        ]
    );
    let mut passed = more("annotations");
    passed.sort();
    assert_eq!(
        passed,
        [
            "custom.appstudio.openshift.io/note",
            "pac.test.appstudio.openshift.io/sha-title",
            "test.appstudio.openshift.io/result-image-digest",
            "test.appstudio.openshift.io/result-image-url",
            "test.appstudio.openshift.io/result-should-release"
        ]
    );
    // What the Snapshot says itself stays, and its ID is that of its images.
    assert_eq!(found.snapshot["metadata"]["labels"]["pac.test.appstudio.openshift.io/event-type"], "push");
    assert_eq!((&found.id, &found.name, &found.document), (&plain.id, &plain.name, &plain.document));
}

/// B29: the builds of a group are of one, which its Snapshot names.
#[test]
fn a_snapshot_of_a_group_names_it_and_builds_of_two_groups_make_none() {
    let of = |component: &str, mark, branch: &str| {
        let labels = json!({"pipelinesascode.tekton.dev/event-type": "pull_request", "pipelinesascode.tekton.dev/pull-request": "7",
            "pipelinesascode.tekton.dev/url-org": "org", "custom.appstudio.openshift.io/of": component});
        build(component, mark, &labels, &json!({"pipelinesascode.tekton.dev/source-branch": branch}))
    };
    let builds = [of("cart", '9', "renovate/a@1"), of("web", '8', "renovate/a@2")];
    let sets = builds.iter().map(|build| build.set.clone()).collect();
    let request = ComposeRequest { sets, event: builds[0].event, ..request(Mode::Group, &[]) };
    let mut found = composed(&shop(), &request, &[]).unwrap();
    found.pass_on(&builds).unwrap();
    let metadata = &found.snapshot["metadata"];
    assert_eq!(metadata["annotations"]["test.appstudio.openshift.io/pr-group"], "renovate/a");
    let sha = assay_model::digest::Digest::of(b"renovate/a").hex();
    assert_eq!(metadata["labels"]["test.appstudio.openshift.io/pr-group-sha"], sha.get(..62).unwrap());
    // What differs between them is not the Snapshot's.
    assert!(metadata["labels"].get("custom.appstudio.openshift.io/of").is_none(), "{metadata:#}");
    assert!(metadata["labels"].get("appstudio.openshift.io/build-pipelinerun").is_none(), "{metadata:#}");
    let error = found.pass_on(&[of("cart", '9', "main"), of("web", '8', "other")]).unwrap_err();
    assert!(error.fact.contains("different pull request groups: `cart-build` is of `main-org`"), "{error:?}");
}

/// B26.
#[test]
fn a_group_has_its_builds_and_the_candidates_of_the_others() {
    let sets = [format!("cart=r.example/cart@{}", digest('9')), format!("new=r.example/new@{}", digest('8'))];
    let found = composed(&shop(), &request(Mode::Group, &sets), &[]).unwrap();
    assert_eq!(
        summary(&found),
        [
            ("cart".to_owned(), From::Group, '9'),
            ("new".to_owned(), From::Group, '8'),
            ("web".to_owned(), From::Candidate, '2')
        ]
    );
    assert_eq!(found.snapshot["metadata"]["labels"]["test.appstudio.openshift.io/type"], "group");
}

#[test]
fn without_a_build_a_snapshot_has_the_candidates_alone() {
    let all = shop();
    let owner = Owner { kind: OwnerKind::Application, namespace: String::new(), name: "shop".to_owned() };
    let found = compose_candidates(&all, &owner, false, &[]).unwrap();
    assert_eq!(summary(&found), [("cart".to_owned(), From::Candidate, '1'), ("web".to_owned(), From::Candidate, '2')]);
    let read = assay_model::snapshot::Snapshot::parse(&found.snapshot.to_string()).unwrap();
    let facts = crate::matching::SnapshotFacts::of(&read);
    assert_eq!((facts.kind.as_str(), facts.is_push), ("", true));
    assert!(compose_candidates(&all, &owner, true, &[]).is_err());
}

#[test]
fn an_annotation_makes_groups_of_one_build() {
    let application = |annotations: &str| {
        format!(
            "---\napiVersion: appstudio.redhat.com/v1alpha1\nkind: Application\nmetadata: {{name: shop, annotations: {{{annotations}}}}}\n"
        )
    };
    let set = format!("cart=r.example/cart@{}", digest('9'));
    for (annotations, want) in [
        ("", false),
        ("integration.konflux-ci.dev/always-create-group-snapshots: 'true'", true),
        ("integration.konflux-ci.dev/always-create-group-snapshots: 'false'", false),
    ] {
        let all = resources(&format!("{}{}", application(annotations), component("cart", "")));
        let found = composed(&all, &request(Mode::Group, std::slice::from_ref(&set)), &[]);
        assert_eq!(found.is_ok(), want, "{annotations}");
    }
}

/// B42: what was removed from its application is not tested any more, whatever the record still has of it.
#[test]
fn a_component_that_was_removed_is_in_no_snapshot() {
    let set = format!("cart=r.example/cart@{}", digest('9'));
    let pointers = ["web", "gone"].map(|name| pointer(name, PointerKind::Latest, '3'));
    let found = composed(&shop(), &request(Mode::Component, std::slice::from_ref(&set)), &pointers).unwrap();
    assert_eq!(summary(&found), [("cart".to_owned(), From::Built, '9'), ("web".to_owned(), From::Candidate, '3')]);
    let rest = resources(&format!("{}{}", component("cart", &promoted('1')), component("new", "")));
    let found = composed(&rest, &request(Mode::Component, &[set]), &pointers).unwrap();
    assert_eq!(summary(&found), [("cart".to_owned(), From::Built, '9')]);
}
