//! The command line as its users meet it: the real binary, in directories of its own.

mod checkpoint;
mod errors;
mod figures;
mod from;
mod generate;
mod resume;
mod train;
mod verify;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

use serde_json::Value;

/// A directory that goes away with the test.
pub struct Workspace {
    dir: PathBuf,
}

impl Workspace {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("cli-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&dir).expect("the build's folder for tests can be written");
        Self { dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).expect("the test's folder can be written");
        path
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The lines of a run's metrics.
    pub fn metrics(&self, run: &str) -> Vec<Value> {
        let text = String::from_utf8(self.read(&format!("{run}/metrics.jsonl"))).expect("the metrics are UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect()
    }

    /// Copies a run's directory.
    pub fn copy(&self, from: &str, to: &str) {
        fs::create_dir_all(self.path(to)).expect("the test's folder can be written");
        for entry in fs::read_dir(self.path(from)).expect("the run is there") {
            let entry = entry.expect("the run can be listed");
            fs::copy(entry.path(), self.path(to).join(entry.file_name())).expect("the run can be copied");
        }
    }

    /// Runs `trainyard` here with these words.
    pub fn run(&self, words: &str) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_trainyard"))
            .args(words.split_whitespace())
            .current_dir(&self.dir)
            .output()
            .expect("the binary starts");
        Run::new(words, &output)
    }

    /// A run that is to succeed; returns its standard output.
    pub fn ok(&self, words: &str) -> String {
        let run = self.run(words);
        assert_eq!(run.code, Some(0), "{words}: {}", run.stderr);
        run.stdout
    }

    /// A run that is to succeed and print JSON.
    pub fn ok_json(&self, words: &str) -> Value {
        serde_json::from_str(&self.ok(words)).unwrap_or_else(|error| panic!("{words}: {error}"))
    }

    /// A run that is to fail; returns its one sentence.
    pub fn fails(&self, words: &str) -> String {
        let run = self.run(words);
        assert_eq!(run.code, Some(1), "{words}: {}{}", run.stdout, run.stderr);
        let sentences: Vec<&str> = run.stderr.lines().filter_map(|line| line.strip_prefix("error: ")).collect();
        // Mesa's Vulkan loader complains about a desktop that is not there, in the same form.
        let sentences: Vec<&str> = sentences.into_iter().filter(|s| !s.starts_with("XDG_RUNTIME_DIR")).collect();
        assert_eq!(sentences.len(), 1, "{words}: {}", run.stderr);
        sentences[0].to_owned()
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // A folder that stays behind lies below `target` and harms nobody.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// What a run left.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    fn new(words: &str, output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let run = Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) };
        assert!(!run.stderr.contains("panicked"), "{words}: {}", run.stderr);
        run
    }
}

/// A model that the interpreter trains in milliseconds.
pub const TINY: &str = "--set n_layer=1 --set n_embd=12 --set n_head=3 --set batch=4 --set eval_batches=1";

/// Trains the tiny sorter on the interpreter.
pub fn sort(more: &str) -> String {
    format!("train --preset sort {TINY} --device cpu {more}")
}
