//! Documents that policies evaluate directly: their formats, chosen by filename, and how they are parsed.
//!
//! Names and readings are conftest's. What conftest reads and assay does not is recognized by its name, too, so that it is an
//! error and never skipped silently. Documents are hostile: what nests, repeats or refers to itself is bounded, and no
//! text makes a reader panic.

mod dockerfile;
mod dotenv;
mod hcl;
mod ini;
mod jsonc;
mod numbers;
mod tables;
mod xml;

use assay_gocompat::yaml_reader;
use camino::Utf8Path;
use serde_json::Value;

/// How deep a document of any form may nest: readers must not run out of stack.
pub const MAX_DEPTH: usize = assay_model::limits::NESTING;

/// What a document is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentFormat {
    /// JSON.
    Json,
    /// JSON with comments.
    Jsonc,
    /// YAML as Go reads it; see [`yaml_reader`].
    Yaml,
    /// TOML.
    Toml,
    /// Lines of `NAME=VALUE`.
    Dotenv,
    /// HCL 2, such as Terraform's.
    Hcl,
    /// A Dockerfile or Containerfile.
    Dockerfile,
    /// INI.
    Ini,
    /// XML.
    Xml,
}

/// What the name of a file says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It can be read.
    Readable(DocumentFormat),
    /// conftest reads it and assay does not; the name of what it is.
    Unreadable(&'static str),
    /// Not even conftest reads it.
    Unknown,
}

/// What conftest reads and assay does not, by the ends of files' names.
const UNREADABLE: [(&str, &str); 20] = [
    ("cue", "cue"),
    ("cyclonedx", "cyclonedx"),
    ("edn", "edn"),
    ("groovy", "groovy"),
    ("hcl1", "hcl1"),
    ("hocon", "hocon"),
    ("ignore", "ignore"),
    ("gitignore", "ignore"),
    ("dockerignore", "ignore"),
    ("jsonnet", "jsonnet"),
    ("nginx", "nginx"),
    ("properties", "properties"),
    ("spdx", "spdx"),
    ("textproto", "textproto"),
    ("textpb", "textproto"),
    ("txtpb", "textproto"),
    ("pbtxt", "textproto"),
    ("asciipb", "textproto"),
    ("prototxt", "textproto"),
    ("vcl", "vcl"),
];

impl DocumentFormat {
    /// The names that `--parser` takes.
    pub const NAMES: [(&'static str, Self); 9] = [
        ("json", Self::Json),
        ("yaml", Self::Yaml),
        ("toml", Self::Toml),
        ("dotenv", Self::Dotenv),
        ("jsonc", Self::Jsonc),
        ("hcl2", Self::Hcl),
        ("dockerfile", Self::Dockerfile),
        ("ini", Self::Ini),
        ("xml", Self::Xml),
    ];

    /// The form of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, format)| format)
    }

    /// The documents of a file, each of which is evaluated by itself. A top-level list counts as one document for each
    /// item.
    ///
    /// # Errors
    /// What is wrong with the text, with its place.
    pub fn read(self, text: &str) -> Result<Vec<Value>, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut documents = match self {
            Self::Json => vec![serde_json::from_str(text).map_err(|error| error.to_string())?],
            Self::Yaml => {
                let each = parts(text).iter().map(|part| yaml_reader::parse(part)).collect::<Result<Vec<_>, _>>();
                each.map_err(|error| error.to_string())?
            }
            Self::Toml => {
                vec![tables::toml_value(text.parse().map_err(|error: toml::de::Error| error.to_string())?)?]
            }
            Self::Dotenv => vec![dotenv::read(text)?],
            Self::Jsonc => vec![jsonc::read(text)?],
            Self::Hcl => vec![hcl::read(text)?],
            Self::Dockerfile => vec![dockerfile::read(text)?],
            Self::Ini => vec![ini::read(text)?],
            Self::Xml => vec![xml::read(text)?],
        };
        match documents.as_mut_slice() {
            [Value::Array(items)] => Ok(std::mem::take(items)),
            _ => Ok(documents),
        }
    }
}

