//! [`Shape`]: the names of a source's files, folders and links, and where each link would end.
//!
//! Nothing here looks at a disk: a link that is checked before it is created cannot do anything meanwhile.

use std::collections::{BTreeMap, btree_map::Entry};

/// The target of a link. A repository of a megabyte can hold one of gigabytes; no system takes more than 4,096 bytes.
pub(super) const LINK_BYTES: u64 = 1024;

/// Names on the way to a link's end. Links of long targets that lead through one another would be followed for minutes.
const STEPS: usize = 256;

/// Links on the way to a link's end; systems allow 40 or fewer.
const LINKS: usize = 32;

#[derive(Debug)]
enum Node {
    Folder,
    File,
    Link(String),
}

/// Names by their whole paths.
#[derive(Debug, Default)]
pub(super) struct Shape {
    nodes: BTreeMap<String, Node>,
    folders: usize,
}

/// Where a link ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// At a file or a folder of the source.
    Inside,
    /// At a name that is not there, or in a circle.
    Nowhere,
    /// At something outside of the source.
    Outside,
    /// It was not followed to its end.
    TooFar,
}

impl Shape {
    /// Adds a file. The error is what is wrong with its name.
    pub(super) fn add_file(&mut self, parts: &[&str]) -> Result<(), &'static str> {
        self.add(parts, Node::File)
    }

    /// Adds a link. The error is what is wrong with its name.
    pub(super) fn add_link(&mut self, parts: &[&str], target: &str) -> Result<(), &'static str> {
        self.add(parts, Node::Link(target.to_owned()))
    }

    /// How many folders there are.
    pub(super) const fn folders(&self) -> usize {
        self.folders
    }

    /// The links and their targets.
    pub(super) fn links(&self) -> impl Iterator<Item = (&str, &str)> {
        self.nodes.iter().filter_map(|(name, node)| match node {
            Node::Link(target) => Some((name.as_str(), target.as_str())),
            Node::File | Node::Folder => None,
        })
    }

    fn add(&mut self, parts: &[&str], node: Node) -> Result<(), &'static str> {
        for depth in 1..parts.len() {
            let above = parts.iter().take(depth).copied().collect::<Vec<_>>().join("/");
            match self.nodes.get(&above) {
                Some(Node::Folder) => {}
                Some(Node::File) => return Err("is below a file"),
                Some(Node::Link(_)) => {
                    return Err("is below a link, which could point outside of the source's directory");
                }
                None => {
                    self.nodes.insert(above, Node::Folder);
                    self.folders += 1;
                }
            }
        }
        match self.nodes.entry(parts.join("/")) {
            Entry::Vacant(place) => {
                place.insert(node);
                Ok(())
            }
            Entry::Occupied(_) => Err("is duplicated"),
        }
    }

    /// Where what stands under this name ends, as a system would find it.
    pub(super) fn end(&self, name: &str) -> End {
        let mut left: Vec<&str> = name.rsplit('/').collect();
        let mut place: Vec<&str> = Vec::new();
        let (mut steps, mut links) = (0, 0);
        while let Some(part) = left.pop() {
            steps += 1;
            if steps > STEPS {
                return End::TooFar;
            }
            match part {
                "" | "." => continue,
                ".." => match place.pop() {
                    Some(_) => continue,
                    None => return End::Outside,
                },
                _ => place.push(part),
            }
            match self.nodes.get(&place.join("/")) {
                Some(Node::Folder) => {}
                Some(Node::File) if left.is_empty() => {}
                None | Some(Node::File) => return End::Nowhere,
                Some(Node::Link(target)) if target.starts_with('/') => return End::Outside,
                Some(Node::Link(target)) => {
                    links += 1;
                    if links > LINKS {
                        return End::Nowhere;
                    }
                    place.pop();
                    left.extend(target.rsplit('/'));
                }
            }
        }
        End::Inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(files: &[&str], links: &[(&str, &str)], name: &str) -> End {
        let mut shape = Shape::default();
        for file in files {
            shape.add_file(&file.split('/').collect::<Vec<_>>()).unwrap();
        }
        for (name, target) in links {
            shape.add_link(&name.split('/').collect::<Vec<_>>(), target).unwrap();
        }
        shape.end(name)
    }

    #[test]
    fn a_link_is_followed_through_folders_and_other_links() {
        for (links, want) in [
            (&[("l", "d/f")][..], End::Inside),
            (&[("l", "d")], End::Inside),
            (&[("l", ".")], End::Inside),
            (&[("d/l", "..")], End::Inside),
            (&[("l", "./d//f")], End::Inside),
            (&[("l", "m"), ("m", "d/f")], End::Inside),
            (&[("l", "d/m/d/f"), ("d/m", "..")], End::Inside),
            (&[("l", "none")], End::Nowhere),
            (&[("l", "none/../../..")], End::Nowhere),
            (&[("l", "d/f/x")], End::Nowhere),
            (&[("l", "d/f/..")], End::Nowhere),
            (&[("l", "l")], End::Nowhere),
            (&[("l", "m"), ("m", "l")], End::Nowhere),
            (&[("l", "/etc")], End::Outside),
            (&[("l", "..")], End::Outside),
            (&[("l", "d/../..")], End::Outside),
            (&[("l", "d/m/../x"), ("d/m", "..")], End::Outside),
            (&[("l", "m/x"), ("m", "../..")], End::Outside),
            (&[("l", "m"), ("m", "/etc/hostname")], End::Outside),
        ] {
            let name = links.iter().map(|(name, _)| *name).find(|name| name.ends_with('l')).unwrap();
            assert_eq!(end(&["d/f"], links, name), want, "{links:?}");
        }
    }

    #[test]
    fn a_link_that_winds_is_not_followed_for_ever() {
        let winding = format!("{}d", "d/../".repeat(STEPS / 2));
        assert_eq!(end(&["d/f"], &[("l", &winding)], "l"), End::TooFar);
        // A chain one longer than allowed, and one of the allowed length.
        for (length, want) in [(LINKS, End::Inside), (LINKS + 1, End::Nowhere)] {
            let names: Vec<(String, String)> = (0..length)
                .map(|at| (format!("l{at}"), if at + 1 == length { "d".to_owned() } else { format!("l{}", at + 1) }))
                .collect();
            let links: Vec<(&str, &str)> =
                names.iter().map(|(name, target)| (name.as_str(), target.as_str())).collect();
            assert_eq!(end(&["d/f"], &links, "l0"), want, "{length}");
        }
    }

    #[test]
    fn nothing_stands_below_a_link_or_a_file_or_twice() {
        let mut shape = Shape::default();
        shape.add_link(&["x"], "/outside").unwrap();
        shape.add_file(&["f"]).unwrap();
        shape.add_file(&["d", "f"]).unwrap();
        for (parts, says) in [
            (&["x", "newdir", "y"][..], "below a link"),
            (&["x", "y"], "below a link"),
            (&["f", "y"], "below a file"),
            (&["x"], "duplicated"),
            (&["d"], "duplicated"),
            (&["d", "f"], "duplicated"),
        ] {
            let error = shape.add_file(parts).unwrap_err();
            assert!(error.contains(says), "{parts:?}: {error}");
        }
    }
}
