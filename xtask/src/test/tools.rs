//! What the tests need from the system: a Vulkan driver and a browser. Missing ones are installed where that can be done
//! without asking, on Debian as root.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::process::Process;
use crate::workspace::Workspace;

/// Where the Vulkan loader looks for drivers.
const DRIVER_FOLDERS: &[&str] = &["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
/// Any of these says that the caller has chosen a device.
const DEVICE_VARIABLES: &[&str] = &["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "WGPU_ADAPTER_NAME"];
const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MAC_BROWSER: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/// The device that the tests of the library run on.
#[derive(Debug, PartialEq, Eq)]
pub enum Vulkan {
    /// The caller's choice, or that of a system without Vulkan: left as it is.
    AsIs,
    /// Mesa's software device: the same numbers on every machine.
    Lavapipe(PathBuf),
}

pub fn vulkan(workspace: &Workspace) -> Result<Vulkan> {
    let chosen = DEVICE_VARIABLES.iter().any(|name| env::var_os(name).is_some());
    if chosen || !cfg!(target_os = "linux") {
        return Ok(Vulkan::AsIs);
    }
    found_or_installed(workspace, lavapipe, "the Vulkan driver lavapipe", "mesa-vulkan-drivers").map(Vulkan::Lavapipe)
}

/// Any Chromium that is not the reduced "headless shell", which has no WebGPU. `CHROMIUM` names another one.
pub fn chromium(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(path) = env::var_os("CHROMIUM").map(PathBuf::from) {
        if path.is_file() {
            return Ok(path);
        }
        return Err(Error::Missing {
            tool: format!("{}, to which CHROMIUM points,", path.display()),
            remedy: "unset CHROMIUM to have a browser searched for".to_owned(),
        });
    }
    let find = || {
        let path = env::var_os("PATH").unwrap_or_default();
        find_program(&path, BROWSERS).or_else(|| Some(PathBuf::from(MAC_BROWSER)).filter(|path| path.is_file()))
    };
    found_or_installed(workspace, find, "Chromium", "chromium")
}

fn found_or_installed(
    workspace: &Workspace,
    find: impl Fn() -> Option<PathBuf>,
    tool: &str,
    package: &str,
) -> Result<PathBuf> {
    if let Some(path) = find() {
        return Ok(path);
    }
    if installs_silently(workspace) {
        let apt = || Process::new("apt-get", workspace.root()).env("DEBIAN_FRONTEND", "noninteractive");
        apt().arg("update").run()?;
        apt().args("install --yes --no-install-recommends").arg(package).run()?;
    }
    find().ok_or_else(|| Error::Missing {
        tool: tool.to_owned(),
        remedy: format!("install it, on Debian with `apt-get install {package}` as root"),
    })
}

/// Whether this is Debian and we are root.
fn installs_silently(workspace: &Workspace) -> bool {
    Path::new("/etc/debian_version").is_file()
        && Process::new("id", workspace.root()).arg("-u").read().is_ok_and(|user| user.trim() == "0")
}

fn lavapipe() -> Option<PathBuf> {
    let drivers = DRIVER_FOLDERS.iter().filter_map(|folder| fs::read_dir(folder).ok());
    pick_lavapipe(drivers.flatten().flatten().map(|entry| entry.path()).collect())
}

/// The driver of this architecture where several are installed: `lvp_icd.x86_64.json`, or `lvp_icd.json` in newer Mesa.
fn pick_lavapipe(mut drivers: Vec<PathBuf>) -> Option<PathBuf> {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    drivers.retain(|path| name(path).starts_with("lvp_icd.") && name(path).ends_with(".json"));
    drivers.sort_by_key(|path| (!name(path).contains(env::consts::ARCH), name(path)));
    drivers.into_iter().next()
}

fn find_program(path: &OsStr, names: &[&str]) -> Option<PathBuf> {
    names
        .iter()
        .flat_map(|name| env::split_paths(path).map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lavapipe_of_this_architecture_and_no_other_driver() {
        let pick = |names: &[&str]| pick_lavapipe(names.iter().map(PathBuf::from).collect());
        let own = format!("/d/lvp_icd.{}.json", env::consts::ARCH);
        assert_eq!(pick(&["/d/lvp_icd.aaa.json", &own]), Some(PathBuf::from(&own)));
        assert_eq!(pick(&["/d/intel_icd.json", "/d/lvp_icd.json"]), Some(PathBuf::from("/d/lvp_icd.json")));
        assert_eq!(pick(&["/d/intel_icd.json", "/d/lvp_icd.json.bak"]), None);
    }

    #[test]
    fn programs_are_searched_in_the_order_of_their_names() -> Result<()> {
        let folder = env::temp_dir().join(format!("xtask-path-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
        let second = folder.join("second");
        fs::write(&second, "").map_err(Error::file("write", &second))?;
        assert_eq!(find_program(folder.as_os_str(), &["first", "second"]), Some(second));
        assert_eq!(find_program(folder.as_os_str(), &["first"]), None);
        assert_eq!(find_program(OsStr::new(""), &["second"]), None);
        fs::remove_dir_all(&folder).map_err(Error::file("remove", &folder))
    }
}
