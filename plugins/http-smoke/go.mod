module wit_component

go 1.25

require go.bytecodealliance.org/pkg v0.4.0

// What the generated bindings call, from the crate wit-bindgen-go 0.63.0: building needs no network.
replace go.bytecodealliance.org/pkg => ./wit_runtime