impl Kind {
    /// What the name of a file says. One whose name has no end, such as a pipe's, is taken for YAML, which JSON is, too.
    #[must_use]
    pub fn of(path: &Utf8Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_ascii_lowercase();
        // As in Go, `.env` is an end without a name before it.
        let (first, end) = name.rsplit_once('.').unwrap_or((&name, ""));
        let is_named =
            |start: &str| name == start || name.strip_prefix(start).is_some_and(|rest| rest.starts_with('.'));
        if is_named("dockerfile") || end == "dockerfile" {
            return Self::Readable(DocumentFormat::Dockerfile);
        }
        Self::Readable(match end {
            "yaml" | "yml" => DocumentFormat::Yaml,
            "hcl" | "hcl2" | "tf" | "tfvars" => DocumentFormat::Hcl,
            _ if name.starts_with(".env.") => DocumentFormat::Dotenv,
            "env" | "dotenv" => DocumentFormat::Dotenv,
            _ if name == "nginx.conf" => return Self::Unreadable("nginx"),
            _ if is_named("jenkinsfile") => return Self::Unreadable("groovy"),
            "json" => DocumentFormat::Json,
            "jsonc" => DocumentFormat::Jsonc,
            "toml" => DocumentFormat::Toml,
            "ini" => DocumentFormat::Ini,
            "xml" => DocumentFormat::Xml,
            "" if first == name => DocumentFormat::Yaml,
            _ => {
                let known = UNREADABLE.into_iter().find(|(known, _)| *known == end);
                return known.map_or(Self::Unknown, |(_, kind)| Self::Unreadable(kind));
            }
        })
    }

    /// Whether conftest would read a file of a folder. One whose name has no end is left out, unless the name itself says
    /// what it is.
    #[must_use]
    pub fn is_listed(path: &Utf8Path) -> bool {
        let name = path.file_name().unwrap_or_default();
        match Self::of(path) {
            Self::Readable(DocumentFormat::Yaml) => name.contains('.'),
            Self::Readable(_) | Self::Unreadable(_) => true,
            Self::Unknown => false,
        }
    }
}

/// The documents of a YAML stream: a line that begins with `---` begins one, wherever it stands. As in conftest, one that
/// says nothing counts, unless nothing at all stands before the first such line or after the last.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in text.split_inclusive('\n') {
        let rest = line.strip_prefix("---");
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace)) {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push_str(line);
        }
    }
    // Directives belong to what follows them.
    let is_directive = |line: &str| line.is_empty() || line.starts_with('%') || line.starts_with('#');
    if parts.len() > 1 && parts.first().is_some_and(|first| first.is_empty() || is_directives(first, is_directive)) {
        let first = parts.remove(0);
        if let Some(second) = parts.first_mut() {
            second.insert_str(0, &first);
        }
    }
    if parts.len() > 1 && parts.last().is_some_and(|last| last == "---") {
        parts.pop();
    }
    parts
}

