//! [`params!`](crate::params): the parameters of a plugin as a struct, with the JSON Schema that its manifest has.

use serde_json::{Value as Json, json};

use crate::{
    Error,
    bindings::assay::plugin::types::{Context, Value},
    invalid,
};

/// The parameters of a plugin. [`params!`](crate::params) implements it.
pub trait Parameters: Sized {
    /// The JSON Schema.
    fn schema() -> Json;

    /// Reads them from a call.
    ///
    /// # Errors
    /// One is missing or of another type.
    fn read(context: &Context) -> Result<Self, Error>;
}

/// A type that a parameter can have.
pub trait ParamType: Sized {
    /// Its JSON Schema, without default.
    fn schema() -> Json;
    /// A default as JSON.
    fn to_json(&self) -> Json;
    /// Reads a value; none if it is of another type.
    fn of(value: &Value) -> Option<Self>;
}

impl ParamType for String {
    fn schema() -> Json {
        json!({"type": "string"})
    }

    fn to_json(&self) -> Json {
        json!(self)
    }

    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl ParamType for Vec<String> {
    fn schema() -> Json {
        json!({"type": "array", "items": {"type": "string"}})
    }

    fn to_json(&self) -> Json {
        json!(self)
    }

    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Items(items) => Some(items.clone()),
            _ => None,
        }
    }
}

macro_rules! of_json {
    ($($type:ty: $name:literal),*) => {
        $(impl ParamType for $type {
            fn schema() -> Json {
                json!({"type": $name})
            }

            fn to_json(&self) -> Json {
                json!(self)
            }

            fn of(value: &Value) -> Option<Self> {
                match value {
                    Value::Json(text) => serde_json::from_str(text).ok(),
                    _ => None,
                }
            }
        })*
    };
}
of_json!(bool: "boolean", u64: "integer", i64: "integer", f64: "number");

/// A parameter of a call.
#[doc(hidden)]
pub fn read_param<T: ParamType>(context: &Context, name: &str) -> Result<T, Error> {
    let found = context.params.iter().find(|param| param.name == name);
    found.and_then(|param| T::of(&param.value)).ok_or_else(|| invalid(format!("the parameter `{name}` is missing")))
}

/// The name of a parameter: that of the field, with `-`.
#[doc(hidden)]
#[must_use]
pub fn param_name(field: &str) -> String {
    field.replace('_', "-")
}

/// The schema of one parameter.
#[doc(hidden)]
#[must_use]
pub fn property(mut schema: Json, description: &str, default: Option<Json>, choices: &[&str]) -> Json {
    if let Some(fields) = schema.as_object_mut() {
        fields.insert("description".to_owned(), json!(description.trim()));
        if !choices.is_empty() {
            fields.insert("enum".to_owned(), json!(choices));
        }
        if let Some(default) = default {
            fields.insert("default".to_owned(), default);
        }
    }
    schema
}

/// Describes the parameters of a plugin: a struct whose fields are parameters. The comment of a field is the description in
/// the schema, what follows `=` its default, and `in [...]` the strings that it may be. A field without a default is required.
/// `max_layers` is the parameter `max-layers`.
#[macro_export]
macro_rules! params {
    (
        $(#[doc = $about:literal])*
        $visible:vis struct $name:ident {
            $( $(#[doc = $doc:literal])+ $field:ident : $type:ty $(= $default:expr)? $(, in $choices:expr)? ; )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug)]
        $visible struct $name {
            $( $(#[doc = $doc])+ pub $field: $type, )*
        }

        impl $crate::Parameters for $name {
            fn schema() -> $crate::serde_json::Value {
                let mut properties = $crate::serde_json::Map::new();
                let mut required: Vec<String> = Vec::new();
                $({
                    let name = $crate::__private::param_name(stringify!($field));
                    let default: Option<$crate::serde_json::Value> = $crate::__default!($type $(= $default)?);
                    if default.is_none() {
                        required.push(name.clone());
                    }
                    let choices: &[&str] = $crate::__choices!($($choices)?);
                    let schema = <$type as $crate::ParamType>::schema();
                    let description = concat!($($doc, " "),+);
                    properties.insert(name, $crate::__private::property(schema, description, default, choices));
                })*
                $crate::serde_json::json!({
                    "$schema": "https://json-schema.org/draft/2020-12/schema",
                    "type": "object",
                    "properties": properties,
                    "required": required,
                    "additionalProperties": false,
                })
            }

            fn read(context: &$crate::__private::RawContext) -> Result<Self, $crate::Error> {
                Ok(Self {
                    $( $field: $crate::__private::read_param(
                        context,
                        &$crate::__private::param_name(stringify!($field)),
                    )?, )*
                })
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __default {
    ($type:ty) => {
        None
    };
    ($type:ty = $default:expr) => {{
        let value: $type = ($default).into();
        Some($crate::ParamType::to_json(&value))
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __choices {
    () => {
        &[]
    };
    ($choices:expr) => {
        &$choices
    };
}
