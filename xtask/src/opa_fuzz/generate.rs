//! [`Generator`]: modules by chance over the grammar of Rego, and some with tokens that were taken out, doubled or swapped.

use std::fmt::Write as _;

/// The input that modules are evaluated with.
pub(super) const INPUT: &str = r#"{"a": 1, "b": [1, 2, 3], "c": {"x": "foo", "y": [{"k": "v"}]}, "d": "a.b", "e": null, "f": [], "g": {"1": 2.5}}"#;

/// Nesting of terms.
const DEPTH: u32 = 3;

/// Built-in functions that say the same in every run, with the kinds of their arguments: strings,
/// numbers, arrays, objects, collections and anything.
const BUILTINS: [(&str, &str); 61] = [
    ("count", "c"),
    ("sum", "a"),
    ("product", "a"),
    ("max", "a"),
    ("min", "a"),
    ("sort", "a"),
    ("upper", "s"),
    ("lower", "s"),
    ("concat", "sa"),
    ("split", "ss"),
    ("contains", "ss"),
    ("startswith", "ss"),
    ("endswith", "ss"),
    ("to_number", "s"),
    ("abs", "n"),
    ("ceil", "n"),
    ("floor", "n"),
    ("round", "n"),
    ("union", "x"),
    ("intersection", "x"),
    ("array.concat", "aa"),
    ("array.reverse", "a"),
    ("array.slice", "ann"),
    ("object.get", "oss"),
    ("object.keys", "o"),
    ("object.remove", "oa"),
    ("object.filter", "oa"),
    ("object.union", "oo"),
    ("object.union_n", "x"),
    ("object.subset", "oo"),
    ("json.marshal", "x"),
    ("json.unmarshal", "s"),
    ("json.is_valid", "s"),
    ("sprintf", "sa"),
    ("numbers.range", "nn"),
    ("is_string", "x"),
    ("is_number", "x"),
    ("is_array", "x"),
    ("is_object", "x"),
    ("is_set", "x"),
    ("is_null", "x"),
    ("is_boolean", "x"),
    ("type_name", "x"),
    ("trim", "ss"),
    ("trim_space", "s"),
    ("trim_prefix", "ss"),
    ("replace", "sss"),
    ("format_int", "nn"),
    ("regex.match", "ss"),
    ("glob.match", "sas"),
    ("substring", "snn"),
    ("indexof", "ss"),
    ("base64.encode", "s"),
    ("hex.encode", "s"),
    ("strings.reverse", "s"),
    ("strings.count", "ss"),
    ("bits.and", "nn"),
    ("bits.lsh", "nn"),
    ("units.parse", "s"),
    ("crypto.sha256", "s"),
    ("json.filter", "oa"),
];

/// Makes one module of a seed.
pub(super) struct Generator {
    state: u64,
    v0: bool,
    /// Whether `if`, `contains`, `in` and `every` are keywords.
    keywords: bool,
    /// The variables that have a value where the next term stands.
    bound: Vec<&'static str>,
}

/// Names of variables.
const NAMES: [&str; 8] = ["x", "y", "z", "i", "j", "k", "v", "w"];

