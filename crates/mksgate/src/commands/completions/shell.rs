//! How each shell passes the word under the cursor, and how it inserts a candidate: a VM name must stay one word.

use clap_complete::env::EnvCompleter;

/// The shell that requests candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shell {
    /// Passes the word as typed but without an open quote, and inserts candidates verbatim.
    Bash {
        /// The open quote.
        quote: Option<char>,
    },
    /// Inserts candidates verbatim.
    Powershell,
    /// fish and zsh: pass the word as typed, and quote candidates themselves.
    Quoting,
    /// Unquotes the word and quotes candidates itself.
    Elvish,
}

/// Environment variable in which the bash script passes the word as typed, with its quote.
pub(super) const TYPED: &str = "MKSGATE_TYPED";

impl Shell {
    /// `typed` is the value of [`TYPED`].
    pub(super) fn new(name: &str, typed: &str) -> Self {
        match name {
            "bash" => Self::Bash {
                quote: typed.chars().next().filter(|c| matches!(c, '\'' | '"')),
            },
            "powershell" => Self::Powershell,
            "elvish" => Self::Elvish,
            _ => Self::Quoting,
        }
    }

    /// The unquoted value of the word typed so far.
    pub(super) fn read(self, word: &str) -> String {
        match self {
            Self::Bash { quote: Some('\'') } | Self::Powershell | Self::Elvish => word.to_owned(),
            Self::Bash { quote: Some(_) } => unescaped(word, is_special_in_double_quotes),
            Self::Bash { quote: None } => unescaped(word, |_| true),
            Self::Quoting => match word.chars().next() {
                Some('\'') => word.chars().skip(1).collect(),
                Some('"') => {
                    let inner: String = word.chars().skip(1).collect();
                    unescaped(&inner, is_special_in_double_quotes)
                }
                _ => unescaped(word, |_| true),
            },
        }
    }

    /// Quotes `name` for insertion.
    pub(super) fn write(self, name: &str) -> String {
        match self {
            Self::Quoting | Self::Elvish => name.to_owned(),
            Self::Bash { quote: None } => escaped(name, |c| !is_plain(c)),
            Self::Bash { quote: Some('\'') } => name.replace('\'', r"'\''"),
            // Double quotes do not suppress history expansion of `!`.
            Self::Bash { quote: Some(_) } => {
                escaped(name, is_special_in_double_quotes).replace('!', "\"'!'\"")
            }
            Self::Powershell if name.chars().all(is_plain) => name.to_owned(),
            // PowerShell accepts each of these as a closing single quote.
            Self::Powershell => format!("'{}'", doubled(name, "'‘’‚‛")),
        }
    }
}

/// clap's script, patched for bash: globbing of candidates is disabled, and the word is passed with its open quote.
pub(super) fn registration(shell: &dyn EnvCompleter, variable: &str) -> Option<String> {
    let mut script = Vec::new();
    shell
        .write_registration(variable, "mksgate", "mksgate", "mksgate", &mut script)
        .ok()?;
    let script = String::from_utf8(script).ok()?;
    if shell.name() != "bash" {
        return Some(script);
    }
    let request = format!("{variable}=\"bash\" \\\n");
    let request_with_word =
        format!("{request}        {TYPED}=\"${{COMP_WORDS[COMP_CWORD]-}}\" \\\n");
    Some(
        script
            .replacen(
                "    COMPREPLY=(",
                "    local globs=$-\n    set -f\n    COMPREPLY=(",
                1,
            )
            .replacen(
                "    if [[ $? != 0 ]]; then",
                "    local status=$?\n    [[ $globs == *f* ]] || set +f\n    if [[ $status != 0 ]]; then",
                1,
            )
            .replacen(&request, &request_with_word, 1),
    )
}

/// Letters and digits of any script, and punctuation that no shell interprets.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || "_-./,+@%".contains(c)
}

const fn is_special_in_double_quotes(c: char) -> bool {
    matches!(c, '"' | '$' | '`' | '\\')
}

fn escaped(text: &str, is_special: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_special(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn unescaped(text: &str, is_special: impl Fn(char) -> bool) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let escapes = c == '\\' && rest.peek().is_some_and(|&next| is_special(next));
        plain.extend(if escapes { rest.next() } else { Some(c) });
    }
    plain
}

fn doubled(text: &str, which: &str) -> String {
    let mut doubled = String::with_capacity(text.len());
    for c in text.chars() {
        doubled.extend(std::iter::repeat_n(c, 1 + usize::from(which.contains(c))));
    }
    doubled
}

#[cfg(test)]
mod tests {
    use clap_complete::env::Shells;

    use super::*;

    /// Has every character that a shell may interpret.
    const NAME: &str = "a;b #'\"$(c)`d`\\*?[e]~!{f}&|<>:=^%ä日";

    #[test]
    fn bash_candidates_are_one_word_to_a_posix_shell() {
        for (quote, before, after) in [(None, "", ""), (Some('\''), "'", "'")] {
            let written = Shell::Bash { quote }.write(NAME);
            let words = shlex::split(&format!("{before}{written}{after}"));
            assert_eq!(words, Some(vec![NAME.to_owned()]), "{written}");
        }
        let quote = Some('"');
        let written = Shell::Bash { quote }.write(NAME);
        let words = shlex::split(&format!("\"{written}\""));
        assert_eq!(words, Some(vec![NAME.to_owned()]), "{written}");
    }

    #[test]
    fn read_reverses_write() {
        for shell in [
            Shell::new("bash", ""),
            Shell::new("fish", ""),
            Shell::new("elvish", ""),
        ] {
            let read = shell.read(&shell.write("a b;c"));
            assert_eq!(read, "a b;c", "{shell:?}");
        }
        let bash = |typed| Shell::new("bash", typed);
        assert_eq!(bash("web01\\;re").read("web01\\;re"), "web01;re");
        assert_eq!(bash("'web01;re").read("web01;re"), "web01;re");
        assert_eq!(bash("\"web\\$;\\re").read("web\\$;\\re"), "web$;\\re");
        let zsh = Shell::new("zsh", "");
        assert_eq!(zsh.read("'web01;re"), "web01;re");
        assert_eq!(zsh.read("\"web\\\"01;re"), "web\"01;re");
        assert_eq!(zsh.read("web01\\;re"), "web01;re");
    }

    #[test]
    fn powershell_candidates_are_quoted() {
        let shell = Shell::new("powershell", "");
        assert_eq!(shell.write("web-01.x"), "web-01.x");
        assert_eq!(shell.write("a;b '$c' ’"), "'a;b ''$c'' ’’'");
    }

    #[test]
    fn bash_script_has_our_three_changes() {
        let shells = Shells::builtins();
        let script = registration(shells.completer("bash").unwrap(), "VARIABLE").unwrap();
        assert!(script.contains("    set -f\n    COMPREPLY=("), "{script}");
        assert!(
            script.contains("|| set +f\n    if [[ $status != 0 ]]"),
            "{script}"
        );
        let typed =
            "VARIABLE=\"bash\" \\\n        MKSGATE_TYPED=\"${COMP_WORDS[COMP_CWORD]-}\" \\\n";
        assert!(script.contains(typed), "{script}");
    }
}
