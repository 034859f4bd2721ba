//! A reporter that copies the events of a run into an artifact, or names one that it did not write.

wit_bindgen::generate!({ path: "../../../wit/assay-plugin/0.1", world: "reporter" });

use assay::plugin::{
    artifacts, events,
    types::{Context, Error, Value},
};
use exports::assay::plugin::{metadata, renderer};

struct Hostile;

export!(Hostile);

impl metadata::Guest for Hostile {
    fn describe() -> metadata::Manifest {
        metadata::Manifest {
            name: "hostile-reporter".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Misbehaves on demand.".to_owned(),
            license: "Apache-2.0".to_owned(),
            source: String::new(),
            documentation: String::new(),
            params: r#"{"type": "object", "properties": {"do": {"type": "string", "default": ""}}}"#.to_owned(),
            permissions: Vec::new(),
            limits: Vec::new(),
            rules: Vec::new(),
        }
    }
}

impl renderer::Guest for Hostile {
    fn render(context: Context) -> Result<Vec<String>, Error> {
        if matches!(context.params.first().map(|param| &param.value), Some(Value::Text(text)) if text == "lie") {
            return Ok(vec!["unwritten.txt".to_owned()]);
        }
        let mut last = 0;
        loop {
            let found = events::after(last, 2);
            let Some(event) = found.last() else { break };
            last = event.number;
            let lines: String = found.iter().map(|event| format!("{} {}\n", event.number, event.document)).collect();
            artifacts::append("events.txt", "text/plain", lines.as_bytes())
                .map_err(|error| Error::Internal(format!("{error:?}")))?;
        }
        Ok(vec!["events.txt".to_owned()])
    }
}
