//! Errors of the TOML parser as one line, cause first and remedy second. Values are left out: they may be misplaced secrets.

use std::ops::Range;

use crate::position::position;

/// Minimum Jaro-Winkler similarity of a suggested key.
const MIN_SIMILARITY: f64 = 0.7;

/// The error in words; as the parser reports it, where that is plain enough.
pub(crate) fn sentence(text: &str, error: &toml::de::Error) -> String {
    let message = error.message();
    header(text, error)
        .map(|(_, sentence)| sentence.to_owned())
        .or_else(|| unknown_key(message))
        .or_else(|| wrong_value(message))
        .or_else(|| duplicate_key(text, message, error.span()))
        .or_else(|| syntax(message).map(str::to_owned))
        .unwrap_or_else(|| message.replace('\n', "; "))
}

/// The section whose header is misspelt, if that is the error.
pub(crate) fn wrong_section(text: &str, error: &toml::de::Error) -> Option<&'static str> {
    header(text, error).map(|(section, _)| section)
}

fn header(text: &str, error: &toml::de::Error) -> Option<(&'static str, &'static str)> {
    let is_wrong_value = error.message().starts_with("invalid type");
    wrong_header(text, error.span().filter(|_| is_wrong_value))
}

/// Parses serde's "invalid type: string "…", expected a number".
fn wrong_value(message: &str) -> Option<String> {
    let rest = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))?;
    let (_, expected) = rest.rsplit_once(", expected ")?;
    let expected = match expected {
        "usize" => "a whole number without quotes, 0 or more".to_owned(),
        "u16" => "a port without quotes, a whole number up to 65535".to_owned(),
        "a string" => "a text in quotes".to_owned(),
        "a sequence" => "a list, as in [\"one\", \"two\"]".to_owned(),
        "a boolean" => "true or false, without quotes".to_owned(),
        "a map" => "a table".to_owned(),
        other => match other.strip_prefix("struct ") {
            Some(_) => "a table".to_owned(),
            None => other.replace('\n', "; "),
        },
    };
    Some(format!("wrong type of value: expected {expected}"))
}

/// The parser's syntax errors that name a rule of TOML's grammar, not what to write.
fn syntax(message: &str) -> Option<&'static str> {
    let (what, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    Some(match what {
        "string values must be quoted" => {
            "this is not a value: quote text, as in \"lab\", and write true or false without quotes"
        }
        "invalid basic string" if expected == "`\"`" => {
            "closing quote missing: end the text with \""
        }
        "invalid literal string" if expected == "`'`" => {
            "closing quote missing: end the text with '"
        }
        "invalid multi-line basic string" if expected == "`\"`" => {
            "closing quotes missing: end the text with \"\"\""
        }
        "invalid multi-line literal string" if expected == "`'`" => {
            "closing quotes missing: end the text with '''"
        }
        "invalid basic string" | "invalid literal string" => {
            "a control character in a text: remove it"
        }
        "missing escaped value" => {
            "a backslash begins an escape sequence in \"…\": write \\\\ for a backslash, or quote the text with '…'"
        }
        "unclosed table" | "unclosed array table" => {
            "closing bracket missing: write [NAME], or [[console]] for a console"
        }
        "unclosed array" => "closing bracket missing: end the list with ]",
        "unclosed inline table" => "closing brace missing at the end of this table",
        "missing comma between array elements" => {
            "comma missing: separate the items of a list by ,"
        }
        "missing comma between key-value pairs" => {
            "comma missing: separate the keys in braces by ,"
        }
        "key with no value" | "missing assignment between key-value pairs" => {
            "equals sign missing: write KEY = VALUE"
        }
        "unexpected key or value" => {
            "text after the end of a value or header: write it on a line of its own, or put # before a comment"
        }
        _ => return None,
    })
}

/// Whether `key` was probably meant by `written`.
pub(crate) fn is_similar(written: &str, key: &str) -> bool {
    strsim::jaro_winkler(written, key) > MIN_SIMILARITY
}

/// Names the first of the two, which may be many lines above.
fn duplicate_key(text: &str, message: &str, span: Option<Range<usize>>) -> Option<String> {
    if message != "duplicate key" {
        return None;
    }
    let first = span.and_then(|span| {
        let key = text.get(span.clone())?;
        let line = first_line(text, &span)?;
        Some(format!(
            "duplicate key {key}, first on line {line}: keep one of the two"
        ))
    });
    Some(first.unwrap_or_else(|| "duplicate key: keep one of the two".into()))
}

/// The number of the first line with the key or header at `span`, in the same table; `None` where no whole line has it, as
/// within braces.
fn first_line(text: &str, span: &Range<usize>) -> Option<usize> {
    let (number, _) = position(text, span.start);
    let written = |line: &str| -> String {
        let line = line.split('#').next().unwrap_or_default();
        let key = match line.trim_start().starts_with('[') {
            true => line,
            false => line.split('=').next().unwrap_or_default(),
        };
        key.split_whitespace().collect()
    };
    let repeated = written(text.lines().nth(number.checked_sub(1)?)?);
    let is_header = |key: &str| key.starts_with('[');
    let above: Vec<(usize, String)> = (1..number).zip(text.lines().map(written)).collect();
    let same_table = above
        .iter()
        .rev()
        .take_while(|(_, key)| is_header(&repeated) || !is_header(key));
    let first = same_table.filter(|(_, key)| *key == repeated).last()?;
    Some(first.0)
}

