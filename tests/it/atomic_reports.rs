//! Whatever happens to one image, or to the program, the rest stays whole: verdicts of the others, files of reports.

use std::{
    process::Child,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    fixture::{Fixture, HOST, command, component},
    registry::{Fault, Registry},
};

#[test]
fn one_unreachable_image_among_fifty_leaves_forty_nine_verdicts_and_every_report() {
    let (mut fixture, registry) = (Fixture::empty(), Registry::start());
    for number in 0..50 {
        fixture.image(&format!("image-{number:02}"), &[]);
    }
    fixture.layout.write(&fixture.path("oci")).unwrap();
    registry.push_layout(fixture.path("oci").as_std_path());
    registry.fault("app/image-17/manifests", Fault::Broken);
    let output = |format: &str| format!("{format}={}", fixture.path(format));
    let outputs = [output("json"), output("text"), output("appstudio")];
    let output = fixture.validate_on(&registry.host(), &outputs.each_ref().map(|output| ["--output", output]).concat());
    output.expect(3, "1 of 50 components could not be evaluated");
    let report: Value = serde_json::from_str(&fs_err::read_to_string(fixture.path("json")).unwrap()).unwrap();
    let verdicts = report["components"].as_array().unwrap();
    assert_eq!(verdicts.iter().filter(|component| component["success"] == true).count(), 49);
    let lost = component(&report, "image-17");
    assert_eq!((&lost["success"], &lost["error"]["code"]), (&json!(false), &json!("registry-error")), "{lost}");
    assert!(lost["error"]["message"].as_str().unwrap().contains("500"), "{lost}");
    assert_eq!(report["success"], json!(false));
    assert!(fs_err::read_to_string(fixture.path("text")).unwrap().contains("image-17"));
    let appstudio: Value = serde_json::from_str(&fs_err::read_to_string(fixture.path("appstudio")).unwrap()).unwrap();
    assert!(appstudio["result"] != "SUCCESS" && appstudio["result"] != "WARNING", "{appstudio}");
}

const OLD: &str = "{\"old\":true}\n";

/// Waits until a report is being written, or the child is done.
fn until_it_writes(fixture: &Fixture, child: &mut Child) {
    let writes = || {
        let names = fs_err::read_dir(fixture.path("reports")).unwrap();
        names.filter_map(Result::ok).any(|entry| entry.file_name().to_string_lossy().ends_with(".part"))
    };
    while child.try_wait().unwrap().is_none() && !writes() {
        std::hint::spin_loop();
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the times to kill at are the input of the test; nothing is waited for")]
fn a_kill_at_any_time_leaves_old_reports_or_new_ones() {
    let mut fixture = Fixture::empty();
    for number in 0..8 {
        fixture.image(&format!("image-{number}"), &[]);
    }
    fixture.layout.write(&fixture.path("oci")).unwrap();
    fs_err::create_dir_all(fixture.path("reports")).unwrap();
    let names = ["json", "appstudio"];
    let (bundle, snapshot, policy) = (fixture.path("oci"), fixture.snapshot(HOST), fixture.policy());
    let key = fixture.path("key.pub");
    let outputs = names.map(|name| format!("{name}={}", fixture.path("reports").join(name)));
    let [first, second] = &outputs;
    let arguments = [
        "validate",
        "image",
        "--evidence",
        bundle.as_str(),
        "--images",
        &snapshot,
        "--policy",
        &policy,
        "--public-key",
        key.as_str(),
        "--ignore-rekor",
        "--output",
        first,
        "--output",
        second,
    ];
    let begun = Instant::now();
    assert!(command(&arguments).status().unwrap().success());
    let whole = begun.elapsed();
    let mut seen = [0, 0];
    for round in 0..24_u32 {
        for name in names {
            fs_err::write(fixture.path("reports").join(name), OLD).unwrap();
        }
        let mut child = command(&arguments).spawn().unwrap();
        if round % 2 == 0 {
            sleep(whole * round / 24 + Duration::from_millis(1));
        } else {
            until_it_writes(&fixture, &mut child);
        }
        // A child that is done already cannot be killed, which is as good.
        let _done = child.kill();
        child.wait().unwrap();
        for name in names {
            let text = fs_err::read_to_string(fixture.path("reports").join(name)).unwrap();
            let report: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?}"));
            assert!(text.ends_with("}\n"));
            seen[usize::from(report["old"] != true)] += 1;
        }
    }
    // Otherwise nothing was tried.
    assert!(seen[0] > 0, "every report was new: {seen:?}");
}
