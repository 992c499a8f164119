//! The steps of `cargo xtask test`, as data: names, order, and which one needs which.

use crate::error::{Error, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Fmt,
    Clippy,
    ClippyWasm,
    Xtask,
    Vulkan,
    Suite,
    Tree,
    Wasm,
    Size,
    Npm,
    Check,
    Lint,
    Page,
    Unit,
    Chromium,
    Browser,
}

impl Step {
    /// In the order in which they run: quick answers first, every step after what it needs.
    pub const ALL: [Self; 16] = [
        Self::Fmt,
        Self::Clippy,
        Self::ClippyWasm,
        Self::Xtask,
        Self::Vulkan,
        Self::Suite,
        Self::Tree,
        Self::Wasm,
        Self::Size,
        Self::Npm,
        Self::Check,
        Self::Lint,
        Self::Page,
        Self::Unit,
        Self::Chromium,
        Self::Browser,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::ClippyWasm => "clippy-wasm",
            Self::Xtask => "xtask",
            Self::Vulkan => "vulkan",
            Self::Suite => "suite",
            Self::Tree => "tree",
            Self::Wasm => "wasm",
            Self::Size => "size",
            Self::Npm => "npm",
            Self::Check => "check",
            Self::Lint => "lint",
            Self::Page => "page",
            Self::Unit => "unit",
            Self::Chromium => "chromium",
            Self::Browser => "browser",
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::Fmt => "Rust sources are formatted",
            Self::Clippy => "no lint fires natively",
            Self::ClippyWasm => "no lint fires in what the browser runs",
            Self::Xtask => "tests of this tool",
            Self::Vulkan => "a Vulkan device is there (Mesa's lavapipe, installed if need be)",
            Self::Suite => "tests of the library, on the CPU and on that device",
            Self::Tree => "the WebAssembly module does not depend on naga",
            Self::Wasm => "the WebAssembly module builds",
            Self::Size => "the module keeps to its size budget",
            Self::Npm => "packages install exactly as locked",
            Self::Check => "svelte-check and tsc",
            Self::Lint => "eslint",
            Self::Page => "the page builds",
            Self::Unit => "tests of the page's functions (Vitest)",
            Self::Chromium => "Chromium is there (installed if need be)",
            Self::Browser => "tests of the page in Chromium",
        }
    }

    /// What must have succeeded before this step means anything.
    pub fn needs(self) -> &'static [Self] {
        match self {
            Self::Fmt | Self::Clippy | Self::ClippyWasm | Self::Xtask => &[],
            Self::Vulkan | Self::Tree | Self::Wasm | Self::Npm | Self::Chromium => &[],
            Self::Suite => &[Self::Vulkan],
            Self::Size => &[Self::Wasm],
            // The page's types come with the module.
            Self::Check | Self::Lint | Self::Page => &[Self::Wasm, Self::Npm],
            // Some of them look into the built page.
            Self::Unit => &[Self::Page],
            Self::Browser => &[Self::Page, Self::Chromium],
        }
    }

    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|step| step.name()).collect();
            Error::Usage(format!("unknown step `{name}`; the steps are {}", names.join(", ")))
        })
    }

    /// The named steps with all they need, in running order; every step if none is named.
    pub fn selection(named: &[Self]) -> Vec<Self> {
        fn wants(named: Step, step: Step) -> bool {
            named == step || named.needs().iter().any(|need| wants(*need, step))
        }
        Self::ALL
            .into_iter()
            .filter(|step| named.is_empty() || named.iter().any(|named| wants(*named, *step)))
            .collect()
    }

    /// A line for each step, for the help text.
    pub fn table() -> String {
        Self::ALL.iter().map(|step| format!("  {:<12} {}\n", step.name(), step.what())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_comes_once_and_after_what_it_needs() {
        for (index, step) in Step::ALL.iter().enumerate() {
            let earlier = &Step::ALL[..index];
            assert!(!earlier.contains(step), "{}", step.name());
            for need in step.needs() {
                assert!(earlier.contains(need), "{} before {}", step.name(), need.name());
            }
        }
    }

    #[test]
    fn a_selection_brings_its_needs_along() {
        let selection = Step::selection(&[Step::Browser, Step::Fmt]);
        let expected = [Step::Fmt, Step::Wasm, Step::Npm, Step::Page, Step::Chromium, Step::Browser];
        assert_eq!(selection, expected);
        assert_eq!(Step::selection(&[]), Step::ALL);
    }
}
