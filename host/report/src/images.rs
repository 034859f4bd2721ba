//! [`Images`]: the components of a run as a person thinks of them: an index and the images in it are one.
//!
//! The runner evaluates an index and each of its manifests as components of their own, whose names are that of the index
//! with a digest and an architecture. Reports for people list them on one line.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use assay_model::{event::RunFinished, outcome::Outcome, snapshot::UNNAMED};

use crate::component_status::{count, short_digest, short_name};

/// What an index is called among its images.
const INDEX: &str = "index";

/// One image of the Snapshot.
#[derive(Debug)]
pub(crate) struct Image<'a> {
    /// What people call it.
    pub(crate) name: Cow<'a, str>,
    /// It, or the index and then its images.
    pub(crate) members: Vec<Member<'a>>,
}

/// A component of an image.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    /// The place in the run's list.
    pub(crate) at: usize,
    /// The architecture, or that it is the index; empty for an image of its own.
    pub(crate) variant: Cow<'a, str>,
}

/// All images of a run, in the order of the first of their components in the report.
#[derive(Debug)]
pub(crate) struct Images<'a> {
    pub(crate) all: Vec<Image<'a>>,
    components: usize,
}

impl<'a> Images<'a> {
    /// The images of that run.
    pub(crate) fn of(end: &'a RunFinished) -> Self {
        let key = |outcome: &'a Outcome, name: &'a str| (name, repository(outcome));
        // Only what is beside an index of that name and repository is a part of it.
        let whole: BTreeSet<_> = end.outcomes.iter().map(|one| key(one, &one.component.name)).collect();
        let mut places: BTreeMap<_, usize> = BTreeMap::new();
        let mut all: Vec<Image<'a>> = Vec::new();
        for (at, outcome) in end.outcomes.iter().enumerate() {
            let part = part(outcome).filter(|(name, _)| whole.contains(&key(outcome, name)));
            let (name, variant) = part.unwrap_or((&outcome.component.name, ""));
            // Two components that are called alike, and not as a part, are two images.
            let place = places.get(&key(outcome, name)).copied();
            let place = place.filter(|place| part.is_some() || lacks_index(all.get(*place)));
            let member = Member { at, variant: variant.into() };
            match place.and_then(|place| all.get_mut(place)) {
                Some(image) => image.members.push(member),
                None => {
                    places.entry(key(outcome, name)).or_insert(all.len());
                    all.push(Image { name: shown_name(outcome, name), members: vec![member] });
                }
            }
        }
        for image in all.iter_mut().filter(|image| image.members.len() > 1) {
            name_variants(&mut image.members, end);
        }
        name_apart(&mut all, end);
        Self { all, components: end.outcomes.len() }
    }

    /// These components, named by their images: `cart (index, amd64), shop`; `all 12 components` for all of several.
    pub(crate) fn names(&self, at: &BTreeSet<usize>) -> Vec<String> {
        if at.len() == self.components && self.all.len() > 1 {
            return vec![format!("all {}", count(self.components, "component"))];
        }
        let name = |image: &Image<'_>| {
            let variants: Vec<_> =
                image.members.iter().filter(|one| at.contains(&one.at)).map(|one| one.variant.as_ref()).collect();
            match (variants.as_slice(), image.members.len()) {
                ([], _) => None,
                (_, 1) => Some(image.name.clone().into_owned()),
                (several, _) => Some(format!("{} ({})", image.name, several.join(", "))),
            }
        };
        self.all.iter().filter_map(name).collect()
    }
}

/// Whether an image consists of parts only, so that a component of its name is the index.
fn lacks_index(image: Option<&Image<'_>>) -> bool {
    image.is_some_and(|image| image.members.iter().all(|member| !member.variant.is_empty()))
}

/// The name of the index that a component is part of, and its architecture.
fn part(outcome: &Outcome) -> Option<(&str, &str)> {
    let digest = outcome.image.as_ref()?.digest.to_string();
    let (name, variant) = outcome.component.name.split_once(&digest)?;
    Some((name.strip_suffix('-')?, variant.strip_prefix('-')?))
}

