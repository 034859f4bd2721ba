//! Values on their way in and out of the evaluator, and its calls of the built-ins that are ours.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use regorus::{Engine, Value};

use crate::{
    builtin::{AVAILABLE, Calls},
    check::Unavailable,
};

pub(super) fn from_json(value: serde_json::Value) -> Result<Value> {
    Ok(serde_json::from_value(value)?)
}

pub(super) fn to_json(value: &Value) -> Result<serde_json::Value> {
    Ok(serde_json::to_value(value)?)
}

/// Answers of one evaluation by function and arguments: the same call has the same answer.
type Memo = Arc<Mutex<BTreeMap<(String, Vec<Value>), Value>>>;

/// Makes the engine call our built-ins.
pub(super) fn add_calls(engine: &mut Engine, calls: &Calls, unavailable: &Unavailable) -> Result<()> {
    let memo = Memo::default();
    let names = AVAILABLE.into_iter().map(|(name, arguments)| (name.to_owned(), arguments));
    for (name, arguments) in names.chain(unavailable.clone()) {
        let (calls, memo, function) = (calls.clone(), Arc::clone(&memo), name.clone());
        let call = move |arguments: Vec<Value>| call(&calls, &memo, &function, arguments);
        engine.add_extension(name, u8::try_from(arguments)?, Box::new(call))?;
    }
    Ok(())
}

fn call(calls: &Calls, memo: &Memo, name: &str, arguments: Vec<Value>) -> Result<Value> {
    let lock = || memo.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (name.to_owned(), arguments);
    if let Some(known) = lock().get(&key) {
        return Ok(known.clone());
    }
    let arguments: Vec<_> = key.1.iter().map(to_json).collect::<Result<_>>()?;
    let answer = calls.answer(name, &arguments)?.map_or(Ok(Value::Undefined), from_json)?;
    lock().insert(key, answer.clone());
    Ok(answer)
}
