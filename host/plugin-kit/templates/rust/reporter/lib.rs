//! {{name}}: writes a page about a run. Replace it with your own report.

mod assay_output;
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "{{world}}" });
}

use bindings::{
    assay::plugin::{
        artifacts, events, logging,
        types::{Context, Error, Value},
    },
    exports::assay::plugin::{
        metadata::{self, Manifest},
        renderer,
    },
};

const PAGE: &str = "report.md";

const PARAMS: &str = r#"{
  "type": "object",
  "properties": { "title": { "type": "string", "default": "Run" } },
  "additionalProperties": false
}"#;

struct Plugin;

bindings::export!(Plugin with_types_in bindings);

impl metadata::Guest for Plugin {
    fn describe() -> Manifest {
        Manifest {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Writes a page about a run.".to_owned(),
            license: env!("CARGO_PKG_LICENSE").to_owned(),
            source: String::new(),
            documentation: String::new(),
            params: PARAMS.to_owned(),
            permissions: Vec::new(),
            limits: Vec::new(),
            rules: Vec::new(),
        }
    }
}

fn write(line: &str) -> Result<(), Error> {
    artifacts::append(PAGE, "text/markdown", format!("{line}\n").as_bytes())
        .map(drop)
        .map_err(|error| Error::Internal(format!("{PAGE} cannot be written: {error:?}")))
}

impl renderer::Guest for Plugin {
    fn render(ctx: Context) -> Result<Vec<String>, Error> {
        let title = ctx.params.iter().find_map(|param| match &param.value {
            Value::Text(text) if param.name == "title" => Some(text.as_str()),
            _ => None,
        });
        write(&format!("# {}\n", title.unwrap_or("Run")))?;
        let (mut last, mut count) = (0, 0);
        loop {
            // One response of the host has at most 500 events.
            let part = events::after(last, 500);
            let Some(end) = part.last() else { break };
            last = end.number;
            count += part.len();
            for event in &part {
                write(&format!("- {}: `{}`", event.number, event.document))?;
            }
        }
        logging::log(logging::Level::Info, &format!("{count} events"));
        Ok(vec![PAGE.to_owned()])
    }
}
