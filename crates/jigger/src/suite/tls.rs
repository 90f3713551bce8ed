//! A contender's `tls = { ... }`.

use std::path::Path;

use jigger_load::{TlsOptions, TlsVersion};

use super::fault::{Checked, refused, unknown};
use super::raw::RawTls;

/// Checks the keys as far as that can be without reading the files, which may be made by the build.
pub fn validated(raw: Option<RawTls>, url: &str, folder: &Path) -> Checked<TlsOptions> {
    let Some(raw) = raw else { return Ok(TlsOptions::default()) };
    if !url.starts_with("https://") {
        return refused(format!("url = '{url}': tls has no use without TLS; write https://"));
    }
    if raw.cert.is_some() != raw.key.is_some() {
        return refused("tls: a client certificate needs its key; give both cert and key");
    }
    let version = raw.version.as_deref().map(version).transpose()?;
    let file = |path: Option<String>| path.map(|path| folder.join(path));
    Ok(TlsOptions {
        ca: file(raw.ca),
        cert: file(raw.cert),
        key: file(raw.key),
        insecure: raw.insecure.unwrap_or(false),
        server_name: raw.sni,
        version,
        ciphers: raw.ciphers,
        groups: raw.groups,
        ..TlsOptions::default()
    })
}

fn version(name: &str) -> Checked<TlsVersion> {
    let found = TlsVersion::ALL.into_iter().find(|version| version.name() == name);
    let names = TlsVersion::ALL.map(TlsVersion::name);
    found.ok_or_else(|| format!("tls: {}", unknown("version", name, &names)).into())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::suite::Suite;

    fn parse(url: &str, tls: &str) -> Result<Suite, String> {
        let text = format!(
            "[suite]\nname = \"s\"\n[[contender]]\nname = \"a\"\nurl = \"{url}\"\ntls = {{ {tls} }}\n\
             [[scenario]]\nname = \"q\"\nrequests = 1\n"
        );
        Suite::parse(&text, "s", Path::new("/base")).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_become_options() {
        let keys = "ca = \"ca.pem\", sni = \"n\", version = \"1.2\", groups = [\"X25519\"]";
        let suite = parse("https://h/", keys).unwrap();
        let options = &suite.contenders[0].tls;
        assert_eq!(options.ca, Some(PathBuf::from("/base/ca.pem")));
        assert_eq!(options.server_name.as_deref(), Some("n"));
        assert_eq!((options.version, options.insecure), (Some(TlsVersion::V1_2), false));
        assert_eq!(options.groups, ["X25519"]);
    }

    #[test]
    fn each_wrong_key_has_its_message() {
        for (url, keys, wanted) in [
            ("http://h/", "insecure = true", "write https://"),
            ("https://h/", "cert = \"c\"", "both cert and key"),
            ("https://h/", "version = \"1.1\"", "unknown version '1.1'"),
            ("https://h/", "insecrue = true", "did you mean 'insecure'?"),
        ] {
            let message = parse(url, keys).unwrap_err();
            assert!(message.contains(wanted), "{message}");
        }
    }
}
