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

#[test]
#[ignore = "needs chromium and pdftotext"]
fn a_printed_report_of_a_hundred_components_has_every_violation() {
    let mut fixture = Fixture::empty();
    for number in 0..100 {
        fixture.image(&format!("cart-{number:03}"), &[("bad", "yes")]);
    }
    let (file, pdf) = (fixture.path("report.html"), fixture.path("report.pdf"));
    fixture.validate(&["--output", &format!("html={file}")]).expect(1, "");
    chromium(&fixture, &format!("file://{file}"), &format!("--print-to-pdf={pdf}"));
    let output = Command::new("pdftotext").args(["-raw", pdf.as_str(), "-"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let words: Vec<_> = text.split_whitespace().collect();
    let text = words.join(" ");
    for number in 0..100 {
        let message = format!("Image cart-{number:03} is bad");
        // Once under its rule, and once under its component.
        assert!(text.matches(&message).count() >= 2, "{message}");
    }
}
