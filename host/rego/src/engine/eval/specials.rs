//! Functions that only the evaluator can evaluate: `in`, `walk`, `trace`, and what is disabled.

use std::collections::BTreeSet;

use regorus::Value;

use crate::engine::builtins::write_term;
use crate::engine::error::EvalCode;
use crate::engine::ir::Special;
use crate::engine::limits::NESTING;
use crate::engine::program::{Step, Target};
use crate::engine::span::Span;

use super::memo::CacheScope;
use super::paths::index;
use super::{ControlFlow, Eval, EvalResult, ResultSink};

impl<'p> Eval<'p> {
    pub(super) fn call_special(&mut self, special: Special, args: &[Value], span: Span) -> EvalResult<Option<Value>> {
        match (special, args) {
            (Special::MemberPair, [key, element, domain]) => {
                let found = match domain {
                    Value::Set(set) => key == element && set.contains(element),
                    _ => index(domain, key) == Some(element),
                };
                Ok(Some(Value::Bool(found)))
            }
            (Special::Trace, [text]) => {
                if let Value::String(text) = text {
                    self.print(span, text, true)?;
                }
                Ok(Some(Value::Bool(true)))
            }
            (Special::Runtime, _) => {
                self.read(CacheScope::Query);
                Ok(Some(Value::new_object()))
            }
            (Special::HttpSend, [request]) => {
                if let Some(message) = bad_request(request) {
                    let message = format!("http.send: {message}");
                    return if self.strict { Err(self.error(EvalCode::Type, span, message)) } else { Ok(None) };
                }
                let message = "http.send: requests are switched off, a verdict must not depend on them";
                Err(self.error(EvalCode::Builtin, span, message))
            }
            _ => Ok(None),
        }
    }

    /// Every value inside a value with its path, the value itself first.
    pub(super) fn walk(
        &mut self,
        frame: usize,
        value: &Value,
        out: &'p Target,
        rest: &'p [Step],
        span: Span,
        sink: &mut ResultSink<'_, 'p>,
    ) -> EvalResult<ControlFlow> {
        let mut path = Vec::new();
        self.walk_at(frame, value, &mut path, out, rest, span, sink)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one step, and where it goes on")]
    fn walk_at(
        &mut self,
        frame: usize,
        value: &Value,
        path: &mut Vec<Value>,
        out: &'p Target,
        rest: &'p [Step],
        span: Span,
        sink: &mut ResultSink<'_, 'p>,
    ) -> EvalResult<ControlFlow> {
        self.tick(span)?;
        if path.len() > NESTING * 10 {
            return Err(self.error(EvalCode::Internal, span, "walk: the value is nested too deeply"));
        }
        self.made(path.len() + 4, &Value::Null, span)?;
        let pair = Value::from(vec![Value::from(path.clone()), value.clone()]);
        if self.out(frame, out, pair)? && self.deeper(frame, rest, span, sink)? == ControlFlow::Enough {
            return Ok(ControlFlow::Enough);
        }
        self.each(value, &mut |eval: &mut Self, key: &Value, below: &Value| {
            path.push(key.clone());
            let flow = eval.walk_at(frame, below, path, out, rest, span, sink);
            path.pop();
            flow
        })
    }
}

/// What is wrong with the request of `http.send`, which is looked at before it is refused.
fn bad_request(request: &Value) -> Option<String> {
    const KNOWN: &[&str] = &[
        "body",
        "cache",
        "cache_ignored_headers",
        "caching_mode",
        "enable_redirect",
        "force_cache",
        "force_cache_duration_seconds",
        "force_json_decode",
        "force_yaml_decode",
        "headers",
        "max_retry_attempts",
        "method",
        "raise_error",
        "raw_body",
        "timeout",
        "tls_ca_cert",
        "tls_ca_cert_env_variable",
        "tls_ca_cert_file",
        "tls_client_cert",
        "tls_client_cert_env_variable",
        "tls_client_cert_file",
        "tls_client_key",
        "tls_client_key_env_variable",
        "tls_client_key_file",
        "tls_insecure_skip_verify",
        "tls_server_name",
        "tls_use_system_certs",
        "url",
    ];
    let Value::Object(request) = request else { return Some("operand 1 must be object".to_owned()) };
    let known = |key: &Value| matches!(key, Value::String(name) if KNOWN.contains(&&**name));
    let wrong: BTreeSet<_> = request.keys().filter(|key| !known(key)).cloned().collect();
    let needed = ["method", "url"].map(Value::from);
    let missing: BTreeSet<_> = needed.into_iter().filter(|key| !request.contains_key(key)).collect();
    let (what, keys) = if !wrong.is_empty() {
        ("invalid request parameters(s)", wrong)
    } else if !missing.is_empty() {
        ("missing required request parameters(s)", missing)
    } else {
        return None;
    };
    let mut message = format!("{what}: ");
    write_term(&mut message, &Value::from(keys));
    Some(message)
}
