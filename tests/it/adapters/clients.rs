//! The real clients of the services read what the doubles serve (`.ci/install-service-clients`).

use std::process::Command;

use assay_doubles::{Double, Options, Service};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{fixture::CommandOutput, tidy::root};

fn clients() -> Utf8PathBuf {
    Utf8PathBuf::from(
        std::env::var_os("ASSAY_CLIENTS")
            .and_then(|folder| folder.into_string().ok())
            .expect("ASSAY_CLIENTS names the folder of .ci/install-service-clients"),
    )
}

fn script(name: &str) -> String {
    root().join("tests/doubles/clients").join(name).display().to_string()
}

fn run(program: &Utf8Path, arguments: &[&str], more: &[(&str, &str)]) -> CommandOutput {
    let mut command = Command::new(program);
    command.args(arguments).envs(more.iter().copied());
    CommandOutput::of(&command.output().unwrap())
}

#[test]
#[ignore = "needs the clients of services: ASSAY_CLIENTS, the folder of .ci/install-service-clients"]
fn python_jenkins_and_api4jenkins_drive_the_double_of_jenkins() {
    // Clients look more than once before they stop a build.
    let double = Double::start(Options { polls: 12, ..Options::new(Service::Jenkins) }).unwrap();
    let output =
        run(&clients().join("venv/bin/python"), &[script("jenkins_clients.py").as_str(), double.base().as_str()], &[]);
    assert_eq!(output.code, 0, "{output:#?} {:#?}", double.requests());
}

#[test]
#[ignore = "needs the clients of services: ASSAY_CLIENTS, the folder of .ci/install-service-clients"]
fn tft_cli_requests_watches_and_cancels_at_the_double_of_testing_farm() {
    let double = Double::start(Options::new(Service::TestingFarm)).unwrap();
    let api = format!("{}/v0.1", double.base());
    let variables = [
        ("TESTING_FARM_API_URL", api.as_str()),
        ("TESTING_FARM_API_TOKEN", "token"),
        ("TESTING_FARM_WATCH_TICK", "1"),
        ("NO_COLOR", "1"),
        ("COLUMNS", "300"),
    ];
    let farm = clients().join("venv/bin/testing-farm");
    let call = |arguments: &[&str]| run(&farm, arguments, &variables);
    let request = [
        "request",
        "--git-url",
        "https://git.example/tests",
        "--git-ref",
        "main",
        "--compose",
        "Fedora-Rawhide",
        "--no-wait",
    ];
    let output = call(&request);
    assert_eq!(output.code, 0, "{output:#?} {:#?}", double.requests());
    let id = double.jobs()[0].id.clone();
    assert!(output.out.contains(&id), "{output:#?}");
    let output = call(&["watch", "--id", &id]);
    assert!(output.code == 0 && output.out.contains("passed"), "{output:#?} {:#?}", double.requests());
    call(&request);
    let second = double.jobs()[1].id.clone();
    let output = call(&["cancel", &second]);
    assert!(output.code == 0 && double.jobs()[1].state == "canceled", "{output:#?} {:#?}", double.requests());
}

fn npm(double: &Double, expected: &str) -> CommandOutput {
    let (modules, script, base) = (clients().join("npm/node_modules"), script("testing_farm.mjs"), double.base());
    run(Utf8Path::new("node"), &[script.as_str(), base.as_str(), expected], &[("NODE_PATH", modules.as_str())])
}

#[test]
#[ignore = "needs the clients of services: ASSAY_CLIENTS, the folder of .ci/install-service-clients"]
fn the_schemas_of_the_npm_client_read_every_answer_of_the_double_and_refuse_nonsense() {
    let double = Double::start(Options::new(Service::TestingFarm)).unwrap();
    let output = npm(&double, "read");
    assert_eq!(output.code, 0, "{output:#?} {:#?}", double.requests());
    let faults = vec!["error-inside".parse().unwrap()];
    let double = Double::start(Options { faults, ..Options::new(Service::TestingFarm) }).unwrap();
    let output = npm(&double, "refused");
    assert_eq!(output.code, 0, "an error inside was read: {output:#?}");
}
