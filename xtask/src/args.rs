//! The command line of `cargo xtask`.

use crate::error::{Error, Result};
use crate::test::Step;

pub const DEFAULT_PORT: u16 = 8000;

#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    Help,
    Reference,
    Serve {
        port: u16,
    },
    /// An empty list stands for every step.
    Test {
        only: Vec<Step>,
    },
    Wasm,
}

const COMMANDS: &str = "serve, test, wasm, reference, help";

pub fn help() -> String {
    format!(
        "\
Usage: cargo xtask COMMAND

Commands:
  serve [--port N]           build the page and serve it on http://localhost:{DEFAULT_PORT} (or port N)
  test [--only STEP,…]       run every check and test, or the named ones with what they need
  wasm                       build the WebAssembly module into www/src/wasm
  reference                  exchange checkpoints with Hugging Face's transformers (installs them: about 6 GB)
  help                       show this text

Steps of test:
{}",
        Step::table()
    )
}

pub fn parse(arguments: &[String]) -> Result<Command> {
    let Some((command, rest)) = arguments.split_first() else {
        return Ok(Command::Help);
    };
    let mut options = Options { rest };
    let parsed = match command.as_str() {
        "help" | "--help" | "-h" => return Ok(Command::Help),
        _ if rest.iter().any(|word| word == "--help" || word == "-h") => return Ok(Command::Help),
        "serve" => {
            let mut port = DEFAULT_PORT;
            while let Some(value) = options.value_of("--port")? {
                port = parse_port(value)?;
            }
            Command::Serve { port }
        }
        "test" => {
            let mut only = Vec::new();
            while let Some(names) = options.value_of("--only")? {
                for name in names.split(',') {
                    only.push(Step::from_name(name)?);
                }
            }
            Command::Test { only }
        }
        "reference" => Command::Reference,
        "wasm" => Command::Wasm,
        other => {
            return Err(Error::Usage(format!("unknown command `{other}`; the commands are {COMMANDS}")));
        }
    };
    match options.rest.first() {
        None => Ok(parsed),
        Some(word) => {
            Err(Error::Usage(format!("`cargo xtask {command}` does not know `{word}`; see `cargo xtask help`")))
        }
    }
}

fn parse_port(value: &str) -> Result<u16> {
    match value.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(Error::Usage(format!("`--port {value}` is not a port; it is a number from 1 to 65535"))),
    }
}

struct Options<'a> {
    rest: &'a [String],
}

impl<'a> Options<'a> {
    /// The value of the next word if that is `name VALUE` or `name=VALUE`.
    fn value_of(&mut self, name: &str) -> Result<Option<&'a str>> {
        let Some((word, rest)) = self.rest.split_first() else {
            return Ok(None);
        };
        if let Some(value) = word.strip_prefix(name).and_then(|tail| tail.strip_prefix('=')) {
            self.rest = rest;
            return Ok(Some(value));
        }
        if word != name {
            return Ok(None);
        }
        let Some((value, rest)) = rest.split_first() else {
            return Err(Error::Usage(format!("`{name}` needs a value; see `cargo xtask help`")));
        };
        self.rest = rest;
        Ok(Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Command> {
        let words: Vec<String> = line.split_whitespace().map(String::from).collect();
        parse(&words)
    }

    fn refusal(line: &str) -> String {
        parse_line(line).expect_err("the line is wrong").to_string()
    }

    #[test]
    fn commands_and_their_options() {
        let parsed = |line| parse_line(line).expect("the line is right");
        assert_eq!(parsed(""), Command::Help);
        assert_eq!(parsed("serve --help"), Command::Help);
        assert_eq!(parsed("reference"), Command::Reference);
        assert_eq!(parsed("serve"), Command::Serve { port: DEFAULT_PORT });
        assert_eq!(parsed("serve --port 81"), Command::Serve { port: 81 });
        assert_eq!(parsed("serve --port=82"), Command::Serve { port: 82 });
        assert_eq!(parsed("test"), Command::Test { only: vec![] });
        assert_eq!(parsed("test --only fmt,unit"), Command::Test { only: vec![Step::Fmt, Step::Unit] });
    }

    #[test]
    fn an_unknown_command_lists_the_commands() {
        let message = refusal("server");
        assert!(message.contains("`server`") && message.contains(COMMANDS), "{message}");
    }

    #[test]
    fn an_unknown_step_lists_the_steps() {
        let message = refusal("test --only fmt,lintt");
        assert!(message.contains("`lintt`") && message.contains("clippy-wasm"), "{message}");
    }

    #[test]
    fn wrong_options_are_named() {
        assert!(refusal("serve --prot 1").contains("`--prot`"));
        assert!(refusal("serve --port").contains("needs a value"));
        for port in ["0", "65536", "-1", "x"] {
            assert!(refusal(&format!("serve --port {port}")).contains("1 to 65535"), "{port}");
        }
        assert!(refusal("wasm now").contains("`now`"));
        assert!(refusal("reference bert").contains("`bert`"));
    }
}
