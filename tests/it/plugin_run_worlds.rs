//! `assay plugin run` of a plugin of each world, and of plugins by name and by reference: what runs is verified as in any other
//! command, and what it is granted follows from the list and never from what it calls itself.

use serde_json::json;

use crate::{
    fixture::{CommandOutput, Fixture, guest},
    plugin_distribution::Team,
    plugin_run::Service,
    registry::Registry,
};

fn check(team: &Team, plugin: &str, more: &[&str]) -> CommandOutput {
    let (image, evidence, key) =
        (format!("registry.test/{}", team.fixture.components[0].1), team.path("oci"), team.path("key.pub"));
    let fixed = ["run", plugin, "--image", &image, "--evidence", &evidence, "--public-key", &key, "--ignore-rekor"];
    team.plugin(&[&fixed[..], &["--format", "json"], more].concat())
}

#[test]
fn a_check_is_run_on_an_image_by_its_file_its_name_and_its_digest_also_without_the_registry() {
    let registry = Registry::start();
    let team = Team::new(&registry.host());
    let list = ["--plugins", &team.path("plugins.toml")].map(str::to_owned);
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    let reference = team.publish();

    let wanted = check(&team, guest("licenses").as_str(), &[]);
    wanted.expect(1, "licenses.sbom");
    let report = wanted.json();
    assert_eq!((&report["outcome"], &report["test_output"]["failures"]), (&json!("FAILURE"), &json!(1)), "{report}");
    assert!(report["usage"]["fuel"].as_u64().is_some_and(|fuel| fuel > 0), "{report}");
    let image = format!("registry.test/{}", team.fixture.components[0].1);
    assert_eq!(report["findings"][0]["subject"], json!(image));
    for plugin in ["licenses", &reference] {
        let output = check(&team, plugin, &list);
        assert_eq!((output.code, &output.json()["findings"]), (1, &report["findings"]), "{output:?}");
    }
    let tag = format!("{}/acme/licenses:0.1.0", team.host);
    check(&team, &tag, &list).expect(2, "names a tag");
    check(&team, "license", &list).expect(2, "did you mean `licenses`?");

    let tar = team.path("plugins.tar");
    team.plugin(&["pull", "--save", &tar, list[0], list[1]]).expect(0, &reference);
    team.list("stranger");
    check(&team, "licenses", &list).expect(3, "plugin-not-signed");
    team.list("author");
    drop(registry);
    for plugin in ["licenses", &reference] {
        check(&team, plugin, &[&list[..], &["--from", &tar]].concat()).expect(1, "licenses.sbom");
    }
    // The name of a file in a list is for development.
    let file = format!("[plugin.mine]\nfile = \"{}\"\n", guest("licenses"));
    let own = team.fixture.file("own.toml", &file);
    check(&team, "mine", &["--plugins", own.as_str()]).expect(3, "pass --dev");
    check(&team, "mine", &["--plugins", own.as_str(), "--dev"]).expect(1, "licenses.sbom");
}

#[test]
fn what_a_world_needs_and_does_not_have_is_said_with_the_flag_that_gives_it() {
    let mut fixture = Fixture::good();
    fixture.unsigned_image("unsigned", &[]);
    fixture.layout.write(&fixture.path("oci")).unwrap();
    let team = Team { fixture, host: "127.0.0.1:1".to_owned() };
    let (licenses, reporter) = (guest("licenses"), guest("hostile_reporter"));
    let run = |arguments: &[&str]| team.plugin(&[&["run"][..], arguments].concat());
    run(&[licenses.as_str()]).expect(2, "pass `--image REPOSITORY@sha256:…`");
    let image = format!("registry.test/{}", team.fixture.components[0].1);
    run(&[licenses.as_str(), "--image", &image]).expect(2, "pass `--public-key FILE`");
    run(&[licenses.as_str(), "--image", &image, "--record", "x"]).expect(2, "`--record` is for tasks and adapters");
    run(&[reporter.as_str()]).expect(2, "pass `--events FILE`");
    run(&[licenses.as_str(), "--image", &image, "--events", "x"]).expect(2, "only reporters read `--events`");
    run(&["nothing.wasm"]).expect(2, "no such file");
    run(&["nothing"]).expect(2, "neither a file nor a plugin");

    // An image that nobody signed is a failure, and the check is not called for it.
    let (snapshot, evidence, key) = (team.fixture.snapshot("registry.test"), team.path("oci"), team.path("key.pub"));
    let snapshot = team.fixture.file("snapshot.json", &snapshot);
    let flags = ["--evidence", &evidence, "--public-key", &key, "--ignore-rekor", "--format", "json"];
    let output = run(&[&[licenses.as_str(), "--images", snapshot.as_str()][..], &flags].concat());
    output.expect(1, "builtin.attestation.signature_check");
    let report = output.json();
    let unsigned = format!("registry.test/{}", team.fixture.components[1].1);
    let of_unsigned = report["findings"].as_array().unwrap().iter().filter(|one| one["subject"] == json!(unsigned));
    let codes: Vec<_> = of_unsigned.map(|one| one["code"].as_str().unwrap()).collect();
    assert!(!codes.is_empty() && codes.iter().all(|code| code.starts_with("builtin.")), "{report}");
}

