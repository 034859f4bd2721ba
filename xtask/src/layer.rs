//! [`Layer`]: a small image layer, a compressed tar file that has the same bytes whenever it is made.

use std::io::Write as _;

use assay_model::digest::Digest;
use flate2::{Compression, GzBuilder};

/// The media type of such layers (image-spec `layer.md`).
pub const MEDIA_TYPE: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// A layer of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The media type.
    pub media_type: String,
    /// The bytes as stored.
    pub bytes: Vec<u8>,
    /// The digest of the bytes before compression, as the image's config lists it.
    pub diff_id: Digest,
}

impl Layer {
    /// A layer of these files: their paths and texts. Owner, mode and time are the same for all.
    ///
    /// # Errors
    /// A path that does not fit into a tar header.
    pub fn of(files: &[(&str, &str)]) -> anyhow::Result<Self> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, text) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(0);
            tar.append_data(&mut header, path, text.as_bytes())?;
        }
        let tar = tar.into_inner()?;
        let diff_id = Digest::of(&tar);
        let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
        gzip.write_all(&tar)?;
        Ok(Self { media_type: MEDIA_TYPE.to_owned(), bytes: gzip.finish()?, diff_id })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_layer_holds_its_files_and_its_diff_id_is_that_of_the_tar() {
        let layer = Layer::of(&[("etc/a", "first"), ("etc/b", "")]).unwrap();
        assert_eq!(layer, Layer::of(&[("etc/a", "first"), ("etc/b", "")]).unwrap());
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(layer.bytes.as_slice()).read_to_end(&mut plain).unwrap();
        assert_eq!(Digest::of(&plain), layer.diff_id);
        let mut archive = tar::Archive::new(plain.as_slice());
        let files = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            (entry.path().unwrap().display().to_string(), text)
        });
        let want = [("etc/a", "first"), ("etc/b", "")].map(|(path, text)| (path.to_owned(), text.to_owned()));
        assert_eq!(files.collect::<Vec<_>>(), want);
    }
}
