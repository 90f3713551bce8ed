//! The user that a process runs as, where that is not jigger's own.

use std::borrow::Cow;
use std::io;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use serde::{Deserialize, Serialize};

use super::Diagnostic;
use super::error::SystemError;
use crate::suite::RunAs;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: PathBuf,
}

/// Why a process cannot run as that user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    #[error("it has the user '{0}', and only root can start a process as another user")]
    NotRoot(String),
    #[error("it has the user '{0}', and this machine has no such user")]
    Unknown(String),
    #[error("the user '{0}' cannot be looked up")]
    NotLookedUp(String, #[source] SystemError),
}

impl User {
    /// The user that a suite asks for; `None` where that is jigger's own.
    ///
    /// # Errors
    /// [`UserError`] when there is no such user, or jigger may not become it.
    pub fn wanted(by: Option<&RunAs>) -> Result<Option<Self>, UserError> {
        match by {
            Some(wanted) => Self::wanted_by(wanted, geteuid().as_raw()),
            None => Ok(None),
        }
    }

    /// The same for a jigger that runs as the user with this number.
    fn wanted_by(wanted: &RunAs, own: u32) -> Result<Option<Self>, UserError> {
        let is_root = own == 0;
        if !is_root && wanted.only_if_root {
            return Ok(None);
        }
        let name = &wanted.name;
        let found = nix::unistd::User::from_name(name)
            .map_err(|errno| UserError::NotLookedUp(name.clone(), io::Error::from(errno).into()))?
            .ok_or_else(|| UserError::Unknown(name.clone()))?;
        let (uid, gid) = (found.uid.as_raw(), found.gid.as_raw());
        match uid == own {
            true => Ok(None),
            false if !is_root => Err(UserError::NotRoot(name.clone())),
            false => Ok(Some(Self { name: found.name, uid, gid, home: found.dir })),
        }
    }

    /// Makes a folder or a file this user's.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn own(&self, path: &Path) -> io::Result<()> {
        chown(path, Some(self.uid), Some(self.gid))
    }

    /// What a login sets (login(1)); programs look for their settings there.
    pub fn environment(&self) -> [(String, String); 3] {
        let home = self.home.display().to_string();
        [("HOME", &home), ("USER", &self.name), ("LOGNAME", &self.name)]
            .map(|(name, value)| (name.to_owned(), value.clone()))
    }
}

impl Diagnostic for UserError {
    fn remedy(&self) -> Cow<'static, str> {
        match self {
            Self::NotRoot(_) => "run jigger as root, or leave out user, or write user_if_root \
                                 instead: then it runs as that user only if jigger runs as root"
                .into(),
            Self::Unknown(name) => {
                format!("create it (adduser --system --group {name}), or name another").into()
            }
            Self::NotLookedUp(..) => "".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: u32 = 0;
    const OTHER: u32 = 4_242;

    fn wanted(name: &str, only_if_root: bool, own: u32) -> Result<Option<User>, UserError> {
        User::wanted_by(&RunAs { name: name.to_owned(), only_if_root }, own)
    }

    #[test]
    fn only_root_becomes_another_user() {
        let nobody = wanted("nobody", false, ROOT).unwrap().unwrap();
        assert_eq!(nobody.name, "nobody");
        assert!(nobody.uid > 0 && nobody.gid > 0);
        let error = wanted("nobody", false, OTHER).unwrap_err();
        let told = error.in_full();
        assert!(told.contains("only root can start") && told.contains("user_if_root"), "{told}");
        assert_eq!(wanted("nobody", true, OTHER), Ok(None));
    }

    #[test]
    fn ones_own_user_needs_no_change() {
        assert_eq!(wanted("root", false, ROOT), Ok(None));
        let nobody = wanted("nobody", false, ROOT).unwrap().unwrap();
        assert_eq!(wanted("nobody", false, nobody.uid), Ok(None));
        assert_eq!(User::wanted(None), Ok(None));
    }

    #[test]
    fn a_user_that_there_is_not_is_named() {
        let told = wanted("no-such-user", true, ROOT).unwrap_err().in_full();
        assert!(told.contains("no such user") && told.contains("adduser"), "{told}");
    }
}