fn is_directives(part: &str, is_directive: impl Fn(&str) -> bool) -> bool {
    part.starts_with('%') && part.lines().all(|line| is_directive(line.trim_end()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stream_is_as_many_documents_as_it_holds_and_a_list_as_many_as_its_items() {
        for (text, format, want) in [
            ("a: 1", DocumentFormat::Yaml, vec![json!({"a": 1})]),
            ("---\na: 1\n---\nb: |\n  ---x\n", DocumentFormat::Yaml, vec![json!({"a": 1}), json!({"b": "---x\n"})]),
            // As conftest has it, what says nothing is a document, too.
            ("# c\n---\na: 1\n---\n", DocumentFormat::Yaml, vec![Value::Null, json!({"a": 1}), Value::Null]),
            ("a: 1\n---", DocumentFormat::Yaml, vec![json!({"a": 1})]),
            ("%YAML 1.2\n---\na: 1\n", DocumentFormat::Yaml, vec![json!({"a": 1})]),
            ("- 1\n---\n- 2\n", DocumentFormat::Yaml, vec![json!([1]), json!([2])]),
            ("- 1\n- 2\n", DocumentFormat::Yaml, vec![json!(1), json!(2)]),
            ("", DocumentFormat::Yaml, vec![Value::Null]),
            ("[1, {\"a\": 2}]", DocumentFormat::Json, vec![json!(1), json!({"a": 2})]),
            ("\u{feff}{}", DocumentFormat::Json, vec![json!({})]),
            ("[]", DocumentFormat::Json, vec![]),
            (
                "a = 1\n[b]\nc = [2.5, true]\nd = 2020-01-02T03:04:05Z\n",
                DocumentFormat::Toml,
                vec![json!({"a": 1, "b": {"c": [2.5, true], "d": "2020-01-02T03:04:05Z"}})],
            ),
            (
                "a = 2020-01-02\nb = 03:04:05\nc = 2020-01-02T03:04:05.5+02:00\n",
                DocumentFormat::Toml,
                vec![
                    json!({"a": "2020-01-02T00:00:00Z", "b": "0000-01-01T03:04:05Z", "c": "2020-01-02T03:04:05.5+02:00"}),
                ],
            ),
            (
                "A=1\nB=\"one\ntwo \\$A $A\" # c\nC=\\$A\n  D = '\"'",
                DocumentFormat::Dotenv,
                vec![json!({"A": "1", "B": "one\ntwo $A 1", "C": "$A", "D": "\""})],
            ),
            (
                "# c\nA=1\nexport B=\"x \\\"$A\\\"\\n\" # d\nC='q $A'\nD: $A-${B}$ # e\nE=\nF=a#b\n",
                DocumentFormat::Dotenv,
                vec![json!({"A": "1", "B": "x \"1\"\n", "C": "q $A", "D": "1-x \"1\"\n$", "E": "", "F": "a"})],
            ),
        ] {
            assert_eq!(format.read(text), Ok(want), "{text:?}");
        }
        for (text, format) in [
            ("a: 1", DocumentFormat::Json),
            ("a: [", DocumentFormat::Yaml),
            ("a = inf", DocumentFormat::Toml),
            ("a = ", DocumentFormat::Toml),
            ("A", DocumentFormat::Dotenv),
            ("A B=1", DocumentFormat::Dotenv),
            ("A:1", DocumentFormat::Dotenv),
            ("A='x' y", DocumentFormat::Dotenv),
            ("A=\"x\" y", DocumentFormat::Dotenv),
            ("A='x", DocumentFormat::Dotenv),
            ("A=\"x\\", DocumentFormat::Dotenv),
        ] {
            assert!(format.read(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_name_of_a_file_determines_its_format() {
        for (name, want) in [
            ("a.json", Kind::Readable(DocumentFormat::Json)),
            ("a.JSON", Kind::Readable(DocumentFormat::Json)),
            ("d/a.b.yml", Kind::Readable(DocumentFormat::Yaml)),
            ("a", Kind::Readable(DocumentFormat::Yaml)),
            ("-", Kind::Readable(DocumentFormat::Yaml)),
            ("a.toml", Kind::Readable(DocumentFormat::Toml)),
            (".env", Kind::Readable(DocumentFormat::Dotenv)),
            (".env.prod", Kind::Readable(DocumentFormat::Dotenv)),
            ("a.env", Kind::Readable(DocumentFormat::Dotenv)),
            ("main.tf", Kind::Readable(DocumentFormat::Hcl)),
            ("a.tfvars", Kind::Readable(DocumentFormat::Hcl)),
            ("a.hcl", Kind::Readable(DocumentFormat::Hcl)),
            ("a.jsonc", Kind::Readable(DocumentFormat::Jsonc)),
            ("a.ini", Kind::Readable(DocumentFormat::Ini)),
            ("a.xml", Kind::Readable(DocumentFormat::Xml)),
            ("Dockerfile", Kind::Readable(DocumentFormat::Dockerfile)),
            ("dockerfile.debug", Kind::Readable(DocumentFormat::Dockerfile)),
            ("dev.Dockerfile", Kind::Readable(DocumentFormat::Dockerfile)),
            ("dockerfiles.yaml", Kind::Readable(DocumentFormat::Yaml)),
            ("a.cue", Kind::Unreadable("cue")),
            (".gitignore", Kind::Unreadable("ignore")),
            ("nginx.conf", Kind::Unreadable("nginx")),
            ("a.conf", Kind::Unknown),
            ("Jenkinsfile", Kind::Unreadable("groovy")),
            ("a.textproto", Kind::Unreadable("textproto")),
            ("a.txt", Kind::Unknown),
            ("a.", Kind::Unknown),
        ] {
            assert_eq!(Kind::of(Utf8Path::new(name)), want, "{name}");
        }
        for (name, listed) in
            [("a", false), ("a.yaml", true), ("Dockerfile", true), ("a.cue", true), ("README.md", false)]
        {
            assert_eq!(Kind::is_listed(Utf8Path::new(name)), listed, "{name}");
        }
    }

    #[test]
    fn yaml_is_read_as_kubernetes_reads_it() {
        let want = json!({"hostNetwork": true, "mode": 10, "at": "1:30"});
        assert_eq!(DocumentFormat::Yaml.read("hostNetwork: yes\nmode: 012\nat: 1:30\n"), Ok(vec![want]));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_reader_panic(
            text in "(?s).{0,60}",
            odd in "[-\\[\\]{}()<>:,?&*!|'\"%$@`#~=.;/ \n\\\\a0fe]{0,80}",
        ) {
            for (_, format) in DocumentFormat::NAMES {
                let _both = (format.read(&text), format.read(&odd));
            }
        }
    }
}
