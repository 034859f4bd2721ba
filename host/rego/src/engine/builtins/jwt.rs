//! `io.jwt.*`: reading, verifying and signing JSON Web Tokens.

use regorus::Value;
use regorus::value::Object;

use super::encodings::{URL, decode_url, to_hex};
use super::errors::BuiltinError;
use super::json_text::{compact, read};
use super::jwt_keys::{PublicKey, known, public_keys, sign};
use super::operands::{field, list, object, some, string, text};
use super::scope::Scope;
use super::types::{DOCUMENT, OBJECT, Type, tuple};
use super::{Builtin, Outcome, builtin};
use crate::engine::bytes::{bytes_of, shown, text_of};

const TEXT: Type = Type::String;

macro_rules! verifies {
    ($name:literal, $alg:literal) => {
        builtin!($name(token: TEXT, key: TEXT) -> Type::Boolean => |token: &Value, key: &Value| verify($alg, token, key))
    };
}

pub(super) const TABLE: &[Builtin] = &[
    builtin!("io.jwt.decode"(token: TEXT) -> tuple(&[OBJECT, OBJECT, TEXT]) => |token: &Value| decode(string(token, 1)?)),
    builtin!("io.jwt.decode_verify"(token: TEXT, constraints: DOCUMENT) -> tuple(&[Type::Boolean, OBJECT, OBJECT]) => scoped decode_verify).volatile(),
    builtin!("io.jwt.encode_sign"(headers: DOCUMENT, payload: DOCUMENT, key: DOCUMENT) -> TEXT => encode_sign).volatile(),
    builtin!("io.jwt.encode_sign_raw"(headers: TEXT, payload: TEXT, key: TEXT) -> TEXT => |headers: &Value, payload: &Value, key: &Value| encode(string(headers, 1)?, string(payload, 2)?, string(key, 3)?)).volatile(),
    verifies!("io.jwt.verify_hs256", "HS256"),
    verifies!("io.jwt.verify_hs384", "HS384"),
    verifies!("io.jwt.verify_hs512", "HS512"),
    verifies!("io.jwt.verify_rs256", "RS256"),
    verifies!("io.jwt.verify_rs384", "RS384"),
    verifies!("io.jwt.verify_rs512", "RS512"),
    verifies!("io.jwt.verify_ps256", "PS256"),
    verifies!("io.jwt.verify_ps384", "PS384"),
    verifies!("io.jwt.verify_ps512", "PS512"),
    verifies!("io.jwt.verify_es256", "ES256"),
    verifies!("io.jwt.verify_es384", "ES384"),
    verifies!("io.jwt.verify_es512", "ES512"),
    verifies!("io.jwt.verify_eddsa", "EdDSA"),
];

/// Tokens within tokens that are followed.
const NESTED_TOKENS: usize = 16;

/// The three parts of a token as they stand in it.
struct Token<'t> {
    header: &'t str,
    payload: &'t str,
    signature: &'t str,
}

impl<'t> Token<'t> {
    fn split(token: &'t str) -> Result<Self, BuiltinError> {
        let parts: Vec<&str> = token.splitn(4, '.').collect();
        match parts[..] {
            [header, payload, signature] => Ok(Self { header, payload, signature }),
            [_] => Err(BuiltinError::failed("encoded JWT had no period separators")),
            _ => {
                let found = token.split('.').count();
                Err(BuiltinError::failed(format!("encoded JWT must have 3 sections, found {found}")))
            }
        }
    }

    fn header(&self) -> Result<Value, BuiltinError> {
        let header = json_bytes(&within("JWT header had invalid encoding", decode_url(self.header))?);
        let header = within("bad JWT header", json_object(&header))?;
        if object(&header, 1).is_ok_and(|header| field(header, "enc").is_some()) {
            return Err(BuiltinError::failed("JWT is a JWE object, which is not supported"));
        }
        Ok(header)
    }

    fn payload(&self) -> Result<String, BuiltinError> {
        within("JWT payload had invalid encoding", decode_url(self.payload)).map(|bytes| json_bytes(&bytes))
    }

    fn signature(&self) -> Result<Vec<u8>, BuiltinError> {
        within("JWT signature had invalid encoding", decode_url(self.signature))
    }

    /// What the signature is over.
    fn signed(&self) -> Vec<u8> {
        format!("{}.{}", self.header, self.payload).into_bytes()
    }
}

/// Bytes that are to be JSON, where none but UTF-8 stays as it is.
fn json_bytes(bytes: &[u8]) -> String {
    shown(&text_of(bytes)).into_owned()
}