fn repository(outcome: &Outcome) -> String {
    outcome.image.as_ref().map(|image| image.repository.to_string()).unwrap_or_default()
}

/// The name, or the image where the component has no name of its own.
fn shown_name<'a>(outcome: &'a Outcome, name: &'a str) -> Cow<'a, str> {
    if name.is_empty() || name == UNNAMED {
        short_name(&outcome.image_text()).into_owned().into()
    } else {
        short_name(name)
    }
}

/// Gives the index its name, and images of one architecture different ones.
fn name_variants(members: &mut [Member<'_>], end: &RunFinished) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for member in members.iter_mut() {
        if member.variant.is_empty() {
            member.variant = INDEX.into();
        }
        *seen.entry(member.variant.to_string()).or_default() += 1;
    }
    for member in members.iter_mut() {
        let image = end.outcomes.get(member.at).and_then(|outcome| outcome.image.as_ref());
        if let (Some(image), Some(2..)) = (image, seen.get(member.variant.as_ref())) {
            member.variant = format!("{} {}", member.variant, short_digest(&image.digest)).into();
        }
    }
    members.sort_by(|a, b| (a.variant != INDEX, &a.variant).cmp(&(b.variant != INDEX, &b.variant)));
}

/// Adds the image to names that several images have.
fn name_apart(all: &mut [Image<'_>], end: &RunFinished) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for image in all.iter() {
        *seen.entry(image.name.to_string()).or_default() += 1;
    }
    for image in all.iter_mut() {
        let outcome = image.members.first().and_then(|member| end.outcomes.get(member.at));
        if let (Some(outcome), Some(2..)) = (outcome, seen.get(image.name.as_ref())) {
            image.name = format!("{} [{}]", image.name, short_name(&outcome.image_text())).into();
        }
    }
}

#[cfg(test)]
mod tests {
    use assay_model::{digest::Digest, outcome::Outcome};

    use super::*;
    use crate::test_data;

    fn names(outcomes: &[Outcome], at: &[usize]) -> String {
        let end = test_data::end(outcomes);
        Images::of(&end).names(&at.iter().copied().collect()).join(", ")
    }

    #[test]
    fn an_index_and_its_images_are_one() {
        let run = test_data::index("cart", &["amd64", "arm64"])
            .into_iter()
            .chain([test_data::component("shop").evaluated()])
            .collect::<Vec<_>>();
        assert_eq!(names(&run, &[0, 1, 2, 3]), "all 4 components");
        assert_eq!(names(&run, &[0, 1, 2]), "cart (index, amd64, arm64)");
        assert_eq!(names(&run, &[1, 3]), "cart (arm64), shop");
        assert_eq!(names(&run, &[]), "");
        // Of one image, its parts say more than their number.
        assert_eq!(names(&run[..3], &[0, 1, 2]), "cart (index, amd64, arm64)");
    }

    #[test]
    fn images_that_cannot_be_distinguished_by_name_have_their_digest() {
        let named = |name: &str, bytes: &[u8]| {
            let mut outcome = test_data::component("app").evaluated();
            name.clone_into(&mut outcome.component.name);
            outcome.image = outcome.image.map(|image| image.repository.at(Digest::of(bytes)));
            outcome
        };
        assert_eq!(
            names(&[named("one", b"1"), named("one", b"2"), named("two", b"3")], &[0, 2]),
            "one [r.example/app@sha256:6b86b273ff34…], two"
        );
        assert_eq!(names(&[named("", b"1"), named("two", b"2")], &[0]), "r.example/app@sha256:6b86b273ff34…");
        assert_eq!(names(&[named(UNNAMED, b"1")], &[0]), "r.example/app@sha256:6b86b273ff34…");
        // Of two images with one architecture.
        let run = test_data::index("cart", &["arm", "arm"]);
        let shown = names(&run, &[0, 1]);
        assert!(shown.starts_with("cart (arm sha256:") && shown.matches("arm sha256:").count() == 2, "{shown}");
    }
}
