//! A checkpoint is never in memory twice: the peak of a process that loads one.
#![cfg(target_os = "linux")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

use pollster::block_on;
use trainyard::models::Family;
use trainyard::train::checkpoint::{Folder, Strictness, WEIGHTS, Wanted, Weights, WeightsError, read};

const TENSORS: usize = 32;
const ROWS: usize = 1024;
const COLUMNS: usize = 1024;
/// Bytes of one tensor in the file, and of the file's data.
const TENSOR: u64 = (ROWS * COLUMNS * 4) as u64;
const DATA: u64 = TENSORS as u64 * TENSOR;

/// A file of 128 MiB that says so in its header and has no blocks on the disk.
fn write_sparse(folder: &Path) -> io::Result<()> {
    let mut header = serde_json::Map::new();
    for i in 0..TENSORS as u64 {
        let entry = serde_json::json!({ "dtype": "F32", "shape": [ROWS, COLUMNS], "data_offsets": [i * TENSOR, (i + 1) * TENSOR] });
        header.insert(format!("weight.{i:02}"), entry);
    }
    let header = serde_json::Value::Object(header).to_string();
    let mut file = fs::File::create(folder.join(WEIGHTS))?;
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    file.set_len(8 + header.len() as u64 + DATA)
}

/// The largest resident size of this process so far, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it tells the peak");
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kibibytes << 10
}

/// Loads the file into a sink that keeps every tensor, or none.
fn load(folder: &Path, keep: bool) -> usize {
    let weights = block_on(Weights::open(&Folder(folder.to_owned()))).expect("the file is sound");
    let names: Vec<String> = weights.entries().map(|entry| entry.name.clone()).collect();
    let wanted: Vec<Wanted<'_>> = names.iter().map(|name| (name.as_str(), &[ROWS, COLUMNS][..])).collect();
    let mut kept = Vec::new();
    let sink = |_, values: Vec<f32>| -> Result<(), WeightsError> {
        assert_eq!(values.len(), ROWS * COLUMNS);
        kept.extend(keep.then_some(values));
        Ok(())
    };
    let report = block_on(weights.load(Family::Transformer, &wanted, Strictness::Exact, sink)).expect("it fits");
    assert_eq!(report.loaded.len(), TENSORS);
    kept.len()
}

/// What the reader must not do: the whole file, and its tensors beside it.
fn hold_twice(folder: &Path) -> usize {
    let bytes = fs::read(folder.join(WEIGHTS)).expect("the file is there");
    let tensors = read(&bytes).expect("the file is sound");
    tensors.0.iter().map(|tensor| tensor.to_f32().expect("it is F32")).collect::<Vec<_>>().len()
}

/// A peak is a process's, so the test starts itself once more, alone, for each way of loading.
#[test]
fn the_peak_is_one_tensor_and_what_is_kept() {
    const WAY: &str = "TRAINYARD_TEST_PEAK_MEMORY";
    const FOLDER: &str = "TRAINYARD_TEST_PEAK_FOLDER";
    if let (Some(way), Some(folder)) = (env::var_os(WAY), env::var_os(FOLDER)) {
        let folder = PathBuf::from(folder);
        let before = peak();
        let kept = match way.to_str() {
            Some("drop") => load(&folder, false),
            Some("keep") => load(&folder, true),
            _ => hold_twice(&folder),
        };
        println!("kept {kept} growth {}", peak() - before);
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("peak-{}", process::id()));
    fs::create_dir_all(&folder).expect("the build's folder for tests can be written");
    write_sparse(&folder).expect("the file can be written");
    let growth = |way: &str| -> f64 {
        let output = process::Command::new(env::current_exe().expect("the test binary has a path"))
            .args(["--exact", "train::peak_memory::the_peak_is_one_tensor_and_what_is_kept", "--nocapture"])
            .env(WAY, way)
            .env(FOLDER, &folder)
            .output()
            .expect("the test starts");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{way}: {text}");
        let number = text.split("growth ").nth(1).and_then(|rest| rest.split_whitespace().next());
        number.and_then(|n| n.parse::<f64>().ok()).unwrap_or_else(|| panic!("{way}: no number in {text}")) / DATA as f64
    };
    let [dropped, kept, twice] = ["drop", "keep", "twice"].map(growth);
    fs::remove_dir_all(&folder).expect("the folder is there");
    println!("peak over the file's size: {dropped:.3} dropped, {kept:.3} kept, {twice:.3} held twice");
    // Two of 32 tensors, were the allocator to keep one that is done with, and the buffer.
    assert!(dropped < 0.08, "{dropped}");
    assert!((0.95..1.3).contains(&kept), "{kept}");
    // The measure sees a file that is held twice.
    assert!(twice > 1.8, "{twice}");
}
