//! [`render`]: the reference of the contract between assay and its plugins, from the WIT and its comments.

use std::fmt::Write as _;

use anyhow::{Context as _, ensure};
use camino::{Utf8Path, Utf8PathBuf};

/// The contract.
const CONTRACT: &str = "wit/assay-plugin/0.1";

/// The reference.
const FILE: &str = "docs/plugin-contract.md";

/// Writes the reference and gives its path.
///
/// # Errors
/// The contract cannot be read, or the reference not be written.
pub fn write(root: &Utf8Path) -> anyhow::Result<Utf8PathBuf> {
    let file = root.join(FILE);
    fs_err::write(&file, render(root)?)?;
    Ok(file)
}

/// The reference of the contract in the repository at `root`.
///
/// # Errors
/// The contract cannot be read, or is written in another way than this reads.
pub fn render(root: &Utf8Path) -> anyhow::Result<String> {
    let read = |name: &str| fs_err::read_to_string(root.join(CONTRACT).join(name));
    let worlds = worlds(&read("worlds.wit")?)?;
    let mut text = String::from(
        "# The plugin contract, version 0.1.0\n\n\
         <!-- Written by `cargo xtask contract-docs` from wit/assay-plugin/0.1; do not edit. -->\n\n\
         A plugin is a component of one world. It exports `metadata` and the interface of its world, and may import the\n\
         others. How each language writes this is in its tutorial (`docs/tutorials`).\n\n\
         | world | imports | exports |\n| --- | --- | --- |\n",
    );
    for world in &worlds {
        let list =
            |names: &[String]| names.iter().map(|name| format!("[`{name}`](#{name})")).collect::<Vec<_>>().join(", ");
        writeln!(text, "| `{}` | {} | {} |", world.name, list(&world.imports), list(&world.exports))?;
    }
    for (title, file) in [("What a plugin exports", "exports.wit"), ("What a plugin may import", "imports.wit")] {
        writeln!(text, "\n# {title}")?;
        for interface in interfaces(&read(file)?)? {
            let of = |names: fn(&World) -> &[String]| {
                let found = worlds.iter().filter(|world| names(world).contains(&interface.name));
                found.map(|world| format!("`{}`", world.name)).collect::<Vec<_>>().join(", ")
            };
            let (imports, exports) = (of(|world| &world.imports), of(|world| &world.exports));
            let (what, who) = if imports.is_empty() { ("Exported", exports) } else { ("Imported", imports) };
            write_interface(&mut text, &interface, &format!("{what} by {who}."))?;
        }
    }
    writeln!(text, "\n# Types")?;
    for interface in interfaces(&read("types.wit")?)? {
        write_interface(&mut text, &interface, "Used by all of the above.")?;
    }
    Ok(text)
}

fn write_interface(text: &mut String, interface: &Interface, who: &str) -> anyhow::Result<()> {
    write!(text, "\n## {}\n\n{who} {}\n", interface.name, interface.docs)?;
    for item in &interface.items {
        writeln!(text, "\n### {}\n", item.name)?;
        if !item.docs.is_empty() {
            writeln!(text, "{}\n", item.docs)?;
        }
        writeln!(text, "```wit\n{}\n```", item.source)?;
    }
    Ok(())
}

struct World {
    name: String,
    imports: Vec<String>,
    exports: Vec<String>,
}

/// The worlds, one a line; `include` is what another one has.
fn worlds(text: &str) -> anyhow::Result<Vec<World>> {
    let mut worlds: Vec<World> = Vec::new();
    for line in text.lines() {
        let Some((name, rest)) = line.strip_prefix("world ").and_then(|line| line.split_once(" { ")) else { continue };
        let mut world = World { name: name.to_owned(), imports: Vec::new(), exports: Vec::new() };
        for part in rest.trim_end_matches([' ', '}']).split(';').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once(' ') {
                Some(("import", name)) => world.imports.push(name.to_owned()),
                Some(("export", name)) => world.exports.push(name.to_owned()),
                Some(("include", name)) => {
                    let other = worlds.iter().find(|world| world.name == name).context("a world is included early")?;
                    world.imports.extend(other.imports.clone());
                    world.exports.extend(other.exports.clone());
                }
                _ => anyhow::bail!("a world has `{part}`"),
            }
        }
        worlds.push(world);
    }
    ensure!(worlds.len() == 5, "{} worlds were found", worlds.len());
    Ok(worlds)
}

#[derive(Default)]
struct Interface {
    name: String,
    docs: String,
    items: Vec<Item>,
}

/// A type or a function.
struct Item {
    name: String,
    docs: String,
    source: String,
}

/// The interfaces of a file: each begins at the margin, each item with two spaces.
fn interfaces(text: &str) -> anyhow::Result<Vec<Interface>> {
    let mut interfaces: Vec<Interface> = Vec::new();
    let mut docs: Vec<&str> = Vec::new();
    let mut source: Vec<&str> = Vec::new();
    for line in text.lines() {
        let inner = line.strip_prefix("  ").unwrap_or(line);
        if source.is_empty() {
            if let Some(doc) = line.trim_start().strip_prefix("/// ") {
                docs.push(doc);
                continue;
            }
            if let Some(name) = line.strip_prefix("interface ").and_then(|line| line.strip_suffix(" {")) {
                interfaces.push(Interface { name: name.to_owned(), docs: docs.join(" "), items: Vec::new() });
                docs.clear();
                continue;
            }
            if !line.starts_with("  ") || inner.starts_with("use ") {
                continue;
            }
        }
        source.push(inner);
        let count = |character: char| source.iter().map(|line| line.matches(character).count()).sum::<usize>();
        if count('{') == count('}') && inner.ends_with([';', '}']) {
            let item = Item { name: name_of(&source)?, docs: docs.join(" "), source: source.join("\n") };
            interfaces.last_mut().context("an item is in no interface")?.items.push(item);
            source.clear();
            docs.clear();
        }
    }
    ensure!(source.is_empty() && !interfaces.is_empty(), "the contract is written in another way");
    Ok(interfaces)
}

/// The name of an item, with its kind if it is a type.
fn name_of(source: &[&str]) -> anyhow::Result<String> {
    let first = source.first().context("an item has a line")?;
    if let Some((name, _)) = first.split_once(": func") {
        return Ok(name.to_owned());
    }
    let mut words = first.split([' ', '=']);
    match (words.next(), words.next()) {
        (Some(kind @ ("record" | "variant" | "enum" | "type")), Some(name)) => Ok(format!("{kind} {name}")),
        _ => anyhow::bail!("`{first}` is neither a type nor a function"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_have_their_comments_and_interfaces_the_worlds_that_use_them() {
        let text = "/// Words.\n/// More.\ninterface a {\n  use b.{c};\n  /// One.\n  record r {\n    /// In it.\n    x: u32,\n  }\n  \
                    variant v { one, two(string) }\n  /// Calls.\n  f: func(x: r) -> v;\n}\n";
        let found = interfaces(text).unwrap();
        assert_eq!((found[0].name.as_str(), found[0].docs.as_str()), ("a", "Words. More."));
        let items: Vec<_> = found[0].items.iter().map(|item| (item.name.as_str(), item.docs.as_str())).collect();
        assert_eq!(items, [("record r", "One."), ("variant v", ""), ("f", "Calls.")]);
        assert_eq!(found[0].items[0].source, "record r {\n  /// In it.\n  x: u32,\n}");
    }
}