/// A misspelt header such as `[vsphere]`, which serde reports at the keys below it: its section and the sentence.
fn wrong_header(text: &str, span: Option<Range<usize>>) -> Option<(&'static str, &'static str)> {
    let at = span?.start;
    let line_end = text
        .get(at..)?
        .find('\n')
        .map_or(text.len(), |end| at + end);
    let headers = text.get(..line_end)?.lines().map(str::trim);
    let header = headers.rev().find(|line| line.starts_with('['))?;
    let header = header.split('#').next().unwrap_or_default().trim_end();
    Some(match header {
        "[vsphere]" => (
            "vsphere",
            "this [vsphere] has no name: write [vsphere.NAME]",
        ),
        "[auth]" => ("auth", "this [auth] has no name: write [auth.NAME]"),
        "[console]" => (
            "console",
            "consoles are an array of tables: write [[console]]",
        ),
        _ => return None,
    })
}

/// Parses serde's "unknown field `a`, expected one of `b`, `c`".
fn unknown_key(message: &str) -> Option<String> {
    let mut names = message
        .strip_prefix("unknown field ")?
        .split('`')
        .skip(1)
        .step_by(2);
    let unknown = names.next()?;
    let known: Vec<&str> = names.collect();
    Some(match nearest(unknown, &known) {
        Some(name) => format!("unknown key `{unknown}`: did you mean `{name}`?"),
        None if known.is_empty() => format!("unknown key `{unknown}`: no key is allowed here"),
        None => format!(
            "unknown key `{unknown}`: the keys of this section are {}",
            known.join(", ")
        ),
    })
}

/// The key that was probably meant: of `password_env` and `password_file` the latter, as in the sample and the documentation.
fn nearest<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    let file = format!("{unknown}_file");
    if let Some(name) = known.iter().find(|name| **name == file) {
        return Some(name);
    }
    let near = known
        .iter()
        .map(|name| (strsim::jaro_winkler(unknown, name), *name))
        .filter(|(similarity, _)| *similarity > MIN_SIMILARITY);
    near.max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use message_check::assert_readable;

    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[expect(dead_code)]
        auth: BTreeMap<String, Keys>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code)]
    struct Keys {
        username: Option<String>,
        password_env: Option<String>,
        password_file: Option<String>,
        port: Option<u16>,
        methods: Option<Vec<String>>,
    }

    fn error(text: &str) -> String {
        sentence(text, &toml::from_str::<File>(text).unwrap_err())
    }

    #[test]
    fn syntax_errors_say_what_to_write() {
        for (line, words) in [
            (
                "username = \"root",
                "closing quote missing: end the text with \"",
            ),
            (
                "username = 'root",
                "closing quote missing: end the text with '",
            ),
            (
                "username = \"\"\"root",
                "closing quotes missing: end the text with \"\"\"",
            ),
            (
                "username = '''root",
                "closing quotes missing: end the text with '''",
            ),
            ("username = root", "this is not a value: quote text"),
            (
                "username = \"C:\\p\"",
                "a backslash begins an escape sequence",
            ),
            (
                "username = \"a\u{7}\"",
                "a control character in a text: remove it",
            ),
            ("username", "equals sign missing: write KEY = VALUE"),
            ("username =", "this is not a value: quote text"),
            (
                "username = \"a\" \"b\"",
                "text after the end of a value or header",
            ),
            (
                "methods = [\"a\"",
                "closing bracket missing: end the list with ]",
            ),
            (
                "methods = [\"a\" \"b\"]",
                "comma missing: separate the items",
            ),
            ("[auth.two", "closing bracket missing: write [NAME]"),
            ("[[auth]", "closing bracket missing: write [NAME]"),
        ] {
            let text = format!("[auth.one]\n{line}\n");
            let error = error(&text);
            assert!(error.starts_with(words), "{line}\ngives {error}");
            assert_readable(&error);
        }
        for (line, words) in [
            ("auth = { one = {}", "closing brace missing"),
            (
                "auth = { one = {} two = {} }",
                "comma missing: separate the keys",
            ),
        ] {
            let error = error(line);
            assert!(error.starts_with(words), "{line}\ngives {error}");
            assert_readable(&error);
        }
    }

    #[test]
    fn duplicate_keys_are_named_with_their_first_line() {
        for (text, words) in [
            (
                "[auth.a]\nport = 1\n[auth.b]\nport = 2 # of b\nusername = \"u\"\nport=3\n",
                "duplicate key port, first on line 4: keep one of the two",
            ),
            (
                "[auth.a] # first\n[auth.b]\n[ auth.a ]\n",
                "duplicate key a, first on line 1: keep one of the two",
            ),
            (
                "[auth]\na = {}\n\na = {}\n",
                "duplicate key a, first on line 2: keep one of the two",
            ),
            (
                "auth = { a = { port = 1, port = 2 } }\n",
                "duplicate key: keep one of the two",
            ),
        ] {
            assert_eq!(error(text), words, "{text}");
        }
    }

    #[test]
    fn the_file_of_a_secret_is_suggested_before_its_variable() {
        let error = error("[auth.a]\npassword = \"x\"\n");
        assert_eq!(
            error,
            "unknown key `password`: did you mean `password_file`?"
        );
    }
}
