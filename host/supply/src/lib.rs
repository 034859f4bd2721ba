//! Gets evidence: images, signatures and attestations from a registry or a bundle, checked and verified.
