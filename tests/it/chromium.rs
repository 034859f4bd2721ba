//! The web page in a browser: its script runs under the content security policy of the page, and all of it is printed.

use std::process::Command;

use crate::fixture::Fixture;

/// Has the browser do something with a page, and gives what it prints.
fn chromium(fixture: &Fixture, page: &str, what: &str) -> String {
    let profile = format!("--user-data-dir={}", fixture.path("profile"));
    let fixed = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
    let output = Command::new("chromium").args(fixed).args([&profile, what, page]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs chromium"]
fn the_script_of_the_page_runs_opens_what_a_link_leads_to_and_the_page_is_printed() {
    let mut fixture = Fixture::good();
    for number in 0..8 {
        fixture.image(&format!("bad-{number}"), &[("bad", "yes")]);
    }
    let file = fixture.path("report.html");
    fixture.validate(&["--output", &format!("html={file}")]).expect(1, "");
    let page = chromium(&fixture, &format!("file://{file}#component-bad-3"), "--dump-dom");
    assert!(page.contains("data-script=\"ran\""), "the script was blocked or failed");
    let start = page.find("id=\"component-bad-3\"").unwrap();
    let tag = page.get(start..).and_then(|rest| rest.split('>').next()).unwrap();
    assert!(tag.contains("open"), "{tag}");
    let pdf = fixture.path("report.pdf");
    chromium(&fixture, &format!("file://{file}"), &format!("--print-to-pdf={pdf}"));
    assert!(fs_err::read(pdf).unwrap().starts_with(b"%PDF-"));
}
