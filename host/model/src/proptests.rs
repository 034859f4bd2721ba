//! Laws that hold for any input, tried on random ones.

use proptest::prelude::*;
use serde_json::Value;

use crate::{criteria::Criteria, digest::Digest, image::ImageRef, policy::PolicySpec, snapshot::Snapshot, yaml};
use assay_gocompat::json;

/// Names that include and exclude lists are made of, few enough to meet.
fn item() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["*", "a", "a.*", "a.x", "a.y", "a:t", "a.x:t", "a.x:u", "b", "@c", "@d", "", ".", ":"])
        .prop_map(str::to_owned)
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_by_every_parser(text in "\\PC{0,80}|[\\[\\]{}:,&*!|>'\"\\-a\n ]{0,60}") {
        let _read_or_refused = (
            yaml::parse(&text).is_ok(),
            Snapshot::parse(&text).is_ok(),
            PolicySpec::parse(&text).is_ok(),
            text.parse::<ImageRef>().is_ok(),
            text.parse::<Digest>().is_ok(),
        );
    }

    #[test]
    fn a_reference_that_was_read_is_read_again_from_what_it_shows(
        text in "([a-z0-9.-]{1,9}(:[0-9]{1,4})?/)?[a-z0-9]{1,5}(/[a-z0-9._-]{1,5}){0,2}(:[A-Za-z0-9._-]{1,6})?"
    ) {
        if let Ok(image) = text.parse::<ImageRef>() {
            prop_assert_eq!(&image.to_string().parse::<ImageRef>().unwrap(), &image);
        }
    }

    #[test]
    fn another_exclude_never_lets_more_count_and_another_include_never_less(
        include in prop::collection::vec(item(), 1..4),
        exclude in prop::collection::vec(item(), 0..4),
        more in item(),
        terms in prop::sample::subsequence(vec!["t", "u"], 0..=2),
    ) {
        let collections = vec!["c".to_owned()];
        let counts = |include: &[String], exclude: &[String]| {
            Criteria::new(include, exclude).includes("a.x", &terms, &collections)
        };
        let before = counts(&include, &exclude);
        let excluded: Vec<_> = exclude.iter().chain([&more]).cloned().collect();
        let included: Vec<_> = include.iter().chain([&more]).cloned().collect();
        let (stricter, wider) = (counts(&include, &excluded), counts(&included, &exclude));
        prop_assert!(before || !stricter);
        prop_assert!(!before || wider);
    }

    #[test]
    fn what_is_written_as_go_writes_it_is_the_same_json(text in "\\PC{0,40}[<>&\u{2028}\u{2029}]{0,3}\\PC{0,10}") {
        let value = Value::String(text);
        let written = json::to_string(&value).unwrap();
        let special = ['<', '>', '&', '\u{2028}', '\u{2029}'];
        let escaped = !written.contains(special);
        prop_assert!(escaped);
        prop_assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), value);
    }
}
