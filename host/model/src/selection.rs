//! [`Selection`]: what a source group's configuration includes and excludes, for which images and at which times.
//!
//! Items come from the group's `config`, which always holds, and its `volatileConfig`, whose items hold for a window of
//! time, and for one image, one repository or some components. The rules are `ec`'s: a window includes both its ends;
//! the first scope that is set counts, in the order `imageRef`, `imageUrl`, `imageDigest`, `componentNames`; the
//! policy's `configuration` holds only for a group that says nothing itself; and where nothing at all is included,
//! everything is.

use jiff::Timestamp;

use crate::{
    criteria::Criteria,
    date,
    image::PinnedImage,
    policy::{GlobalConfig, SourceGroup, VolatileCriterion},
};

/// The items of a source group, before the image and the effective time are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    include: Vec<Item>,
    exclude: Vec<Item>,
    /// The policy's own criteria, for a group without any: include and exclude.
    fallback: (Vec<String>, Vec<String>),
    skipped: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    value: String,
    scope: Scope,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Scope {
    Everything,
    /// A repository without tag, or a digest.
    Image(String),
    Components(Vec<String>),
}

impl Selection {
    /// The items of a group of a policy.
    #[must_use]
    pub fn of(group: &SourceGroup, global: Option<&GlobalConfig>) -> Self {
        let mut selection = Self::default();
        if let Some(config) = &group.config {
            selection.include.extend(config.include.iter().map(|value| Item::always(value)));
            selection.exclude.extend(config.exclude.iter().map(|value| Item::always(value)));
        }
        if let Some(volatile) = &group.volatile_config {
            selection.add(&volatile.include, |selection| &mut selection.include);
            selection.add(&volatile.exclude, |selection| &mut selection.exclude);
        }
        if let Some(global) = global {
            let mut include = global.include.clone();
            include.extend(global.collections.iter().map(|name| format!("@{name}")));
            selection.fallback = (include, global.exclude.clone());
        }
        selection
    }

    fn add(&mut self, criteria: &[VolatileCriterion], list: impl Fn(&mut Self) -> &mut Vec<Item>) {
        for criterion in criteria {
            match Item::of(criterion) {
                Ok(item) => list(self).push(item),
                Err(why) => self.skipped.push(why),
            }
        }
    }

    /// What was left out, since its window cannot be read: one sentence each.
    #[must_use]
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// The items of the group itself, whatever they hold for and whenever: those of `include`, then those of `exclude`.
    #[must_use]
    pub fn items(&self) -> [Vec<&str>; 2] {
        [&self.include, &self.exclude].map(|items| items.iter().map(|item| item.value.as_str()).collect())
    }

    /// What applies to this image, as this component, at this time.
    #[must_use]
    pub fn at(&self, image: &PinnedImage, component: &str, when: Timestamp) -> Criteria {
        let current = |items: &[Item]| items.iter().any(|item| item.holds_at(when));
        let (include_says, exclude_says) = (current(&self.include), current(&self.exclude));
        if !include_says && !exclude_says {
            let (include, exclude) = &self.fallback;
            return Criteria::new(include, exclude);
        }
        let (repository, digest) = (image.repository.to_string(), image.digest.to_string());
        let listed = |items: &[Item]| -> Vec<String> {
            let items = items.iter().filter(|item| item.holds_at(when));
            items.flat_map(|item| item.values(&repository, &digest, component)).collect()
        };
        let (include, exclude) = (listed(&self.include), listed(&self.exclude));
        if !include_says {
            return Criteria::new(&include, &exclude);
        }
        // An include for other images only is not the lack of any include: for this image it includes nothing. What is
        // reported about misspelled items is the same for all images, without those for components, as in `ec`.
        let reported = self.include.iter().filter(|item| item.holds_at(when) && !item.is_for_components());
        let reported = reported.map(|item| item.value.clone()).collect();
        Criteria::exactly(include, exclude).with_reported(reported)
    }
}

impl Item {
    fn always(value: &str) -> Self {
        Self { value: value.to_owned(), scope: Scope::Everything, from: None, until: None }
    }

    fn of(criterion: &VolatileCriterion) -> Result<Self, String> {
        let bound = |text: &str| match text {
            "" => Ok(None),
            text => date::parse_datetime_or_date(text).map(Some).ok_or_else(|| {
                format!(
                    "the volatile criterion `{}` is skipped: `{text}` is neither RFC 3339 nor a date",
                    criterion.value
                )
            }),
        };
        let images = [&criterion.image_ref, &criterion.image_url, &criterion.image_digest];
        let scope = match images.into_iter().find(|text| !text.is_empty()) {
            Some(image) => Scope::Image(image.clone()),
            None if criterion.component_names.is_empty() => Scope::Everything,
            None => Scope::Components(criterion.component_names.clone()),
        };
        let (from, until) = (bound(&criterion.effective_on)?, bound(&criterion.effective_until)?);
        Ok(Self { value: criterion.value.clone(), scope, from, until })
    }

