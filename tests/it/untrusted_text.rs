//! Text from an image reaches neither the terminal nor the pipeline unsanitized, under either name of the program.

use xtask::layout::{ImageSpec, Platform};

use crate::fixture::{CommandOutput, Fixture, HOST, command, ec_command};

/// What an unsigned index says of one of its images.
const HOSTILE: &str = "amd64\n::error title=assay::all good\n##vso[task.complete result=Succeeded;]\n::set-output name=ok::1\n\
                       \u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}32m\u{202e}\u{200b}\u{2028}";

#[track_caller]
fn is_harmless(output: &CommandOutput, how: &str) {
    for text in [&output.out, &output.err] {
        for line in text.split('\n') {
            assert!(!line.trim_start().starts_with("::") && !line.contains("##vso["), "{how}: {output:#?}");
            let is_own = |character: char| character == '\t';
            let is_harmful = |character: char| !is_own(character) && assay_gocompat::sanitize::is_harmful(character);
            assert!(!line.contains(is_harmful), "{how}: {output:#?}");
        }
    }
}

#[test]
fn a_platform_that_commands_terminals_and_pipelines_is_quoted_and_not_obeyed() {
    let mut fixture = Fixture::empty();
    let platform = Platform::linux(HOSTILE);
    let image = fixture.layout.image("app/a", None, &ImageSpec { platform: platform.clone(), ..ImageSpec::default() });
    fixture.layout.index("app/a", Some("1"), &[(platform, image.clone())]).unwrap();
    fixture.components.push(("a".to_owned(), "app/a:1".to_owned()));
    fixture.layout.write(&fixture.path("oci")).unwrap();
    let (snapshot, policy, key, bundle) =
        (fixture.snapshot(HOST), fixture.policy(), fixture.path("key.pub"), fixture.path("oci"));
    let folder = fixture.path("");
    for is_there in [true, false] {
        if !is_there {
            // What the index names is not there: an error of the component.
            fs_err::remove_file(bundle.join("blobs/sha256").join(image.hex())).unwrap();
        }
        for format in ["text", "json", "yaml", "junit", "markdown", "html", "sarif", "jsonl", "summary", "appstudio"] {
            let arguments = [
                "validate",
                "image",
                "--images",
                &snapshot,
                "--policy",
                &policy,
                "--public-key",
                key.as_str(),
                "--ignore-rekor",
                "--evidence",
                bundle.as_str(),
                "--output",
                format,
                "--verbose",
            ];
            for (name, mut command) in [("assay", command(&arguments)), ("ec", ec_command(&folder, &arguments))] {
                let output = CommandOutput::of(&command.output().unwrap());
                assert_ne!(output.code, 0, "{name} {format}: {output:#?}");
                is_harmless(&output, &format!("{name} {format}"));
            }
        }
    }
}
