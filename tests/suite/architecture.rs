//! Imports go downward only: every `use` and every path of `src` against the table of `ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// For each module the modules that it may import.
type Layers = BTreeMap<String, BTreeSet<String>>;

/// The words in backticks of a cell.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Reads the rows `| level | modules | may import |`. A cell of imports names modules or a part of one (`models::config`),
/// or says `levels A to B`; what else it says is for people.
fn parse(document: &str) -> Layers {
    let rows: Vec<(u32, Vec<String>, &str)> = document
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> =
                line.trim().strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
            let [level, modules, imports] = cells.as_slice() else { return None };
            Some((level.parse().ok()?, quoted(modules), *imports))
        })
        .collect();
    let mut layers = Layers::new();
    for (_, modules, imports) in &rows {
        let known = |path: &String| {
            let name = path.split("::").next().unwrap_or_default();
            rows.iter().any(|(_, modules, _)| modules.iter().any(|module| module == name))
        };
        let mut allowed: BTreeSet<String> = quoted(imports).into_iter().filter(known).collect();
        if let Some((_, range)) = imports.split_once("levels ")
            && let Some((from, to)) = range.split_once(" to ")
            && let (Ok(from), Ok(to)) = (from.parse::<u32>(), to.parse::<u32>())
        {
            let inside = rows.iter().filter(|(level, ..)| (from..=to).contains(level));
            allowed.extend(inside.flat_map(|(_, modules, _)| modules.clone()));
        }
        for module in modules {
            layers.entry(module.clone()).or_default().extend(allowed.iter().cloned());
        }
    }
    layers
}

/// Source without comments; a string that holds `//` loses its end, which does no harm here.
fn without_comments(source: &str) -> String {
    source.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code)).collect::<Vec<_>>().join("\n")
}

/// The first names of every path below `root` (`crate` or `trainyard`), groups in braces included.
fn roots(source: &str, root: &str) -> BTreeSet<String> {
    let code = without_comments(source);
    let prefix = format!("{root}::");
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(&prefix) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(group_heads(group)),
            None => found.extend(head(rest)),
        }
    }
    found
}

/// The name that a path starts with.
fn head(path: &str) -> Option<String> {
    let name: String = path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// The names that the members of a group start with, up to its closing brace.
fn group_heads(group: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (i, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                heads.extend(head(&group[start..i]));
                start = i + 1;
                if c == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    heads
}

/// What a file of `module` may not import, in sentences.
fn violations(layers: &Layers, module: &str, file: &str, source: &str) -> Vec<String> {
    let Some(allowed) = layers.get(module) else { return vec![format!("{file}: {module} is not in the table")] };
    // A binary is a crate of its own, whose `crate` is itself.
    let root = if module == "bin" { "trainyard" } else { "crate" };
    let mut faults = Vec::new();
    for name in roots(source, root) {
        // Macros and items of the crate's root start no module's path.
        let part = allowed.iter().find(|path| path.starts_with(&format!("{name}::")));
        let only_that_part = part.is_some_and(|path| {
            let code = without_comments(source);
            code.matches(&format!("{root}::{name}")).count() == code.matches(&format!("{root}::{path}")).count()
        });
        if name != module && layers.contains_key(&name) && !allowed.contains(&name) && !only_that_part {
            faults.push(format!("{file}: {module} imports {name}"));
        }
    }
    let code = without_comments(source);
    let uses_wgpu = code.match_indices("wgpu").any(|(at, name)| {
        let after = &code[at + name.len()..];
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '"') && after.starts_with("::")
    });
    if uses_wgpu && module != "gpu" {
        faults.push(format!("{file}: {module} names wgpu"));
    }
    faults
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.expect("the folder can be read").path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn imports_go_downward_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let layers = parse(&fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there"));
    assert!(layers.len() >= 15, "the table has {} modules", layers.len());
    let source = root.join("src");
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for path in files(&source) {
        let inside = path.strip_prefix(&source).expect("files lie in src");
        let mut parts = inside.components();
        let (first, nested) = (parts.next().expect("a name"), parts.next().is_some());
        if !nested {
            continue; // `lib.rs` only declares modules.
        }
        let module = first.as_os_str().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("sources are text");
        faults.extend(violations(&layers, &module, &inside.display().to_string(), &text));
        seen.insert(module);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen.len() >= 14, "only {seen:?} were read");
}

#[test]
fn no_module_imports_itself_through_others() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let layers = parse(&fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there"));
    for (module, imports) in &layers {
        let mut reached: BTreeSet<String> = imports.clone();
        let mut next: Vec<String> = imports.iter().cloned().collect();
        while let Some(name) = next.pop() {
            for further in layers.get(&name).into_iter().flatten() {
                if reached.insert(further.clone()) {
                    next.push(further.clone());
                }
            }
        }
        assert!(!reached.contains(module), "{module} imports itself through others");
    }
}

const TABLE: &str = "
| level | module | may import |
|---|---|---|
| 0 | `ir`, `rng` | nothing of ours |
| 1 | `kernels` | `ir` (shapes only) |
| 3 | `gpu` | `ir`, `kernels`; the only module that imports `wgpu` |
| 4 | `train` | levels 0 to 3 |
| 6 | `web`, `bin` | `train`, `ir`, `kernels::step` |
";

#[test]
fn the_table_is_understood() {
    let layers = parse(TABLE);
    let of = |name: &str| layers[name].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(layers.keys().collect::<Vec<_>>(), ["bin", "gpu", "ir", "kernels", "rng", "train", "web"]);
    assert_eq!((of("ir"), of("kernels"), of("gpu")), (vec![], vec!["ir"], vec!["ir", "kernels"]));
    assert_eq!(of("train"), ["gpu", "ir", "kernels", "rng"]);
}

#[test]
fn what_the_table_forbids_is_found() {
    let layers = parse(TABLE);
    let faults = |module: &str, source: &str| violations(&layers, module, "file.rs", source);
    assert!(faults("kernels", "use crate::ir::Graph;\nuse super::x;\n/// [`crate::gpu`]\n").is_empty());
    assert!(faults("train", "use crate::{gpu::Device, ir::{Graph, Op}};").is_empty());
    assert!(faults("gpu", "fn f(device: &wgpu::Device) {}").is_empty());
    assert!(faults("bin", "use crate::train;\nuse trainyard::ir::Graph;").is_empty());
    assert!(faults("bin", "use trainyard::kernels::step::Step;").is_empty());
    let wrong = [
        ("kernels", "use crate::gpu::Device;", "kernels imports gpu"),
        ("kernels", "use crate::{ir::Graph, rng::{self, Draws}};", "kernels imports rng"),
        ("kernels", "use crate::{\n    ir::{Graph, Op},\n    train,\n};", "kernels imports train"),
        ("ir", "fn f() { crate::rng::draw(); }", "ir imports rng"),
        ("web", "use crate::gpu::GpuError;", "web imports gpu"),
        ("bin", "fn f() { trainyard::gpu::open(); }", "bin imports gpu"),
        ("bin", "use trainyard::kernels::step::Step;\nuse trainyard::kernels::source;", "bin imports kernels"),
        ("train", "use wgpu::Device;", "train names wgpu"),
        ("elsewhere", "", "elsewhere is not in the table"),
    ];
    for (module, source, fault) in wrong {
        assert_eq!(faults(module, source), [format!("file.rs: {fault}")], "{source}");
    }
}
