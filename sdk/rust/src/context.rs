//! [`Context`]: what a call is about, with typed parameters.

use crate::{Error, Parameters, bindings::assay::plugin::types};

/// What a call is about. The fields of the contract (`run`, `key`, `now`, …) are reached through it.
#[derive(Clone, Debug)]
pub struct Context<P> {
    /// The parameters.
    pub params: P,
    context: types::Context,
}

impl<P: Parameters> Context<P> {
    /// Reads the parameters of a call.
    ///
    /// # Errors
    /// A parameter is missing or of another type, which the host does not let happen.
    pub fn read(context: types::Context) -> Result<Self, Error> {
        Ok(Self { params: P::read(&context)?, context })
    }
}

impl<P> std::ops::Deref for Context<P> {
    type Target = types::Context;

    fn deref(&self) -> &types::Context {
        &self.context
    }
}
