//! `--schema` and `--capabilities` of the tools for policies.

use crate::fixture::{CommandOutput, Fixture, command};

const SCHEMA: &str =
    r#"{"type": "object", "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {}}}}"#;

fn folder() -> Fixture {
    let fixture = Fixture::empty();
    fixture.file("input.json", SCHEMA);
    fixture.file("schemas/shop/order.yaml", "properties:\n  total: {type: number}\n");
    fixture.file("good.rego", "package a\n\nx := upper(input.name)\n");
    fixture.file("bad.rego", "package a\n\nx := input.nmae\n");
    let annotated = "package a\n\n# METADATA\n# scope: rule\n# schemas:\n#   - input.order: schema.shop.order\nx := ";
    fixture.file("named.rego", &format!("{annotated}upper(input.order.total)\n"));
    fixture.file("unnamed.rego", &format!("{}input.order.totl\n", annotated.replace("shop.order", "shop.other")));
    let own = "package a\n\n# METADATA\n# schemas:\n#   - data.limits: {properties: {most: {type: number}}}\n";
    fixture.file("own.rego", &format!("{own}x := data.limits.least\n"));
    fixture
}

fn run(fixture: &Fixture, arguments: &[&str]) -> CommandOutput {
    CommandOutput::of(&command(arguments).current_dir(fixture.path("")).output().unwrap())
}

#[test]
fn references_are_checked_against_schemas() {
    let fixture = folder();
    for (arguments, code, says) in [
        (&["good.rego", "--schema", "input.json"][..], 0, ""),
        (&["bad.rego"], 0, ""),
        (&["bad.rego", "--schema", "input.json"], 1, "rego_type_error: undefined ref: input.nmae"),
        (&["named.rego"], 0, ""),
        (&["named.rego", "--schema", "schemas"], 1, "rego_type_error: upper: invalid argument(s)"),
        (&["unnamed.rego", "--schema", "schemas"], 1, "rego_type_error: undefined schema: schema.shop.other"),
        (&["own.rego"], 1, "rego_type_error: undefined ref: data.limits.least"),
        (&["good.rego", "--schema", "nowhere.json"], 2, "(--schema) cannot be read"),
    ] {
        run(&fixture, &[&["policy", "check"], arguments].concat()).expect(code, says);
    }
    let eval = ["policy", "eval", "--data", "bad.rego", "--schema", "input.json", "data.a.x"];
    run(&fixture, &eval).expect(2, "undefined ref: input.nmae");
}

#[test]
fn policies_use_only_what_capabilities_name() {
    let fixture = folder();
    fixture.file("some.json", r#"{"builtins": [{"name": "lower"}], "features": ["rego_v1"]}"#);
    for (arguments, code, says) in [
        (&["--capabilities", "some.json", "bad.rego"][..], 0, ""),
        (&["--capabilities", "some.json", "good.rego"], 1, "rego_type_error: undefined function upper"),
        (&["--capabilities", "v1.15.2", "good.rego"], 2, "assay does not have the capabilities of versions of OPA"),
        (&["--capabilities", "good.rego", "good.rego"], 2, "is not a capabilities file"),
    ] {
        run(&fixture, &[&["policy", "check"], arguments].concat()).expect(code, says);
    }
    let query = ["policy", "eval", "--capabilities", "some.json", "upper(\"a\")"];
    run(&fixture, &query).expect(2, "undefined function upper");
}
