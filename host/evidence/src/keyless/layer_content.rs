//! [`Content`]: what is signed in a layer.

/// What is signed in a layer.
pub(crate) enum Content<'a> {
    /// A payload, signed as it is.
    Signature {
        /// The layer.
        payload: &'a [u8],
        signature: &'a [u8],
    },
    /// An envelope, of which any signature suffices.
    Envelope {
        /// The layer itself, byte for byte.
        layer: &'a [u8],
        /// What is signed, in parts: the payload behind its head.
        message: &'a [&'a [u8]],
        payload: &'a [u8],
        signatures: &'a [Vec<u8>],
    },
}

impl Content<'_> {
    /// The signatures of the content that verify, by their places.
    pub(crate) fn verify_with(&self, verifies: impl Fn(&[&[u8]], &[u8]) -> bool) -> Vec<usize> {
        match self {
            Content::Signature { payload, signature } => {
                if verifies(&[payload], signature) {
                    vec![0]
                } else {
                    Vec::new()
                }
            }
            Content::Envelope { message, signatures, .. } => {
                let verified = signatures.iter().enumerate().filter(|(_, signature)| verifies(message, signature));
                verified.map(|(at, _)| at).collect()
            }
        }
    }
}
