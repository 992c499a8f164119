//! Every shader as it stands and under specializations that cover every wrapper: valid, and within the rules that
//! WebGPU and `kernels` set. Each rule has a shader that breaks it.

mod launches;
mod lint;

use std::collections::BTreeSet;

use trainyard::kernels::{self, Access, Entry, Kernel, KernelError, Target, source};

/// The message of every problem with a kernel's text.
fn problems(kernel: &Kernel, text: &str) -> Vec<String> {
    match lint::check(kernel, text) {
        Ok(()) => Vec::new(),
        Err(problems) => problems,
    }
}

#[test]
fn files_are_sound_as_they_stand() {
    for &kernel in kernels::all() {
        let text = kernels::joined(kernel).expect("every library a kernel names exists");
        assert_eq!(problems(kernel, &text), Vec::<String>::new(), "{}", kernel.stem);
    }
}

#[test]
fn specializations_are_sound() {
    for target in [Target::Gpu, Target::Software] {
        for launch in launches::all(target).expect("the shapes are within the limits") {
            let text = source(&launch).expect("the wrapper names constants that exist");
            let label = format!("{}.{} {:?}", launch.kernel.stem, launch.entry.name, launch.constants);
            assert_eq!(problems(launch.kernel, &text), Vec::<String>::new(), "{label}");
            assert!(launch.grid.iter().all(|&groups| (1..=65_535).contains(&groups)), "{label}: {:?}", launch.grid);
        }
    }
}

#[test]
fn specializations_cover_every_entry_point() {
    let launched: BTreeSet<_> = launches::all(Target::Gpu)
        .expect("the shapes are within the limits")
        .iter()
        .map(|launch| (launch.kernel.stem, launch.entry.name))
        .collect();
    let declared: BTreeSet<_> =
        kernels::all().iter().flat_map(|k| k.entries.iter().map(|e| (k.stem, e.name))).collect();
    assert_eq!(launched, declared);
}

#[test]
fn every_file_has_a_wrapper_and_every_library_a_user() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let stems = |folder: &std::path::Path| -> BTreeSet<String> {
        std::fs::read_dir(folder)
            .expect("the folder exists")
            .map(|entry| entry.expect("readable").path())
            .filter(|path| path.extension().is_some_and(|e| e == "wgsl"))
            .map(|path| path.file_stem().expect("a file name").to_string_lossy().into_owned())
            .collect()
    };
    let wrapped: BTreeSet<String> = kernels::all().iter().map(|k| k.stem.to_owned()).collect();
    assert_eq!(stems(&folder), wrapped);
    let used: BTreeSet<String> = kernels::all().iter().flat_map(|k| k.lib.iter().map(|&l| l.to_owned())).collect();
    assert_eq!(stems(&folder.join("lib")), used);
}

/// A kernel with one entry point `main`, for breaking rules.
fn broken(text: &'static str, bindings: &'static [(u32, Access)], expected: &str) {
    let entries: &'static [Entry] = Box::leak(Box::new([Entry { name: "main", bindings }]));
    let kernel = Kernel { stem: "broken", text, lib: &[], entries };
    let found = problems(&kernel, text);
    assert!(found.iter().any(|p| p.contains(expected)), "expected {expected:?} among {found:?}");
}

const READ: (u32, Access) = (0, Access::Read);
const WRITE: (u32, Access) = (1, Access::Write);

#[test]
fn a_sound_shader_passes() {
    let text = "
        @group(1) @binding(0) var<storage, read> x: array<f32, 8>;
        @group(1) @binding(1) var<storage, read_write> y: array<f32, 8>;
        @compute @workgroup_size(8) fn main(@builtin(local_invocation_id) l: vec3<u32>) { y[l.x] = x[l.x]; }";
    let entries: &'static [Entry] = &[Entry { name: "main", bindings: &[READ, WRITE] }];
    assert_eq!(problems(&Kernel { stem: "sound", text, lib: &[], entries }, text), Vec::<String>::new());
}

#[test]
fn an_invalid_shader_is_caught() {
    broken("fn main() { return 1.0; }", &[], "invalid");
    broken("fn main() { let x = ; }", &[], "does not parse");
}

#[test]
fn a_missing_entry_point_is_caught() {
    broken("@compute @workgroup_size(1) fn other() {}", &[], "entry points");
}

#[test]
fn a_binding_that_is_not_listed_is_caught() {
    let text = "
        @group(1) @binding(0) var<storage, read> x: array<f32, 8>;
        @group(1) @binding(1) var<storage, read_write> y: array<f32, 8>;
        @compute @workgroup_size(1) fn main() { y[0] = x[0]; }";
    broken(text, &[WRITE], "uses bindings");
    broken(text, &[READ, WRITE, (2, Access::Write)], "uses bindings");
}

#[test]
fn a_wrong_access_is_caught() {
    let text = "
        @group(1) @binding(0) var<storage, read> x: array<f32, 8>;
        @group(1) @binding(1) var<storage, read_write> y: array<f32, 8>;
        @compute @workgroup_size(1) fn main() { y[0] += x[0]; }";
    broken(text, &[READ, WRITE], "Write, but the shader");
    broken(text, &[(0, Access::Write), (1, Access::ReadWrite)], "Write, but the shader");
    broken(text, &[READ, (1, Access::Read)], "Read, but the shader");
    let unread = "
        @group(1) @binding(1) var<storage, read_write> y: array<f32, 8>;
        @compute @workgroup_size(1) fn main() { y[0] = 1.0; }";
    broken(unread, &[(1, Access::ReadWrite)], "ReadWrite, but the shader");
}