    fn holds_at(&self, when: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= when) && self.until.is_none_or(|until| when <= until)
    }

    const fn is_for_components(&self) -> bool {
        matches!(self.scope, Scope::Components(_))
    }

    /// The value, as often as its scope names this image: a component may be named as itself and as its index.
    fn values(&self, repository: &str, digest: &str, component: &str) -> impl Iterator<Item = String> {
        let count = match &self.scope {
            Scope::Everything => 1,
            Scope::Image(image) => usize::from(image == repository || image == digest),
            Scope::Components(names) => {
                let index = index_name(component);
                let named = |wanted: &str| names.iter().filter(|name| *name == wanted).count();
                named(component) + if index == component { 0 } else { named(index) }
            }
        };
        std::iter::repeat_n(self.value.clone(), count)
    }
}

/// The name of the index that a component was expanded from, without the `-sha256:…-ARCHITECTURE` that expansion adds;
/// the name itself for other components.
fn index_name(component: &str) -> &str {
    const MARK: &str = "-sha256:";
    for (at, _) in component.match_indices(MARK) {
        let (name, rest) = component.split_at(at);
        let rest = rest.strip_prefix(MARK).unwrap_or_default();
        let hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        let digits = rest.bytes().take_while(hex).count();
        let architecture = rest.split_at_checked(64).and_then(|(_, rest)| rest.strip_prefix('-'));
        if digits == 64
            && architecture.is_some_and(|text| !text.is_empty() && !text.contains(|c: char| c.is_ascii_whitespace()))
        {
            return name;
        }
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{digest::Digest, policy::PolicySpec};

    const WHEN: &str = "2025-06-01T00:00:00Z";

    fn image() -> PinnedImage {
        PinnedImage::parse(&format!("quay.io/shop/cart@{}", Digest::of(b""))).unwrap()
    }

    fn selection(group: &str) -> Selection {
        let policy = PolicySpec::parse(&format!("sources: [{group}]")).unwrap();
        Selection::of(policy.sources.first().unwrap(), policy.configuration.as_ref())
    }

    fn at(group: &str, component: &str) -> Criteria {
        selection(group).at(&image(), component, WHEN.parse().unwrap())
    }

    fn criteria(include: &[&str], exclude: &[&str]) -> Criteria {
        let strings = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        Criteria::exactly(strings(include), strings(exclude))
    }

    /// With other items reported as misspelled than those that are included.
    fn with_reported(include: &[&str], reported: &[&str]) -> Criteria {
        criteria(include, &[]).with_reported(reported.iter().map(|item| (*item).to_owned()).collect())
    }

    #[test]
    fn a_group_without_criteria_falls_back_to_the_global_ones() {
        let spec = "{sources: [{policy: [p]}, {policy: [p], config: {exclude: [w]}}], \
                    configuration: {collections: [min], exclude: [x]}}";
        let policy = PolicySpec::parse(spec).unwrap();
        let of = |at: usize, global: Option<&GlobalConfig>| {
            let group = policy.sources.get(at).unwrap();
            Selection::of(group, global).at(&image(), "cart", WHEN.parse().unwrap())
        };
        assert_eq!(of(0, policy.configuration.as_ref()), criteria(&["@min"], &["x"]));
        assert_eq!(of(0, None), criteria(&["*"], &[]));
        assert_eq!(of(1, policy.configuration.as_ref()), criteria(&["*"], &["w"]));
    }

    #[test]
    fn a_window_includes_both_its_ends() {
        for (window, holds) in [
            ("", true),
            ("effectiveOn: '2025-06-01T00:00:00Z'", true),
            ("effectiveOn: '2025-06-01'", true),
            ("effectiveOn: '2025-06-01T00:00:01Z'", false),
            ("effectiveUntil: '2025-06-01T00:00:00Z'", true),
            ("effectiveUntil: '2025-05-31'", false),
            ("effectiveUntil: '2025-06-01T02:00:00+02:00'", true),
            ("effectiveOn: '2025-05-01', effectiveUntil: '2025-07-01'", true),
            ("effectiveOn: '2025-07-01', effectiveUntil: '2025-05-01'", false),
            ("effectiveUntil: '9999-12-31'", true),
            ("effectiveOn: 'soon'", false),
            ("effectiveOn: '2025-01-01t00:00:00z'", false),
        ] {
            let group = format!("{{config: {{exclude: [x]}}, volatileConfig: {{exclude: [{{value: w, {window}}}]}}}}");
            let want = if holds { criteria(&["*"], &["x", "w"]) } else { criteria(&["*"], &["x"]) };
            assert_eq!(at(&group, "cart"), want, "{window}");
        }
    }

    #[test]
    fn items_are_listed_whatever_they_hold_for() {
        let group = "{config: {include: [a], exclude: [b]}, volatileConfig: {include: [{value: c, componentNames: [x]}], \
                     exclude: [{value: d, effectiveUntil: '2020-01-01'}, {value: e, imageUrl: quay.io/other}]}}";
        assert_eq!(selection(group).items(), [vec!["a", "c"], vec!["b", "d", "e"]]);
    }

    #[test]
    fn a_window_that_cannot_be_read_is_reported() {
        let reported = selection("{volatileConfig: {exclude: [{value: w, effectiveUntil: 'soon'}, {value: z}]}}");
        assert_eq!(
            reported.skipped(),
            ["the volatile criterion `w` is skipped: `soon` is neither RFC 3339 nor a date"]
        );
    }

    #[test]
    fn an_item_holds_for_the_image_repository_or_components_it_names() {
        let (digest, other) = (Digest::of(b"").to_string(), Digest::of(b"other").to_string());
        let part = format!("cart-{other}-arm64");
        for (scope, component, holds) in [
            (format!("imageRef: '{digest}'"), "cart", true),
            (format!("imageRef: '{other}'"), "cart", false),
            (format!("imageDigest: '{digest}'"), "cart", true),
            ("imageUrl: quay.io/shop/cart".to_owned(), "cart", true),
            ("imageUrl: quay.io/shop/cart:1".to_owned(), "cart", false),
            ("imageUrl: quay.io/shop".to_owned(), "cart", false),
            ("componentNames: [pay, cart]".to_owned(), "cart", true),
            ("componentNames: [car]".to_owned(), "cart", false),
            ("componentNames: [cart]".to_owned(), &part, true),
            (format!("componentNames: ['{part}']"), &part, true),
            ("componentNames: [cart]".to_owned(), "cart-sha256:beef-arm64", false),
            // The first scope that is set counts.
            (format!("imageRef: '{other}', imageUrl: quay.io/shop/cart"), "cart", false),
            (format!("imageUrl: quay.io/shop/cart, imageDigest: '{other}'"), "cart", true),
            (format!("imageDigest: '{other}', componentNames: [cart]"), "cart", false),
        ] {
            let group = format!("{{config: {{include: [i]}}, volatileConfig: {{exclude: [{{value: x, {scope}}}]}}}}");
            let want = if holds { criteria(&["i"], &["x"]) } else { criteria(&["i"], &[]) };
            assert_eq!(at(&group, component), want, "{scope} {component}");
        }
    }

    #[test]
    fn an_include_for_another_image_includes_nothing_here() {
        let group = "{volatileConfig: {include: [{value: x, componentNames: [pay]}]}}";
        assert_eq!(at(group, "cart"), criteria(&[], &[]));
        assert_eq!(at(group, "pay"), with_reported(&["x"], &[]));
        let of_image = "{volatileConfig: {include: [{value: x, imageUrl: quay.io/shop/other}]}}";
        assert_eq!(at(of_image, "cart"), with_reported(&[], &["x"]));
        // Past its window it is as if it had never been.
        let past = "{volatileConfig: {include: [{value: x, componentNames: [pay], effectiveUntil: '2020-01-01'}]}}";
        assert_eq!(at(past, "cart"), criteria(&["*"], &[]));
    }

    #[test]
    fn only_what_expansion_adds_is_taken_off_a_name() {
        let hex = "0".repeat(64);
        for (name, want) in [
            ("cart".to_owned(), "cart"),
            (format!("cart-sha256:{hex}-arm64"), "cart"),
            (format!("cart-sha256:{hex}-noarch-0"), "cart"),
            (format!("a-sha256:x-sha256:{hex}-arm64"), "a-sha256:x"),
            (format!("cart-sha256:{hex}-"), ""),
            (format!("cart-sha256:{hex}"), ""),
            (format!("cart-sha256:{hex}0-arm64"), ""),
            (format!("cart-sha256:{}-arm64", "A".repeat(64)), ""),
            (format!("-sha256:{}é-arm64", "0".repeat(63)), ""),
        ] {
            assert_eq!(index_name(&name), if want.is_empty() { name.as_str() } else { want }, "{name}");
        }
    }
}