#[test]
fn a_reporter_reads_the_events_of_a_validation_and_its_files_are_written() {
    let fixture = Fixture::good();
    let events = fixture.path("events.jsonl");
    fixture.validate(&["--output", &format!("jsonl={events}")]).expect(0, "");
    let team = Team { fixture, host: "127.0.0.1:1".to_owned() };
    let (reporter, folder) = (guest("hostile_reporter"), team.path("reports"));
    let fixed = ["run", reporter.as_str(), "--events", events.as_str(), "--artifacts", &folder];
    let output = team.plugin(&[&fixed[..], &["--format", "json"]].concat());
    output.expect(0, "events.txt");
    assert_eq!(output.json()["outcome"], json!("SUCCESS"));
    let written = fs_err::read_to_string(team.fixture.path("reports/events.txt")).unwrap();
    let lines = fs_err::read_to_string(&events).unwrap();
    assert_eq!(written.lines().count(), lines.lines().count());
    assert!(written.starts_with(&format!("1 {}", lines.lines().next().unwrap())), "{written}");
    // What is there is not replaced, and the plugin is not even called.
    team.plugin(&fixed).expect(2, "has files already");
    team.plugin(&[&fixed[..4], &["--param", "do=lie"]].concat()).expect(3, "plugin-contradiction");
}

#[test]
fn a_plugin_of_a_registry_is_granted_what_its_entry_says_and_nothing_for_the_name_that_it_gives_itself() {
    let registry = Registry::start();
    let team = Team::new(&registry.host());
    let (service, _) = Service::start(usize::MAX);
    let (host, url) = (service.url.trim_start_matches("http://").to_owned(), format!("url={}", service.url));
    let http = format!("http = [{{ host = \"{host}\", methods = [\"GET\", \"POST\"], plain = true }}]\n");
    let head = "version = 1\nvetters = [\"vetter\"]\n[trust.author]\nkey = \"author.pub\"\n[trust.vetter]\nkey = \"vetter.pub\"\n";
    let jobs = format!("[plugin.jobs]\nsource = \"{}/acme/jobs\"\ntrust = \"author\"\nvet = \"off\"\n", team.host);
    let list = team.path("plugins.toml");
    let write = |text: &str| fs_err::write(&list, format!("{head}{text}")).unwrap();
    write(&format!("{jobs}{http}"));
    let (target, key) = (format!("{}/acme/jobs", team.host), team.path("author.key"));
    let pushed = team.plugin(&["push", guest("remote_job").as_str(), &target, "--sign-key", &key]);
    pushed.expect(0, "@sha256:");
    let reference = pushed.out.trim().to_owned();
    team.lock(&[]).expect(0, "+ jobs");
    let run = |plugin: &str, more: &[&str]| {
        let store = team.path("store");
        let fixed = ["run", plugin, "--plugins", &list, "--store", &store, "--param", &url, "--format", "json"];
        team.plugin(&[&fixed[..], more].concat())
    };
    run("jobs", &[]).expect(3, "plugin-not-vetted");
    for plugin in ["jobs", &reference] {
        run(plugin, &["--dev"]).expect(0, "\"outcome\":\"SUCCESS\"");
    }
    // The entry of another plugin whose name it says to have.
    let other = format!("[plugin.remote-job]\nsource = \"{}/acme/other\"\ntrust = \"author\"\n{http}", team.host);
    write(&format!("{jobs}{other}"));
    run("jobs", &["--dev"]).expect(3, "plugin-denied");
    run(&reference, &["--dev"]).expect(3, "plugin-denied");
    write(&other);
    run(&reference, &[]).expect(3, "plugin-denied");
    let inspected = team.plugin(&["inspect", &reference, "--plugins", &list, "--format", "json"]);
    assert_eq!(inspected.json()["granted"], json!([]), "{inspected:?}");
}

