//! The images that passed: `good` moves with the runs of Snapshots that were composed, and never back.

use serde_json::{Value, json};

use crate::{
    fixture::{CommandOutput, assay},
    runs::Shop,
};

/// A shop with two components and without a Snapshot, whose Snapshots are composed and recorded.
struct Composed {
    shop: Shop,
    text: String,
}

impl Composed {
    fn new() -> Self {
        let shop = Shop::new("success");
        let resources = fs_err::read_to_string(shop.fixture.path("resources.yaml")).unwrap();
        let component = |name: &str| {
            format!(
                "---\napiVersion: appstudio.redhat.com/v1alpha1\nkind: Component\nmetadata: {{name: {name}}}\nspec: {{componentName: {name}, application: shop, source: {{git: {{url: 'https://git.example/{name}', revision: main}}}}}}\n"
            )
        };
        let documents: Vec<&str> = resources.split("---\n").filter(|text| !text.contains("kind: Snapshot")).collect();
        let mut text = documents.join("---\n");
        ["cart", "web"].iter().for_each(|name| text.push_str(&component(name)));
        shop.fixture.file("resources.yaml", &text);
        Self { shop, text }
    }

    /// A Snapshot with a build of a component that started then.
    fn compose(&self, name: &str, digit: &str, start: &str, more: &[&str]) -> Value {
        let path = |name: &str| self.shop.fixture.path(name).to_string();
        let (files, store) = (path("resources.yaml"), path("store"));
        let digest = digit.repeat(64);
        let set = format!("{name}=r.example/{name}@sha256:{digest},url=https://git.example/{name},revision=c{digit}");
        let place = ["--from", &files, "--store", &store, "--format", "json"];
        let build = ["--mode", "component", "--set", &set, "--build-start", start];
        let output = assay(&[&["snapshot", "compose"], &place[..], &build, more].concat());
        assert_eq!(output.code, 0, "{output:?}");
        output.json()
    }

    /// The image of a component that is good, as another component's Snapshot has it.
    fn good(&self, name: &str) -> Option<String> {
        let other = if name == "web" { "cart" } else { "web" };
        let composed = self.compose(other, "9", "2000", &["--base", "good"]);
        let found = composed["components"].as_array().unwrap().iter().find(|one| one["name"] == name).cloned();
        found.map(|one| one["image"].as_str().unwrap().to_owned())
    }

    fn run(&self, composed: &Value) -> CommandOutput {
        self.shop.fixture.file("snapshot.json", &composed["snapshot"].to_string());
        let snapshot = self.shop.fixture.path("snapshot.json").to_string();
        self.shop.run(&["--dev", "--images", &snapshot])
    }
}

fn image(name: &str, digit: &str) -> Option<String> {
    Some(format!("r.example/{name}@sha256:{}", digit.repeat(64)))
}

/// `good` moves when the component's own required scenarios passed, and neither pointer waits for the other.
#[test]
fn an_image_is_good_when_the_required_scenarios_of_its_component_passed() {
    let composed = Composed::new();
    let first = composed.compose("cart", "1", "1000", &["--record"]);
    assert_eq!(composed.good("cart"), None, "it was not tested yet");
    composed.run(&first).expect(0, "verdict passed");
    assert_eq!(composed.good("cart"), image("cart", "1"));
    // The next build fails: `latest` moves, `good` does not.
    let second = composed.compose("cart", "2", "1500", &["--record"]);
    let failing = composed.text.replace("value: success", "value: failure");
    composed.shop.fixture.file("resources.yaml", &failing);
    composed.run(&second).expect(1, "verdict failed");
    assert_eq!(composed.good("cart"), image("cart", "1"));
    let latest = composed.compose("web", "9", "2000", &[]);
    assert_eq!(json!(image("cart", "2")), latest["components"].as_array().unwrap()[0]["image"]);
}

/// B06: what was superseded is tested late and replaces nothing; another component is none of its business.
#[test]
fn an_older_push_that_is_tested_late_does_not_replace_what_is_good() {
    let composed = Composed::new();
    let older = composed.compose("cart", "1", "1000", &["--record"]);
    let newer = composed.compose("cart", "2", "1500", &["--record"]);
    let other = composed.compose("web", "3", "900", &["--record"]);
    composed.run(&newer).expect(0, "verdict passed");
    assert_eq!((composed.good("cart"), composed.good("web")), (image("cart", "2"), None));
    composed.run(&older).expect(0, "verdict passed");
    assert_eq!(composed.good("cart"), image("cart", "2"), "an older build does not replace a newer one");
    // Older than both, and of another component.
    composed.run(&other).expect(0, "verdict passed");
    assert_eq!((composed.good("cart"), composed.good("web")), (image("cart", "2"), image("web", "3")));
    // The same one again is not superseded by itself.
    composed.run(&newer).expect(0, "verdict passed");
    assert_eq!(composed.good("cart"), image("cart", "2"));
}