#[test]
fn reads_after_writes_are_caught() {
    let text = "
        @group(1) @binding(0) var<storage, read_write> y: array<f32, 8>;
        @group(1) @binding(1) var<storage, read> x: array<f32, 8>;
        @compute @workgroup_size(1) fn main() { y[0] = x[0]; }";
    broken(text, &[(0, Access::Write), (1, Access::Read)], "order");
    broken(text, &[(1, Access::Read), (0, Access::Write)], "order");
}

#[test]
fn a_runtime_sized_array_is_caught() {
    let text = "
        @group(1) @binding(1) var<storage, read_write> y: array<f32>;
        @compute @workgroup_size(1) fn main() { y[0] = 1.0; }";
    broken(text, &[WRITE], "fixed size");
}

#[test]
fn too_many_buffers_are_caught() {
    let text: &'static str = Box::leak(
        (0..9)
            .map(|i| format!("@group(1) @binding({i}) var<storage, read_write> y{i}: array<f32, 8>;\n"))
            .chain(["@compute @workgroup_size(1) fn main() {".to_owned()])
            .chain((0..9).map(|i| format!("y{i}[0] = 1.0;\n")))
            .chain(["}".to_owned()])
            .collect::<String>()
            .into_boxed_str(),
    );
    let bindings: &'static [(u32, Access)] = Box::leak((0..9).map(|i| (i, Access::Write)).collect::<Vec<_>>().into());
    broken(text, bindings, "storage buffers");
}

#[test]
fn too_many_threads_are_caught() {
    broken("@compute @workgroup_size(257) fn main() {}", &[], "threads");
    broken("@compute @workgroup_size(16, 17) fn main() {}", &[], "threads");
}

#[test]
fn too_much_workgroup_memory_is_caught() {
    let text = "
        var<workgroup> scratch: array<f32, 4097>;
        @compute @workgroup_size(1) fn main() { scratch[0] = 1.0; }";
    broken(text, &[], "workgroup memory");
}

#[test]
fn a_step_with_other_offsets_is_caught() {
    let text = "
        struct Step { seed: u32, step: u32 }
        @group(0) @binding(0) var<uniform> step_uniform: Step;
        @group(1) @binding(1) var<storage, read_write> y: array<u32, 8>;
        @compute @workgroup_size(1) fn main() { y[0] = step_uniform.seed; }";
    broken(text, &[WRITE], "Step");
}

#[test]
fn a_stray_group_is_caught() {
    let text = "
        @group(2) @binding(1) var<storage, read_write> y: array<u32, 8>;
        @compute @workgroup_size(1) fn main() { y[0] = 1u; }";
    broken(text, &[], "group 2");
}

#[test]
fn what_a_wrapper_misnames_is_an_error() {
    let text = "\nconst N: u32 = 1u;\n@compute @workgroup_size(1) fn main() {}";
    let kernel: &'static Kernel = Box::leak(Box::new(Kernel {
        stem: "k",
        text,
        lib: &["nowhere"],
        entries: &[Entry { name: "main", bindings: &[] }],
    }));
    let launch = |name: &'static str| kernels::Launch {
        kernel,
        entry: &kernel.entries[0],
        constants: vec![(name, kernels::Const::U32(2))],
        grid: [1; 3],
        flops: 0,
        site: 0,
    };
    let missing = |what, name: &str| Err(KernelError::Missing { stem: "k", what, name: name.to_owned() });
    assert_eq!(source(&launch("M")), missing("constant", "M"));
    assert_eq!(source(&launch("N")), missing("library", "nowhere"));
}

#[test]
fn shapes_beyond_the_limits_are_errors() {
    use kernels::{attention, elementwise, matmul};
    use trainyard::ir::{Attention, AttentionShape, Mask};
    let matmul = |m, n, k| {
        let spec = matmul::MatMul { m, n, k, ta: false, tb: false, variant: matmul::Variant::PLAIN };
        matmul::launch(&spec, Target::Software)
    };
    assert!(matches!(matmul(0, 4, 4), Err(KernelError::Size { elements: 0, .. })));
    assert!(matches!(matmul(1 << 20, 1, 1 << 20), Err(KernelError::Size { what: "a", .. })));
    assert!(matches!(matmul(1 << 22, 8, 1), Err(KernelError::Grid { axis: 1, groups: 65_536, .. })));
    assert!(elementwise::add(1 << 30, Target::Gpu).is_ok());
    assert!(matches!(elementwise::add((1 << 30) + 1, Target::Gpu), Err(KernelError::Size { .. })));
    let spec = Attention::packed(1, Mask::Full, 1.0);
    let shape = AttentionShape { batch: 65_536, queries: 1, keys: 1, head_dim: 1 };
    assert!(matches!(attention::forward(&spec, shape, Target::Gpu), Err(KernelError::Grid { axis: 2, .. })));
    assert!(attention::probs(&spec, shape, Target::Gpu).is_ok());
    let long = AttentionShape { batch: 1, queries: 1 << 20, keys: 1 << 20, head_dim: 1 };
    assert!(matches!(attention::probs(&spec, long, Target::Gpu), Err(KernelError::Size { what: "probs", .. })));
}

#[test]
fn long_grids_fold_and_cover() {
    for length in [1, 255, 256, 257, 16_776_960, 16_776_961, 500_000_000] {
        for (target, per_group) in [(Target::Gpu, 256), (Target::Software, 32)] {
            let launch = kernels::elementwise::add(length, target).expect("within the limits");
            let groups = u64::from(launch.grid[0]) * u64::from(launch.grid[1]);
            assert!(groups * per_group >= length as u64, "{length} on {target:?}: {:?}", launch.grid);
            assert!(launch.constants.contains(&("GRID_X", launch.grid[0].into())));
        }
    }
}