fn within<T>(what: &str, result: Result<T, BuiltinError>) -> Result<T, BuiltinError> {
    result.map_err(|error| BuiltinError { message: format!("{what}: {}", error.message), ..error })
}

fn json_object(text: &str) -> Result<Value, BuiltinError> {
    match within("invalid JSON", read(text))? {
        document @ Value::Object(_) => Ok(document),
        _ => Err(BuiltinError::failed("decoded JSON type was not an Object")),
    }
}

fn decode(token: &str) -> Outcome {
    let mut token = token.to_owned();
    for _ in 0..NESTED_TOKENS {
        let parts = Token::split(&token)?;
        let header = parts.header()?;
        let payload = parts.payload()?;
        if header_text(&header, "cty")?.as_deref() == Some("JWT") {
            token = payload.trim_matches(['"', '\'']).to_owned();
            continue;
        }
        let payload = json_object(&payload)?;
        let signature = Value::from(to_hex(&parts.signature()?));
        return some(list([header, payload, signature]));
    }
    Err(BuiltinError::limit(format!("more than {NESTED_TOKENS} tokens within one another")))
}

fn header_text(header: &Value, name: &str) -> Result<Option<String>, BuiltinError> {
    match object(header, 1)?.get(&Value::from(name)) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.to_string())),
        Some(_) => Err(BuiltinError::failed(format!("{name}: must be a string"))),
    }
}

fn verify(alg: &str, token: &Value, key: &Value) -> Outcome {
    let token = Token::split(string(token, 1)?)?;
    let key = string(key, 2)?;
    let signed = token.signed();
    if alg.starts_with("HS") {
        return some(PublicKey::secret(key).verify(alg, &signed, &token.signature()?));
    }
    let keys = public_keys(key)?;
    let signature = token.signature()?;
    let header = Header::of(&token.header()?)?;
    some(header.verified(&keys, alg, &signed, &signature))
}

/// The fields of a header that matter.
struct Header {
    alg: String,
    kid: String,
    cty: String,
    /// It lists extensions that must be understood, and none is.
    critical: bool,
}

impl Header {
    fn of(header: &Value) -> Result<Self, BuiltinError> {
        let text = |name| header_text(header, name).map(Option::unwrap_or_default);
        text("typ")?;
        let critical = match object(header, 1)?.get(&Value::from("crit")) {
            None => false,
            Some(Value::Array(names)) if names.is_empty() => {
                return Err(BuiltinError::failed("crit: must be a nonempty list"));
            }
            Some(Value::Array(names)) if names.iter().all(|name| matches!(name, Value::String(_))) => true,
            Some(Value::Array(_)) => return Err(BuiltinError::failed("crit: must be a list of strings")),
            Some(_) => return Err(BuiltinError::failed("crit: must be a list")),
        };
        Ok(Self { alg: text("alg")?, kid: text("kid")?, cty: text("cty")?, critical })
    }

    /// A key with the header's name decides alone; otherwise any key that fits may.
    fn verified(&self, keys: &[PublicKey], alg: &str, signed: &[u8], signature: &[u8]) -> bool {
        if !self.kid.is_empty()
            && let Some(key) = keys.iter().find(|key| key.kid == self.kid)
        {
            return key.verify(alg, signed, signature);
        }
        keys.iter()
            .filter(|key| key.alg.is_empty() || key.alg == self.alg)
            .any(|key| key.verify(alg, signed, signature))
    }
}

/// What the caller of `io.jwt.decode_verify` requires of a token.
struct Constraints {
    keys: Vec<PublicKey>,
    alg: String,
    iss: String,
    aud: String,
    time: f64,
}

impl Constraints {
    fn of(given: &Object, now_ns: i64) -> Result<Self, BuiltinError> {
        #[expect(clippy::cast_precision_loss, reason = "seconds are compared as floats, as in OPA")]
        let now = now_ns as f64;
        let mut found =
            Self { keys: Vec::new(), alg: String::new(), iss: String::new(), aud: String::new(), time: now };
        let (mut certificate, mut secret) = (None, None);
        for (name, value) in given.iter_sorted() {
            let name = super::term::shown(name);
            let text = || match value {
                Value::String(text) => Ok(text.to_string()),
                _ => Err(BuiltinError::failed(format!("{name} constraint: must be a string"))),
            };
            match &*name {
                "cert" => certificate = Some(public_keys(&text()?)?),
                "secret" => secret = Some(text()?).filter(|secret| !secret.is_empty()),
                "alg" => found.alg = text()?,
                "iss" => found.iss = text()?,
                "aud" => found.aud = text()?,
                "time" => {
                    let bad = |what: &str| BuiltinError::failed(format!("token time constraint: {what}"));
                    let Value::Number(number) = value else { return Err(bad("must be a number")) };
                    found.time = float(value).filter(|time| time.is_finite()).ok_or_else(|| bad("unvalid float64"))?;
                    if found.time < 0.0 || !number.is_positive() {
                        return Err(bad("must not be negative"));
                    }
                }
                other => return Err(BuiltinError::failed(format!("unknown token validation constraint: {other}"))),
            }
        }
        found.keys = match (certificate, secret) {
            (Some(_), Some(_)) => return Err(BuiltinError::failed("duplicate key constraints")),
            (Some(keys), None) => keys,
            (None, Some(secret)) => vec![PublicKey::secret(&secret)],
            (None, None) => return Err(BuiltinError::failed("no key constraint")),
        };
        Ok(found)
    }

