//! Where the checkout is, and where local AWS keeps its things in it.

use std::fs;
use std::path::{Path, PathBuf};

use super::LocalError;

/// A checkout of this project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// The checkout that `folder` is in.
    pub fn around(folder: &Path) -> Result<Self, LocalError> {
        folder
            .ancestors()
            .find(|folder| folder.join("Cargo.toml").is_file() && folder.join("workers").is_dir())
            .map(|root| Self {
                root: root.to_owned(),
            })
            .ok_or_else(|| LocalError::NoCheckout(folder.to_owned()))
    }

    /// The folder of the workspace's `Cargo.toml`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The CDK app.
    pub(super) fn cdk(&self) -> PathBuf {
        self.root.join("cdk")
    }

    /// All that local AWS makes. It is there once somebody called `up`.
    pub(super) fn state(&self) -> PathBuf {
        self.root.join(".flotilla")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.state().join("lock")
    }

    pub(super) fn virtual_environment(&self) -> PathBuf {
        self.state().join("venv")
    }

    pub(super) fn binaries(&self) -> PathBuf {
        self.state().join("bin")
    }

    pub(super) fn server_record(&self) -> PathBuf {
        self.state().join("server.json")
    }

    /// The stack's outputs, as `cdk deploy --outputs-file` writes them.
    pub(super) fn outputs(&self) -> PathBuf {
        self.state().join("outputs.json")
    }

    /// Where the CDK writes the templates and assets: not `cdk/cdk.out`, which a `cdk synth` by hand locks.
    pub(super) fn assembly(&self) -> PathBuf {
        self.state().join("cdk.out")
    }

    /// What the program of a step said, by its name.
    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.state().join("log").join(format!("{name}.log"))
    }

    /// What belongs to the server that runs, and to no other.
    pub(super) fn server(&self) -> ServerFolder {
        ServerFolder(self.state().join("server"))
    }

    /// The path as a person in the checkout would type it.
    pub(super) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }

    /// Makes the folder of all that local AWS makes.
    pub(super) fn make_state(&self) -> Result<(), LocalError> {
        let folder = self.state().join("log");
        fs::create_dir_all(&folder).map_err(LocalError::file(&folder))
    }
}

/// What belongs to one server.
#[derive(Debug, Clone)]
pub(super) struct ServerFolder(PathBuf);

impl ServerFolder {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Its temporary files, the functions' unpacked code among them.
    pub(super) fn temporary(&self) -> PathBuf {
        self.0.join("tmp")
    }

    /// What was deployed to it last.
    pub(super) fn deployed(&self) -> PathBuf {
        self.0.join("deployed.json")
    }

    pub(super) fn clear(&self) -> Result<(), LocalError> {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(LocalError::file(&self.0)(error))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_is_found_from_any_folder_within() {
        let place = tempfile::tempdir().unwrap();
        let deep = place.path().join("workers/thumbnails/src");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.parent().unwrap().join("Cargo.toml"), "").unwrap();
        assert!(matches!(
            Checkout::around(&deep),
            Err(LocalError::NoCheckout(folder)) if folder == deep
        ));
        fs::write(place.path().join("Cargo.toml"), "").unwrap();
        assert_eq!(Checkout::around(&deep).unwrap().root(), place.path());
    }

    #[test]
    fn a_path_in_the_checkout_is_shown_from_its_root() {
        let checkout = Checkout {
            root: PathBuf::from("/home/ana/flotilla"),
        };
        assert_eq!(
            checkout.shown(&checkout.log("stack")),
            ".flotilla/log/stack.log"
        );
        assert_eq!(checkout.shown(Path::new("/etc/hosts")), "/etc/hosts");
    }
}
