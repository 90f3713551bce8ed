//! The certificate that contenders are started with where their texts have `{certificate}` or `{key}`.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use jigger_load::{SelfSigned, TlsOptions, Url};

use crate::suite::{Contender, Placeholders};
use crate::temporary::TemporaryFolder;

/// One for all contenders of a run: it is valid for the hosts of their URLs, and gone with the run.
pub struct Certificate {
    folder: TemporaryFolder,
}

impl Certificate {
    /// `None` where no contender wants one.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn for_those(contenders: &[Contender]) -> io::Result<Option<Self>> {
        if !contenders.iter().any(Contender::wants_certificate) {
            return Ok(None);
        }
        let made = SelfSigned::for_hosts(hosts(contenders))?;
        let folder = TemporaryFolder::new("certificate")?;
        let certificate = Self { folder };
        fs::write(certificate.path("certificate.pem"), made.certificate)?;
        fs::write(certificate.path("key.pem"), made.key)?;
        // A server may run as another user, and the key is good for this run only.
        fs::set_permissions(certificate.folder.path(), Permissions::from_mode(0o755))?;
        Ok(Some(certificate))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What stands for `{certificate}` and `{key}`.
    pub fn values(&self) -> Placeholders {
        let shown = |name: &str| self.path(name).display().to_string();
        Placeholders::default()
            .with("certificate", shown("certificate.pem"))
            .with("key", shown("key.pem"))
    }

    /// How a contender is requested: one that has this certificate is trusted, unless its suite
    /// says whom to trust.
    pub fn trusted_by(&self, contender: &Contender) -> TlsOptions {
        let tls = contender.tls.clone();
        let has_it = contender.wants_certificate() && contender.container.is_none();
        match has_it && tls.ca.is_none() && !tls.insecure {
            true => TlsOptions { ca: Some(self.path("certificate.pem")), ..tls },
            false => tls,
        }
    }
}

fn hosts(contenders: &[Contender]) -> Vec<String> {
    let url = |contender: &Contender| {
        let filled = Placeholders::default().with("port", 1).fill(&contender.url).ok()?;
        Some(Url::parse(&filled).ok()?.host().to_owned())
    };
    let mut hosts = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    for contender in contenders {
        hosts.extend(contender.tls.server_name.clone().or_else(|| url(contender)));
    }
    hosts.sort();
    hosts.dedup();
    hosts
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::suite::Suite;

    fn contenders(lines: &[&str]) -> Vec<Contender> {
        let contender = |(at, lines): (usize, &&str)| {
            format!(
                "[[contender]]\nname = \"c{at}\"\nurl = \"https://h{at}:{{port}}/\"\nstart = \"s\"\n{lines}\n"
            )
        };
        let all: String = lines.iter().enumerate().map(contender).collect();
        let text =
            format!("[suite]\nname = \"s\"\n{all}[[scenario]]\nname = \"q\"\nrequests = 1\n");
        Suite::parse(&text, "s", Path::new("/")).unwrap().contenders
    }

    #[test]
    fn whoever_is_started_with_it_is_trusted_by_it() {
        assert!(Certificate::for_those(&contenders(&[""])).unwrap().is_none());
        let with = "env = { CERTIFICATE = \"{certificate}\", KEY = \"{key}\" }";
        let insecure = format!("{with}\ntls = {{ insecure = true }}");
        let named = format!("{with}\ntls = {{ ca = \"ca.pem\", sni = \"other\" }}");
        let contenders = contenders(&["", with, &insecure, &named]);
        let made = Certificate::for_those(&contenders).unwrap().unwrap();
        let pem = made.path("certificate.pem");
        assert!(fs::read_to_string(&pem).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
        let trusted = |at: usize| made.trusted_by(&contenders[at]).ca;
        assert_eq!([trusted(0), trusted(1), trusted(2)], [None, Some(pem), None]);
        assert_eq!(trusted(3), Some(PathBuf::from("/ca.pem")));
        assert_eq!(
            hosts(&contenders),
            ["127.0.0.1", "::1", "h0", "h1", "h2", "localhost", "other"]
        );
        let key = made.values().fill("{key}").unwrap();
        assert!(fs::read_to_string(key).unwrap().contains("PRIVATE KEY"));
    }
}
