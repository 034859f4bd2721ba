//! [`Generator`]: modules by chance over the grammar of Rego, and some with tokens that were taken out, doubled or swapped.

use std::fmt::Write as _;

/// The input that modules are evaluated with.
pub(super) const INPUT: &str = r#"{"a": 1, "b": [1, 2, 3], "c": {"x": "foo", "y": [{"k": "v"}]}, "d": "a.b", "e": null, "f": [], "g": {"1": 2.5}}"#;

/// Nesting of terms.
const DEPTH: u32 = 3;

/// Built-in functions that say the same in every run, with their numbers of arguments.
const BUILTINS: [(&str, usize); 62] = [
    ("count", 1),
    ("sum", 1),
    ("product", 1),
    ("max", 1),
    ("min", 1),
    ("sort", 1),
    ("upper", 1),
    ("lower", 1),
    ("concat", 2),
    ("split", 2),
    ("contains", 2),
    ("startswith", 2),
    ("endswith", 2),
    ("to_number", 1),
    ("abs", 1),
    ("ceil", 1),
    ("floor", 1),
    ("round", 1),
    ("union", 1),
    ("intersection", 1),
    ("array.concat", 2),
    ("array.reverse", 1),
    ("array.slice", 3),
    ("object.get", 3),
    ("object.keys", 1),
    ("object.remove", 2),
    ("object.filter", 2),
    ("object.union", 2),
    ("object.union_n", 1),
    ("object.subset", 2),
    ("json.marshal", 1),
    ("json.unmarshal", 1),
    ("json.is_valid", 1),
    ("sprintf", 2),
    ("numbers.range", 2),
    ("is_string", 1),
    ("is_number", 1),
    ("is_array", 1),
    ("is_object", 1),
    ("is_set", 1),
    ("is_null", 1),
    ("is_boolean", 1),
    ("type_name", 1),
    ("trim", 2),
    ("trim_space", 1),
    ("trim_prefix", 2),
    ("replace", 3),
    ("format_int", 2),
    ("regex.match", 2),
    ("glob.match", 3),
    ("substring", 3),
    ("indexof", 2),
    ("base64.encode", 1),
    ("hex.encode", 1),
    ("strings.reverse", 1),
    ("strings.count", 2),
    ("any_prefix_match", 2),
    ("bits.and", 2),
    ("bits.lsh", 2),
    ("units.parse", 1),
    ("crypto.sha256", 1),
    ("json.filter", 2),
];

/// Makes one module of a seed.
pub(super) struct Generator {
    state: u64,
    v0: bool,
    /// Whether `if`, `contains`, `in` and `every` are keywords.
    keywords: bool,
}

impl Generator {
    pub(super) fn new(seed: u64, v0: bool) -> Self {
        let mut generator = Self { state: seed ^ 0xD1B5_4A32_D192_ED03, v0, keywords: !v0 };
        for _ in 0..4 {
            generator.next();
        }
        generator
    }

