//! Tests of times by layout.

use jiff::tz::TimeZone;

use super::*;

fn at(text: &str) -> ZonedDateTime {
    text.parse::<Timestamp>().unwrap().to_zoned_datetime(TimeZone::get("Asia/Kolkata").unwrap())
}

#[test]
fn a_time_is_written_as_the_layout_shows() {
    let time = at("2022-12-02T18:40:53.141828752Z");
    for (layout, text) in [
        ("RFC3339Nano", "2022-12-03T00:10:53.141828752+05:30"),
        ("RFC1123Z", "Sat, 03 Dec 2022 00:10:53 +0530"),
        ("Monday, January 2 2006 3:04:05.000 PM MST", "Saturday, December 3 2022 12:10:53.141 AM IST"),
        ("ANSIC", "Sat Dec  3 00:10:53 2022"),
        ("06-1-_2 002 Z07:00 pm 15.00", "22-12- 3 337 +05:30 am 00.14"),
        ("plain text", "plain text"),
    ] {
        assert_eq!(format(named(layout), &time), text);
    }
}

#[test]
fn a_text_is_read_as_the_layout_shows() {
    for (layout, text, want) in [
        ("RFC3339", "2017-06-02T19:00:00.5-07:00", Some("2017-06-03T02:00:00.5Z")),
        ("RFC3339", "2017-06-02 19:00:00Z", None),
        ("RFC3339", "2017-02-30T19:00:00Z", None),
        ("2006-01-02", "2021-10-31", Some("2021-10-31T00:00:00Z")),
        ("2006-01-02", "2021-10-31x", None),
        ("Jan _2 2006 3:04PM", "Feb  3 2021 1:02PM", Some("2021-02-03T13:02:00Z")),
        ("RFC1123", "Mon, 02 Jan 2006 15:04:05 MST", Some("2006-01-02T15:04:05Z")),
        ("2006-002", "2021-060", Some("2021-03-01T00:00:00Z")),
        ("20060102T150405", "20210203T040506", Some("2021-02-03T04:05:06Z")),
        ("", "é", None),
    ] {
        let got = parse(named(layout), text).ok();
        assert_eq!(got, want.map(|want| want.parse().unwrap()), "{text} as {layout}");
    }
}

#[test]
fn the_default_form_is_read_as_its_layout_reads_it() {
    for text in [
        "2017-06-02T19:00:00Z",
        "2017-06-02T19:00:00.5-07:00",
        "2017-06-02T19:00:00.1234567891Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59+00:01",
        "2017-02-30T19:00:00Z",
        "2017-13-01T19:00:00Z",
        "2017-06-02T24:00:00Z",
        "2017-06-02T19:60:00Z",
        "2017-06-02T19:00:60Z",
        "2017-06-02T19:00:00",
        "2017-06-02T19:00:00.Z",
        "2017-06-02T19:00:00,5Z",
        "2017-06-02T19:00:00+24:00",
        "2017-06-02T9:00:00Z",
        "2017-06-02t19:00:00z",
        "2017-06-02T19:00:00Z ",
        "+017-06-02T19:00:00Z",
        "201é-06-02T19:00:00Z",
        "",
    ] {
        let slow = parse(named("RFC3339"), text).ok();
        if let Some(fast) = rfc3339(text) {
            assert_eq!(Some(fast), slow, "{text}");
        }
    }
    assert!(rfc3339("2017-06-02T19:00:00.5-07:00").is_some() && rfc3339("2017-06-02T19:00:00Z").is_some());
}
