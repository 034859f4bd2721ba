//! [`Vsa`]: the predicate of a VSA that was signed, read.

use jiff::Timestamp;

use crate::{
    image::PinnedImage,
    policy::{Identity, PolicySpec},
    strict::{StrictObject, array, string},
};

/// The images that one VSA may list: those of an index, and it.
const IMAGE_REFS: usize = crate::limits::INDEX_MANIFESTS + 2;

/// What a VSA about an image says. Nothing of it is believed before its signature is.
#[derive(Clone, Debug)]
pub struct Vsa {
    /// `passed`, or anything else.
    pub status: String,
    /// When it was made.
    pub timestamp: Timestamp,
    /// The policy with pinned sources.
    pub policy: PolicySpec,
    /// The images that it says to be about, as far as they are pinned.
    pub images: Vec<PinnedImage>,
    /// The public key that the image's signatures were verified with; empty where an identity was.
    pub public_key: String,
    /// The identity, where the VSA names one.
    pub identity: Option<Identity>,
    /// The effective time of the evaluation; none in VSAs of `ec`, which do not say.
    pub effective_time: Option<Timestamp>,
    /// The filter of rules; empty for the default one.
    pub filter_type: String,
    /// The checks that were skipped on request.
    pub skipped_checks: Vec<String>,
    /// How many violations it counts.
    pub violations: u64,
}

impl Vsa {
    /// Reads the JSON of a predicate.
    ///
    /// # Errors
    /// A field is missing or of another type.
    pub fn read(json: &str) -> Result<Self, String> {
        let fields = StrictObject::read(json)?;
        let text = |name: &str| fields.get(name)?.filter(|value| *value != "null").map_or(Ok(String::new()), string);
        let time = |text: &str, name: &str| {
            assay_gocompat::time::rfc3339(text).ok_or_else(|| format!("`{name}` is not an RFC 3339 time"))
        };
        let strings = |name: &str| -> Result<Vec<String>, String> {
            match fields.get(name)?.filter(|value| *value != "null") {
                Some(list) => array(list)?.into_iter().map(string).collect(),
                None => Ok(Vec::new()),
            }
        };
        let refs = strings("imageRefs")?;
        if refs.len() > IMAGE_REFS {
            return Err(format!("`imageRefs` has more than {IMAGE_REFS} images"));
        }
        let policy = PolicySpec::parse(fields.required("policy")?).map_err(|error| error.to_string())?;
        let identity = match fields.get("identity")? {
            Some(identity) => {
                Some(serde_json::from_str(identity).map_err(|_| "`identity` is not one of a signer".to_owned())?)
            }
            None => policy.identity.clone(),
        };
        let effective_time = text("effectiveTime")?;
        let summary = StrictObject::read(fields.required("summary")?)?;
        let violations = summary.required("violations")?;
        Ok(Self {
            status: text("status")?,
            timestamp: time(&text("timestamp")?, "timestamp")?,
            images: refs.iter().filter_map(|text| PinnedImage::parse(text).ok()).collect(),
            public_key: text("publicKey")?,
            identity,
            effective_time: match effective_time.as_str() {
                "" => None,
                given => Some(time(given, "effectiveTime")?),
            },
            filter_type: text("filterType")?,
            skipped_checks: strings("skippedChecks")?,
            violations: violations.parse().map_err(|_| "`summary.violations` is not a number".to_owned())?,
            policy,
        })
    }
}