    fn next(&mut self) -> u64 {
        // SplitMix64: any seed will do.
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most.max(1) as u64).unwrap_or_default()
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn pick<'t>(&mut self, of: &[&'t str]) -> &'t str {
        let at = self.below(of.len());
        of.get(at).copied().unwrap_or_default()
    }

    /// A module of the package `t`; one in four has an error by intent.
    pub(super) fn module(&mut self) -> String {
        let mut text = String::from("package t\n");
        if self.v0 && !self.one_in(3) {
            let import = self.pick(&["import rego.v1", "import future.keywords", "import future.keywords.in"]);
            self.keywords = import != "import future.keywords.in";
            text.push_str(import);
            text.push('\n');
        }
        if self.one_in(6) {
            text.push_str(self.pick(&[
                "import data.t.p as i",
                "import input.c",
                "import input.c.x as y",
                "import data.u",
            ]));
            text.push('\n');
        }
        for _ in 0..=self.below(4) {
            let rule = self.rule();
            text.push_str(&rule);
            text.push('\n');
        }
        if self.one_in(4) { self.mutated(&text) } else { text }
    }

    /// A token is taken out, doubled, or swapped with the next one.
    fn mutated(&mut self, text: &str) -> String {
        let mut tokens: Vec<String> = Vec::new();
        for character in text.chars() {
            let is_word = |it: char| it.is_ascii_alphanumeric() || it == '_';
            match tokens.last_mut() {
                Some(last) if is_word(character) && last.chars().all(is_word) => last.push(character),
                _ => tokens.push(character.to_string()),
            }
        }
        let head = 4;
        for _ in 0..=self.below(2) {
            let at = head + self.below(tokens.len().saturating_sub(head + 1));
            if at + 1 >= tokens.len() {
                break;
            }
            match self.below(4) {
                0 => {
                    tokens.remove(at);
                }
                1 => {
                    let token = tokens.get(at).cloned().unwrap_or_default();
                    tokens.insert(at, token);
                }
                2 => tokens.swap(at, at + 1),
                _ => {
                    let other = self.pick(&[
                        "{", "}", "[", "]", "(", ")", ":=", "=", ",", ";", "\n", " ", "not ", "some ", "if ", "_",
                        "\"", "1", "|", "-", ".",
                    ]);
                    tokens.insert(at, other.to_owned());
                }
            }
        }
        tokens.concat()
    }

    fn rule(&mut self) -> String {
        let name = self.pick(&["p", "q", "r", "s"]);
        let function = self.pick(&["f", "g"]);
        let (value, body) = (self.term(2), self.rule_body());
        match self.below(14) {
            0 => format!("{name} := {value}"),
            1 | 2 => format!("{name} := {value}{body}"),
            3 => format!("{name} = {value}{body}"),
            4 if self.keywords => format!("{name}s contains {value}{body}"),
            4 => format!("{name}s[{value}]{body}"),
            5 => format!("{name}o[{}] := {value}{body}", self.term(1)),
            6 | 7 => {
                let arguments = self.pick(&["x", "x", "x, y", "[x, y]", "1", "_", "{\"a\": x}", "\"a\", x", "x, x"]);
                format!("{function}({arguments}) := {value}{body}")
            }
            8 => format!("{name}{body}"),
            9 => {
                let (other, more) = (self.term(1), self.rule_body());
                format!("{name} := {value}{body} else := {other}{more}")
            }
            10 => format!("default {name} := {}\n{name} := {value}{body}", self.scalar()),
            11 => {
                let path = self.pick(&["a", "a.b", "[\"a b\"]", "a[x]", "[x].b"]);
                let dot = if path.starts_with('[') { "" } else { "." };
                format!("{name}d{dot}{path} := {value}{body}")
            }
            12 if self.keywords => format!("{name}d.{} contains {value}{body}", self.pick(&["a", "b", "a.c"])),
            _ => format!("{name}{body}"),
        }
    }

    fn rule_body(&mut self) -> String {
        let mut literals = Vec::new();
        for _ in 0..=self.below(3) {
            literals.push(self.literal(2));
        }
        let between = self.pick(&["; ", "\n\t"]);
        let word = if self.keywords { " if" } else { "" };
        match literals.as_slice() {
            [one] if self.keywords && self.one_in(2) => format!("{word} {one}"),
            _ => format!("{word} {{ {} }}", literals.join(between)),
        }
    }

    fn variable(&mut self) -> &'static str {
        self.pick(&["x", "y", "z", "x", "_", "i"])
    }

    fn literal(&mut self, depth: u32) -> String {
        let text = match self.below(14) {
            0 | 1 => format!("{} := {}", self.pattern(), self.term(depth)),
            2 => format!("{} = {}", self.pattern(), self.term(depth)),
            3 => format!("{} = {}", self.term(1), self.term(depth)),
            4 => format!("{} {} {}", self.term(1), self.pick(&["==", "!=", "<", ">=", ">"]), self.term(1)),
            5 if self.keywords => format!("some {} in {}", self.pattern(), self.term(depth)),
            6 if self.keywords => format!("some {}, {} in {}", self.variable(), self.pattern(), self.term(depth)),
            7 => format!("some {}\n\t{}", self.pick(&["x", "i", "x, y"]), self.reference()),
            8 => format!("not {}", if self.one_in(2) { self.term(1) } else { self.comparison() }),
            9 if self.keywords => {
                let inner = self.literal(0);
                format!("every {} in {} {{ {inner} }}", self.pick(&["x", "i, y", "z"]), self.term(1))
            }
            10 => self.call(1),
            11 if self.keywords => format!("{} in {}", self.term(1), self.term(1)),
            12 => self.reference(),
            _ => self.term(depth),
        };
        if self.one_in(12) {
            let target = self.pick(&["input", "input.a", "input.b", "data.t.p", "data.u.v", "f", "count"]);
            return format!("{text} with {target} as {}", self.term(1));
        }
        text
    }

    fn comparison(&mut self) -> String {
        format!("{} {} {}", self.term(1), self.pick(&["==", "=", ">"]), self.term(1))
    }

    fn pattern(&mut self) -> String {
        match self.below(6) {
            0 => format!("[{}, {}]", self.variable(), self.variable()),
            1 => format!("{{\"k\": {}}}", self.variable()),
            _ => self.variable().to_owned(),
        }
    }

    fn scalar(&mut self) -> &'static str {
        self.pick(&[
            "1", "2", "0", "-3", "2.5", "1e3", "\"a\"", "\"foo\"", "\"\"", "`r`", "true", "false", "null", "[]", "{}",
            "set()",
        ])
    }

    fn reference(&mut self) -> String {
        let head = self.pick(&[
            "input",
            "input.b",
            "input.c",
            "data.t.p",
            "p",
            "q",
            "ps",
            "po",
            "pd",
            "x",
            "data.t",
            "[1, 2]",
            "{\"a\": 1}",
            "f(1)",
        ]);
        let mut text = head.to_owned();
        for _ in 0..=self.below(2) {
            let part = match self.below(6) {
                0 => ".x".to_owned(),
                1 => "[_]".to_owned(),
                2 => "[0]".to_owned(),
                3 => format!("[{}]", self.variable()),
                4 => ".y".to_owned(),
                _ => format!("[{}]", self.scalar()),
            };
            text.push_str(&part);
        }
        text
    }

    fn call(&mut self, depth: u32) -> String {
        if self.one_in(4) {
            let arguments =
                if self.one_in(4) { format!("{}, {}", self.term(depth), self.term(0)) } else { self.term(depth) };
            return format!("{}({arguments})", self.pick(&["f", "g", "data.t.f"]));
        }
        let at = self.below(BUILTINS.len());
        let (name, mut arity) = BUILTINS.get(at).copied().unwrap_or(("count", 1));
        if self.one_in(25) {
            arity += 1;
        }
        let mut text = format!("{name}(");
        for at in 0..arity {
            let term = self.term(depth);
            let _infallible = write!(text, "{}{term}", if at > 0 { ", " } else { "" });
        }
        text.push(')');
        text
    }

    fn term(&mut self, depth: u32) -> String {
        let depth = depth.min(DEPTH);
        if depth == 0 {
            return if self.one_in(2) { self.scalar().to_owned() } else { self.variable().to_owned() };
        }
        let less = depth - 1;
        match self.below(16) {
            0..=2 => self.scalar().to_owned(),
            3 | 4 => self.variable().to_owned(),
            5 | 6 => self.reference(),
            7 => format!("[{}, {}]", self.term(less), self.term(less)),
            8 => format!("{{{}, {}}}", self.term(less), self.term(less)),
            9 => format!("{{{}: {}}}", self.term(less), self.term(less)),
            10 => format!("[{} | {}]", self.term(less), self.literal(less)),
            11 => format!("{{{} | {}}}", self.term(less), self.literal(less)),
            12 => format!("{{{}: {} | {}}}", self.term(less), self.term(less), self.literal(less)),
            13 => self.call(less),
            14 => {
                format!("{} {} {}", self.term(less), self.pick(&["+", "-", "*", "/", "%", "|", "&"]), self.term(less))
            }
            _ if self.one_in(3) => format!("$\"a{{{}}}b\"", self.term(less)),
            _ => format!("({} {} {})", self.term(less), self.pick(&["==", "!=", "<", "+"]), self.term(less)),
        }
    }
}
