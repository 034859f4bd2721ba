//! Konflux's resources and Tekton's pipelines: documents in, a report and plans out.

#![no_main]

use assay_konflux::{
    import::{Source, import},
    tekton::{
        pipeline,
        planning::{Context, plan_pipeline},
    },
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let imported = import([Source { file: "a.yaml", text, is_named: true }]);
    let written = serde_json::to_string(&imported.report).expect("a report is JSON");
    assert!(!written.contains('\u{1b}'));
    for resource in &imported.resources.pipelines {
        let mut issues = assay_konflux::issue::Issues::default();
        let read = pipeline::read(&resource.spec, "spec", &mut issues);
        let _planned = plan_pipeline(&read, &[], &Context::default(), &mut issues);
    }
});