    fn accepts(&self, payload: &Object) -> Result<bool, BuiltinError> {
        let text = |name| match field(payload, name) {
            Some(Value::String(text)) => Some(&**text),
            _ => None,
        };
        if !self.iss.is_empty() && text("iss") != Some(&*self.iss) {
            return Ok(false);
        }
        let for_us = match field(payload, "aud") {
            None => self.aud.is_empty(),
            Some(Value::Array(all)) => all.contains(&Value::from(&*self.aud)),
            Some(one) => *one == Value::from(&*self.aud),
        };
        let now = self.time / 1e9;
        let limit = |name: &str| match field(payload, name) {
            None => Ok(None),
            Some(value) => {
                float(value).map(Some).ok_or_else(|| BuiltinError::failed(format!("{name} value must be a number")))
            }
        };
        if !for_us || limit("exp")?.is_some_and(|end| now >= end) {
            return Ok(false);
        }
        Ok(limit("nbf")?.is_none_or(|start| now >= start))
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(_) => super::term::number_text(value).parse().ok(),
        _ => None,
    }
}

fn decode_verify(scope: &mut Scope<'_>, token: &Value, constraints: &Value) -> Outcome {
    let mut token = string(token, 1)?.to_owned();
    let constraints = Constraints::of(object(constraints, 2)?, scope.now_ns)?;
    let refused = || some(list([Value::from(false), Value::new_object(), Value::new_object()]));
    for _ in 0..NESTED_TOKENS {
        let parts = Token::split(&token)?;
        let decoded = parts.header()?;
        let header = Header::of(&decoded)?;
        if header.alg.is_empty() || header.critical || !(constraints.alg.is_empty() || constraints.alg == header.alg) {
            return refused();
        }
        if !header.verified(&constraints.keys, &header.alg, &parts.signed(), &parts.signature()?) {
            return refused();
        }
        let payload = parts.payload()?;
        if header.cty.eq_ignore_ascii_case("JWT") {
            token = payload;
            continue;
        }
        let payload = json_object(&payload)?;
        if !constraints.accepts(object(&payload, 1)?)? {
            return refused();
        }
        return some(list([Value::from(true), decoded, payload]));
    }
    Err(BuiltinError::limit(format!("more than {NESTED_TOKENS} tokens within one another")))
}

fn encode_sign(headers: &Value, payload: &Value, key: &Value) -> Outcome {
    object(headers, 1)?;
    object(payload, 2)?;
    object(key, 3)?;
    encode(&compact(headers)?, &compact(payload)?, &compact(key)?)
}

fn encode(headers: &str, payload: &str, key: &str) -> Outcome {
    let bad = |what: &str| BuiltinError::failed(format!("missing or invalid 'alg' header: {what}"));
    if headers.is_empty() {
        return Err(bad("cannot parse JSON: cannot parse empty string"));
    }
    let parsed = read(headers).unwrap_or(Value::Null);
    let header = |name: &str| match &parsed {
        Value::Object(fields) => match field(fields, name) {
            Some(Value::String(text)) => Some(text.to_string()),
            _ => None,
        },
        _ => None,
    };
    let alg = header("alg").ok_or_else(|| bad("jwsbb: header \"alg\" not found"))?;
    if !known(&alg) {
        return Err(BuiltinError::failed(format!("unknown JWS algorithm: {alg}")));
    }
    if header("typ").is_none_or(|kind| kind == "JWT") && read(payload).is_err() {
        return Err(BuiltinError::failed("type is JWT but payload is not JSON"));
    }
    let signed = format!("{}.{}", URL.encode(&bytes_of(headers), false), URL.encode(&bytes_of(payload), false));
    let signature = sign(key, &alg, signed.as_bytes())?;
    text(format!("{signed}.{}", URL.encode(&signature, false)))
}
