//! The types of version 0.1, generated from its WIT. Worlds use those of the imports by `with`.

wasmtime::component::bindgen!({
    path: "../../wit/assay-plugin/0.1",
    // The imports of all worlds, and the export that all worlds have in common.
    inline: "
        package assay:host;
        world shared {
            import assay:plugin/logging@0.1.0;
            import assay:plugin/snapshot@0.1.0;
            import assay:plugin/evidence@0.1.0;
            import assay:plugin/artifacts@0.1.0;
            import assay:plugin/tests@0.1.0;
            import assay:plugin/http@0.1.0;
            import assay:plugin/checkpoint@0.1.0;
            import assay:plugin/events@0.1.0;
            export assay:plugin/metadata@0.1.0;
        }
    ",
    world: "assay:host/shared",
    imports: { default: trappable },
    require_store_data_send: true,
});
