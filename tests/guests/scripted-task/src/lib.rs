//! A task that ends as its parameter `outcome` says, writes its parameter `text` to its log, a file and a result, and
//! counts the components of the Snapshot. What it prints is in its log, too, as of every plugin in Rust.

mod bindings {
    wit_bindgen::generate!({ path: "../../../wit/assay-plugin/0.1", world: "task-offline" });
}
#[path = "../../../../sdk/rust/src/output.rs"]
mod output;

use bindings::{
    assay::plugin::{
        artifacts, logging, snapshot,
        types::{Context, Error, Outcome, Param, Value, Verdict},
    },
    exports::assay::plugin::{custom_task, metadata},
};

struct ScriptedTask;

bindings::export!(ScriptedTask with_types_in bindings);

impl metadata::Guest for ScriptedTask {
    fn describe() -> metadata::Manifest {
        metadata::Manifest {
            name: "scripted-task".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Ends as its parameters say".to_owned(),
            license: "Apache-2.0".to_owned(),
            source: String::new(),
            documentation: String::new(),
            params: r#"{"type":"object","properties":{"outcome":{"type":"string","default":"success"},"text":{"type":"string","default":"nothing"}},"additionalProperties":false}"#
                .to_owned(),
            permissions: Vec::new(),
            limits: Vec::new(),
            rules: Vec::new(),
        }
    }
}

fn text(context: &Context, name: &str) -> String {
    let found = context.params.iter().find(|Param { name: known, .. }| known == name);
    match found.map(|param| &param.value) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    }
}

impl custom_task::Guest for ScriptedTask {
    fn run(context: Context) -> Result<Verdict, Error> {
        let (outcome, text) = (text(&context, "outcome"), text(&context, "text"));
        logging::log(logging::Level::Info, &text);
        if artifacts::append("text.txt", "text/plain", text.as_bytes()).is_err() {
            return Err(Error::Internal("the file cannot be written".to_owned()));
        }
        let outcome = match outcome.as_str() {
            "failure" => Outcome::Failure,
            "warning" => Outcome::Warning,
            "invalid" => return Err(Error::Invalid("as its parameters say".to_owned())),
            "panic" => {
                println!("printed {text}");
                eprint!("the beginning");
                eprintln!(" and the end\n\n{}", "x".repeat(5_000));
                panic!("as its parameters say")
            }
            _ => Outcome::Success,
        };
        let components = snapshot::describe().components;
        Ok(Verdict {
            outcome,
            successes: u32::from(outcome == Outcome::Success),
            failures: u32::from(outcome == Outcome::Failure),
            warnings: u32::from(outcome == Outcome::Warning),
            namespace: None,
            note: Some(format!("{components} components")),
            timestamp: None,
            findings: Vec::new(),
            results: vec![("text".to_owned(), text)],
            links: Vec::new(),
        })
    }
}