impl Generator {
    pub(super) fn new(seed: u64, v0: bool) -> Self {
        let mut generator = Self { state: seed ^ 0xD1B5_4A32_D192_ED03, v0, keywords: !v0, bound: Vec::new() };
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
            let rule = if self.one_in(5) { self.odd_rule() } else { self.rule() };
            text.push_str(&rule);
            text.push_str(if self.one_in(40) { " " } else { "\n" });
        }
        if self.one_in(4) { self.mutated(&text) } else { text }
    }

    /// A token is taken out, doubled, or swapped with the next one.
    pub(super) fn mutated(&mut self, text: &str) -> String {
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
        let kind = self.below(14);
        self.bound.clear();
        if kind == 0 {
            return format!("{name} := {}", self.term(2));
        }
        if kind == 6 || kind == 7 {
            self.bound.extend(["x", "y"]);
        }
        let body = self.rule_body();
        let value = self.term(2);
        match kind {
            1 | 2 => format!("{name} := {value}{body}"),
            3 => format!("{name} = {value}{body}"),
            4 if self.keywords => format!("{name}s contains {value}{body}"),
            4 => format!("{name}s[{value}]{body}"),
            5 => format!("{name}o[{}] := {value}{body}", self.term(1)),
            6 | 7 => {
                let arguments = self.pick(&["x, y", "x, y", "y, x", "[x, y], _", "[x], y", "x, {\"a\": y}"]);
                format!("{function}({arguments}) := {value}{body}")
            }
            8 => format!("{name}{body}"),
            9 => {
                self.bound.clear();
                let more = self.rule_body();
                format!("{name} := {value}{body} else := {}{more}", self.term(1))
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

    /// A rule in one of the forms that few people use.
    fn odd_rule(&mut self) -> String {
        let name = self.pick(&["p", "q", "r", "s"]);
        let function = self.pick(&["f", "g"]);
        self.bound.clear();
        match self.below(13) {
            0 => format!("{function}({})", self.pick(&["1", "\"a\"", "x", "_", "[1, _]", "{\"a\": 1}", "set()"])),
            1 => {
                let argument = self.pick(&[
                    "x, x",
                    "x, [x]",
                    "{x}",
                    "{x, 1}, x",
                    "$\"{x}\"",
                    "$\"a\"",
                    "input.a",
                    "p",
                    "[p]",
                    "{x: 1}",
                    "1 + 1",
                    "[y | y := 1]",
                    "{\"a\": {x}}",
                    "null",
                    "x, _, y",
                    "",
                ]);
                self.bound.extend(["x", "y"]);
                let body = self.rule_body();
                format!("{function}({argument}) := {}{body}", self.term(2))
            }
            2 => format!("{name} [{}] := {}", self.scalar(), self.term(1)),
            3 => format!("{function} (x) := {}", self.term(1)),
            4 => {
                let (one, other) = (self.rule_body(), self.rule_body());
                format!("{name}{one} {}", other.trim_start_matches(" if"))
            }
            5 => {
                let word = if self.keywords { " if" } else { "" };
                let (one, other) = (self.rule_body(), self.rule_body());
                format!("{name} := 1{one} else := {}{other} else{word} {{ {} }}", self.term(1), self.term(1))
            }
            6 => format!("default {function}({}) := {}", self.pick(&["_", "x", "x, y", "1", "x, x"]), self.term(1)),
            7 => format!("default {name} := {}", self.term(2)),
            8 => format!("{name} := {}; {} := 1", self.term(1), self.pick(&["p", "q"])),
            9 => format!("{name} if {{ {} | {} }}", self.term(1), self.term(1)),
            10 => {
                let body = self.rule_body();
                let head = self.pick(&[
                    "od.a[x] contains y",
                    "od[x].b := y",
                    "od[x][y] := 1",
                    "od[x] contains y",
                    "od.a.b := 1",
                ]);
                format!("{name}{head}{}", body.replacen(" { ", " { x = \"a\"; y = 1; ", 1))
            }
            11 => format!("{} := {}", self.pick(&["input", "data", "data.t.p", "input.a", "count"]), self.term(1)),
            _ => format!(
                "{name} := {}",
                self.pick(&["- 1", "-1", "{, 1}", "[, 1]", "[1, ]", "{, }", "$\"{1}\"", "f", "[f]", "f()"])
            ),
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

    /// A variable with a value, mostly; a scalar where there is none.
    fn variable(&mut self) -> &'static str {
        if self.one_in(30) {
            return self.pick(&["x", "y", "_", "nope"]);
        }
        let at = self.below(self.bound.len());
        self.bound.get(at).copied().unwrap_or("1")
    }

    /// A variable that gets a value here.
    fn fresh(&mut self) -> &'static str {
        let at = self.below(NAMES.len());
        let free = NAMES.iter().cycle().skip(at).take(NAMES.len()).find(|name| !self.bound.contains(name));
        let name = free.copied().unwrap_or("_");
        self.bound.push(name);
        name
    }

    fn literal(&mut self, depth: u32) -> String {
        let text = match self.below(17) {
            0..=2 => {
                let term = self.term(depth);
                format!("{} {} {term}", self.pattern(), self.pick(&[":=", ":=", "="]))
            }
            3 => format!("{} = {}", self.term(1), self.term(depth)),
            4 => format!("{} {} {}", self.term(1), self.pick(&["==", "!=", "<", ">=", ">"]), self.term(1)),
            5 if self.keywords => {
                let term = self.term(depth);
                format!("some {} in {term}", self.pattern())
            }
            6 if self.keywords => {
                let term = self.term(depth);
                format!("some {}, {} in {term}", self.fresh(), self.pattern())
            }
            7 => {
                let head = self.reference();
                let name = self.fresh();
                format!("some {name}\n\t{head}[{name}]")
            }
            8 => format!("not {}", if self.one_in(2) { self.term(1) } else { self.comparison() }),
            9 if self.keywords => {
                let (domain, outer) = (self.term(1), self.bound.clone());
                let name = self.fresh();
                let inner = self.literal(1);
                self.bound = outer;
                format!("every {name} in {domain} {{ {inner} }}")
            }
            10 => self.call(1),
            11 if self.keywords => format!("{} in {}", self.term(1), self.term(1)),
            12 => self.reference(),
            13 => format!("print({})", self.term(1)),
            14 if self.keywords => {
                let (domain, outer) = (self.term(1), self.bound.clone());
                let (key, name) = (self.fresh(), self.fresh());
                let (one, other) = (self.literal(1), self.literal(1));
                self.bound = outer;
                format!("every {key}, {name} in {domain} {{ {one}; {other} }}")
            }
            15 => {
                let (whole, name) = (self.term(1), self.fresh());
                format!("walk({whole}, [_, {name}])")
            }
            _ => self.term(depth),
        };
        if self.one_in(12) {
            let target = self.pick(&[
                "input",
                "input.a",
                "input.b",
                "input.c.x",
                "data.t.p",
                "data.t.p.a",
                "data.u.v",
                "data.t",
                "data.t.f",
                "f",
                "count",
                "plus",
                "print",
                "walk",
                "x",
                "p",
            ]);
            let value = match self.below(8) {
                0 => self.pick(&["f", "g", "count", "upper", "data.t.f"]).to_owned(),
                _ => self.term(1),
            };
            return format!("{text} with {target} as {value}");
        }
        text
    }

    fn comparison(&mut self) -> String {
        format!("{} {} {}", self.term(1), self.pick(&["==", "=", ">"]), self.term(1))
    }

    fn pattern(&mut self) -> String {
        match self.below(6) {
            0 => format!("[{}, {}]", self.fresh(), self.fresh()),
            1 => format!("{{\"k\": {}}}", self.fresh()),
            _ => self.fresh().to_owned(),
        }
    }

    fn scalar(&mut self) -> &'static str {
        self.pick(&[
            "1", "2", "0", "-3", "2.5", "1000", "\"a\"", "\"foo\"", "\"\"", "`r`", "true", "false", "null", "[]", "{}",
            "set()",
        ])
    }

    fn reference(&mut self) -> String {
        let head =
            self.pick(&["input", "input.b", "input.c", "input.c.y", "data.t.p", "p", "q", "[1, 2]", "{\"a\": 1}"]);
        let mut text = head.to_owned();
        for _ in 0..=self.below(2) {
            let part = match self.below(6) {
                0 => ".x".to_owned(),
                1 => "[_]".to_owned(),
                2 => "[0]".to_owned(),
                3 => format!("[{}]", if self.one_in(2) { self.fresh() } else { self.variable() }),
                4 => ".y".to_owned(),
                _ => format!("[{}]", self.scalar()),
            };
            text.push_str(&part);
        }
        text
    }

    fn call(&mut self, depth: u32) -> String {
        if self.one_in(4) {
            let mut arguments = self.term(depth);
            if !self.one_in(8) {
                arguments = format!("{arguments}, {}", self.term(0));
            }
            return format!("{}({arguments})", self.pick(&["f", "g", "data.t.f"]));
        }
        let at = self.below(BUILTINS.len());
        let (name, kinds) = BUILTINS.get(at).copied().unwrap_or(("count", "c"));
        let more = if self.one_in(40) { "x" } else { "" };
        let mut text = format!("{name}(");
        for (at, kind) in kinds.chars().chain(more.chars()).enumerate() {
            let term = if self.one_in(10) { self.term(depth) } else { self.of_kind(kind, depth) };
            let _infallible = write!(text, "{}{term}", if at > 0 { ", " } else { "" });
        }
        text.push(')');
        text
    }

    /// A term that may have a value of a kind.
    fn of_kind(&mut self, kind: char, depth: u32) -> String {
        match (kind, self.below(3)) {
            ('x', _) => self.term(depth),
            (_, 0) => self.reference(),
            ('s', 1) => "input.d".to_owned(),
            ('s', _) => {
                self.pick(&["\"a\"", "\"foo\"", "\"\"", "\"a.b.c\"", "\"é%s\"", "\"10\"", "\"[1]\""]).to_owned()
            }
            ('n', _) => self.pick(&["1", "2", "0", "-3", "2.5", "16", "input.a"]).to_owned(),
            ('o', 1) => "input.c".to_owned(),
            ('o', _) => format!("{{\"a\": {}, \"x\": {}}}", self.term(depth), self.scalar()),
            ('a', 1) => "input.b".to_owned(),
            _ => format!("[{}, {}]", self.scalar(), self.term(depth)),
        }
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
            10..=12 => {
                let outer = self.bound.clone();
                let body = self.literal(less);
                let (one, other) = (self.term(less), self.term(less));
                self.bound = outer;
                match self.below(3) {
                    0 => format!("[{one} | {body}]"),
                    1 => format!("{{{one} | {body}}}"),
                    _ => format!("{{{one}: {other} | {body}}}"),
                }
            }
            13 => self.call(less),
            14 => {
                let operator = self.pick(&["+", "-", "*", "/", "%"]);
                format!("{} {operator} {}", self.of_kind('n', less), self.of_kind('n', less))
            }
            _ if self.one_in(3) => format!("$\"a{{{}}}b\"", self.term(less)),
            _ => format!("({} {} {})", self.term(less), self.pick(&["==", "!=", "<", "+"]), self.term(less)),
        }
    }
}
