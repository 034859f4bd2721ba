//! Reads the run's events and writes what people and pipelines read.