#[test]
fn what_is_known_of_a_locked_plugin_is_shown_with_its_signers_grants_and_sbom() {
    let registry = Registry::start();
    let team = Team::new(&registry.host());
    let sbom = json!({"bomFormat": "CycloneDX", "components": [{"name": "spdx", "licenses": [{"expression": "MIT"}]}]});
    let sbom = team.fixture.file("sbom.json", &sbom.to_string());
    let (target, key, list) =
        (format!("{}/acme/licenses", team.host), team.path("author.key"), team.path("plugins.toml"));
    let component = guest("licenses");
    let pushed = team.plugin(&["push", component.as_str(), &target, "--sign-key", &key, "--sbom", sbom.as_str()]);
    pushed.expect(0, "SBOM");
    let reference = pushed.out.trim().to_owned();
    team.vet(&reference).expect(0, "accepted");
    team.lock(&[]).expect(0, "+ licenses");
    let text = fs_err::read_to_string(&list).unwrap();
    let grants = "limits = { memory-mib = 8 }\nhttp = [{ host = \"ci.example.com\" }]\n\
                  secret.token = { from = \"env:TOKEN\", host = \"ci.example.com\" }\n";
    fs_err::write(&list, format!("{text}{grants}")).unwrap();
    let inspect = |plugin: &str, more: &[&str]| {
        let output = team.plugin(&[&["inspect", plugin, "--format", "json"][..], more].concat());
        output.expect(0, "");
        output.json()
    };
    let with_list = ["--plugins", list.as_str()];
    for plugin in ["licenses", &reference, &format!("{target}:0.1.0")] {
        let about = inspect(plugin, &with_list);
        assert_eq!(about["reference"], json!(reference));
        assert_eq!(about["signers"][0]["trust"], json!("author"), "{about}");
        assert_eq!(about["sbom"]["packages"][0]["name"], json!("spdx"));
        let granted = about["granted"].as_array().unwrap();
        let names: Vec<_> =
            granted.iter().map(|one| (one["kind"].as_str().unwrap(), one["name"].as_str().unwrap())).collect();
        assert_eq!(names, [("http", "ci.example.com"), ("secret", "token")]);
        assert_eq!(about["limits"]["memory-mib"], json!(8));
        assert!(!about.to_string().contains("TOKEN"), "{about}");
    }
    // Nobody is trusted without a list, and a file is signed by nobody.
    for (plugin, flags) in [(reference.as_str(), &[][..]), (component.as_str(), &with_list)] {
        let about = inspect(plugin, flags);
        assert_eq!((&about["signers"], &about["sbom"]), (&json!([]), &json!(null)), "{about}");
    }
    let fields = [
        "name",
        "version",
        "world",
        "wit",
        "digest",
        "size",
        "license",
        "imports",
        "exports",
        "permissions",
        "granted",
        "limits",
        "rules",
        "params",
        "toolchain",
        "signers",
        "sbom",
    ];
    let about = inspect(component.as_str(), &[]);
    assert_eq!(fields.iter().find(|field| about.get(**field).is_none()), None, "{about}");
    let tar = team.path("plugins.tar");
    team.plugin(&["pull", "--save", &tar, "--plugins", &list]).expect(0, &reference);
    drop(registry);
    assert_eq!(inspect("licenses", &["--plugins", &list, "--from", &tar])["signers"][0]["trust"], json!("author"));
}
